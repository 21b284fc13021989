"""What a second stage learns from: requests whose answers the first stage has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.splits.moments import own_times
from matinee.data.splits.split import AT, Split, canonical, first_likes, grouped, leave_last_out
from matinee.decision import Requests, Situations, situations_of
from matinee.errors import BadData
from matinee.events import SCHEMA
from matinee.history import Tastes, TrainingData
from matinee.maths.arrays import Doubles, Floats, Int32s
from matinee.maths.ragged import Ragged, owners_of

LISTED = 10  # places that count where settings are judged


class Labels(StrEnum):
    """Which answers are kept from the first stage.

    `LAST`: each member's last title, for logs whose times say little. `TIME`: what members newly like in the last tenth
    of the events, asked for at those moments: closest to life. `MEMBERS`: a fifth of the titles of `share` of the
    members, none of whose titles the first stage sees, for members who come later.
    """

    LAST = "last"
    TIME = "time"
    MEMBERS = "members"


@dataclass(frozen=True)
class Fold:
    """`data` for the first stage; `requests` and their `targets` (dense titles) for the second."""

    data: TrainingData
    requests: Requests
    targets: Ragged

    def sample(self, most: int, rng: np.random.Generator) -> Fold:
        """At most `most` of the requests, in their order."""
        if len(self.requests) <= most:
            return self
        rows = np.sort(rng.choice(len(self.requests), most, replace=False))
        return Fold(self.data, self.requests.take(rows), self.targets.take(rows))


def hold_out(data: TrainingData, labels: Labels, share: float, rng: np.random.Generator) -> Fold:
    """Cut `data` by `labels`. A request is made in the situation in which its last answer was liked; hours are unknown
    where times only count. Where there is nothing to cut, or no moment to cut at, there is no request.
    """
    if not data.events.height:
        return _nothing_asked(data)
    if labels is Labels.MEMBERS:
        return _of(data, _fold_in(data, share, rng))
    if labels is Labels.TIME:
        try:
            split = own_times(Dataset("training data", "", data.catalog, {}, data.events))
        except BadData:  # all events are of one moment
            return _nothing_asked(data)
        return _of(data, split, int(split.as_of.min(initial=data.as_of)))
    return _of(data, leave_last_out(data.events, data.catalog))


def gains_of(scores: Floats, tastes: Tastes, wanted: Int32s) -> Doubles:
    """(members,) NDCG@10 of one `wanted` title each, by `scores` (members, titles), which lose the titles of `tastes`;
    equal scores share places.
    """
    scores[np.repeat(np.arange(len(tastes)), tastes.lengths), tastes.items] = -np.inf
    own = scores[np.arange(len(wanted)), wanted][:, None]
    place = (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2.0
    return np.where(place < LISTED, 1.0 / np.log2(place + 2.0), 0.0)


def _of(data: TrainingData, split: Split, as_of: int | None = None) -> Fold:
    """The first stage learns as of the moment of the cut, where there is one: what is recent then is recent for it."""
    before = training_data(split.train_events, data.catalog, data.as_of if as_of is None else as_of, data.clocks)
    requests = Requests.of_histories(split.histories, split.as_of, situations=_situations(data, split))
    return Fold(before, requests, split.targets)


def _nothing_asked(data: TrainingData) -> Fold:
    return Fold(data, Requests.of_histories(data.histories.take(np.empty(0, np.int64))), Ragged.of([]))


def _situations(data: TrainingData, split: Split) -> Situations:
    """Of each request, where and when the last of its answers was liked."""
    request = owners_of(split.targets.offsets)
    answers = pl.DataFrame({"_request": request, "item": split.targets.values}).with_columns(
        user_id=pl.Series(split.user_ids, dtype=pl.String).gather(request)
    )
    likes = first_likes(canonical(data.events, data.catalog)).join(answers, on=["user_id", "item"])
    last = likes.sort("_request", AT).unique("_request", keep="last", maintain_order=True)
    return situations_of(last, data.clocks)


def _fold_in(data: TrainingData, share: float, rng: np.random.Generator) -> Split:
    """A `share` of the members asks with four fifths of their likes for the last fifth of a random order."""
    asking = pl.Series(rng.permutation(data.user_ids)[: int(share * len(data.user_ids))], dtype=pl.String)
    ordered = canonical(data.events, data.catalog)
    theirs = ordered.filter(pl.col("user_id").is_in(asking.implode()))
    likes = first_likes(theirs).select("user_id", "item")
    likes = likes.with_columns(pl.Series("_draw", rng.random(likes.height)))
    place = pl.col("_draw").rank("ordinal").over("user_id")
    wanted = likes.filter(place <= (pl.len().over("user_id") // 5)).sort("user_id", "item")
    answers = wanted.group_by("user_id", maintain_order=True).agg("item")
    known = theirs.join(wanted, on=["user_id", "item"], how="anti", maintain_order="left")
    return Split(
        data.catalog,
        ordered.filter(~pl.col("user_id").is_in(asking.implode())).select(SCHEMA.keys()),
        answers["user_id"].to_list(),
        np.full(answers.height, data.as_of, np.int64),
        grouped(answers["item"]),
        known_events=known.select(SCHEMA.keys()),
    )

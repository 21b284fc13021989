"""A trial: a split made ready to fit and to ask, and how a scorer ranks its requests.

Tuning, evaluation and the leaderboard use this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.splits.split import Part
from matinee.decision import Requests, Scorer, Situations
from matinee.decision.eligibility import eligible
from matinee.errors import BadRequest
from matinee.evaluate.protocols import Protocol
from matinee.history import Histories, TrainingData
from matinee.maths.arrays import Flags, Int32s, Int64s
from matinee.maths.ragged import Ragged, offsets_of, owners_of
from matinee.maths.ranking_metrics import top_n
from matinee.profile import Profile

BYTES_PER_SCORE = 16  # the score, what a scorer needs to make it, and which titles may be listed
MOST_REQUESTS = 1_000  # at a time, so that what a network holds of each history stays bounded too
SCORES_BYTES = 256 * 2**20  # what ranking may hold at one time, whatever the number of members


@dataclass(frozen=True)
class Trial:
    """What may be fitted (`data`), who asks (`requests`), what is right (`targets`), which titles are `candidates`.

    Per request: `targets` and `candidates` (None = every title not seen) are dense titles; `members` the number of the
    member who asks, 0 to `n_members` - 1; `warm` whether that member has a history; `sought` whether nobody recommended
    the targets. `priority` (titles,) is the random
    order in which equal scores stand, the same for all models.
    """

    data: TrainingData
    requests: Requests
    targets: Ragged
    candidates: Ragged | None
    members: Int64s
    warm: Flags
    priority: Int64s
    sought: Flags

    @property
    def n_members(self) -> int:
        """How many members ask."""
        return int(self.members.max(initial=-1)) + 1

    def blocks(self) -> Iterator[Int64s]:
        """The requests (their numbers), so many at a time that their scores stay within `SCORES_BYTES`."""
        fitting = SCORES_BYTES // (BYTES_PER_SCORE * max(1, len(self.data.catalog)))
        at_once = min(max(1, fitting), MOST_REQUESTS)
        for start in range(0, len(self.requests), at_once):
            yield np.arange(start, min(start + at_once, len(self.requests)))

    def rank(self, scorer: Scorer, rows: Int64s, n: int) -> Int32s:
        """The `n` best titles for the requests `rows`, best first, -1 = none left: (rows, n)."""
        candidates = None if self.candidates is None else self.candidates.take(rows)
        return rank(self.data.catalog, scorer, self.requests.take(rows), n, self.priority, candidates)


def prepare(dataset: Dataset, protocol: Protocol, rng: np.random.Generator, part: Part = "test") -> Trial:
    """Cut a data set by a protocol. `part` "validation" is for tuning: nothing of the test's answers is in it.

    Requests whose every target was seen before are left out. Raises `BadRequest` when nobody is left to ask.
    """
    split = protocol.cut(dataset, part)
    as_of = max(_end(split.train_events), int(split.as_of.min(initial=np.iinfo(np.int64).max)) if len(split) else 0)
    data = training_data(split.train_events, split.catalog, as_of)
    asked, targets = _newly(split.targets, split.histories, split.candidates)
    if not len(asked):
        raise BadRequest(
            f"the protocol {protocol.name!r} leaves no member with a newly liked title to predict in "
            f"{dataset.events.height:,} events; give more events or another protocol"
        )
    profiles = tuple(dataset.profiles.get(user, Profile(user)) for user in split.user_ids)
    situations = Situations.unknown(len(split)) if split.situations is None else split.situations
    requests = Requests.of_histories(split.histories, split.as_of, profiles=profiles, situations=situations)
    return Trial(
        data=data,
        requests=requests.take(asked),
        targets=targets,
        candidates=None if split.candidates is None else split.candidates.take(asked),
        members=np.unique(np.array(split.user_ids)[asked], return_inverse=True)[1].astype(np.int64),
        warm=split.warm[asked],
        priority=rng.permutation(len(split.catalog)),
        sought=np.zeros(len(asked), np.bool_) if split.sought is None else split.sought[asked],
    )


def rank(
    catalog: Catalog,
    scorer: Scorer,
    requests: Requests,
    n: int,
    priority: Int64s,
    candidates: Ragged | None = None,
) -> Int32s:
    """Each request's `n` best titles, best first, -1 = none left: (batch, n).

    Among its `candidates`, or else among the eligible titles that its member has not seen.
    """
    scores = scorer.score(requests)
    if not np.isfinite(scores).all():
        raise BadRequest(f"{type(scorer).__name__} scored with numbers that are not finite; a scorer must not")
    if candidates is None:
        allowed = eligible(catalog, requests)
        allowed[_seen(requests.histories)] = False
    else:
        allowed = np.zeros(scores.shape, np.bool_)
        allowed[owners_of(candidates.offsets), candidates.values] = True
    return top_n(scores, n, priority, allowed)


def _end(events: pl.DataFrame) -> int:
    return int(events["timestamp"].cast(pl.Int64).to_numpy().max(initial=-1)) + 1


def _newly(targets: Ragged, histories: Histories, candidates: Ragged | None) -> tuple[Int64s, Ragged]:
    """The requests that still have a target, and their targets, after dropping what was seen before.

    Among given candidates nothing is dropped: they were put to the member, seen or not.
    """
    wanted_by = owners_of(targets.offsets)
    owners, items = _seen(histories)
    stride = int(max(items.max(initial=0), targets.values.max(initial=0))) + 1
    new = ~np.isin(wanted_by * stride + targets.values, owners * stride + items)
    kept = new if candidates is None else np.ones(len(new), np.bool_)
    counts = np.bincount(wanted_by[kept], minlength=len(targets))
    asked = np.flatnonzero(counts)
    return asked, Ragged(offsets_of(counts[asked]), targets.values[kept])


def _seen(histories: Histories) -> tuple[Int64s, Int64s]:
    """(owner, title) of everything watched, rated, thumbed or dismissed."""
    spoken = histories.speaking
    owners = owners_of(histories.offsets)
    return owners[spoken], histories.items[spoken].astype(np.int64)

"""The split in which titles are new: what can be foretold of a title before anybody has watched it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import Catalog, Ragged
from matinee.data.histories import about_titles
from matinee.errors import BadData, BadRequest
from matinee.events import SCHEMA, liked


@dataclass(frozen=True)
class NewTitles:
    """Requests whose answers are titles that training never saw.

    `train_events`: everything strictly before `cut` (microseconds since 1970, UTC), all that may be fitted on. `new`
    (titles,): the titles whose first event lies at or after it, the candidates of every request. Each of `user_ids`
    asks once, at `as_of` (requests,), the moment of their first like of a new title, and `targets` are the new titles
    they like from then on. A history is cut from `events`, all of them, at that moment:
    `histories_of(split.events, split.user_ids, catalog, split.as_of)`. It may hold new titles that the member tried
    without liking them; a model knows these by content at most.
    """

    train_events: pl.DataFrame
    events: pl.DataFrame
    cut: int
    new: NDArray[np.bool_]
    user_ids: list[str]
    as_of: NDArray[np.int64]
    targets: Ragged

    def __len__(self) -> int:
        return len(self.user_ids)


def new_titles(events: pl.DataFrame, catalog: Catalog, share: float = 0.1) -> NewTitles:
    """Cut all events at the moment from which the newest `share` (0..1) of the titles have their first event.

    Titles without any event take no part. Titles of one moment stay together, so that slightly more may be new.
    Raises `BadData` when nothing lies before the cut, or nobody likes a new title.
    """
    if not 0.0 < share < 1.0:
        raise BadRequest(f"share is {share}; give a number between 0 and 1")
    ordered = about_titles(events, catalog).sort("timestamp", maintain_order=True)
    times = ordered["timestamp"].cast(pl.Int64).to_numpy()
    first = np.full(len(catalog), np.iinfo(np.int64).max)
    np.minimum.at(first, ordered["item"].to_numpy(), times)
    cut = _cut(first[first < np.iinfo(np.int64).max], share)
    new = (first >= cut) & (first < np.iinfo(np.int64).max)
    answers = _first_likes(ordered.filter(pl.Series(new[ordered["item"].to_numpy()])))
    train = ordered.filter(times < cut)
    if train.is_empty() or answers.is_empty():
        raise BadData(
            f"of {ordered.height:,} events {train.height:,} lie before the newest {share:.0%} of titles appear, and "
            f"{answers.height:,} like one of these; give events of a longer time or another share"
        )
    members = answers.group_by("user_id", maintain_order=True).agg("item", pl.col("timestamp").first())
    lists = [np.array(one, np.int32) for one in members["item"].to_list()]
    return NewTitles(
        train.select(SCHEMA.keys()),
        ordered.select(SCHEMA.keys()),
        cut,
        new,
        members["user_id"].to_list(),
        members["timestamp"].cast(pl.Int64).to_numpy(),
        Ragged.of(lists),
    )


def _cut(first: NDArray[np.int64], share: float) -> int:
    """The first moment of the newest `share` of titles, given every title's `first` moment."""
    newest = max(1, round(share * len(first)))
    return int(np.sort(first)[-newest]) if len(first) else 0


def _first_likes(ordered: pl.DataFrame) -> pl.DataFrame:
    """Each member's first like of each title, by member and time."""
    first = ordered.filter(liked()).unique(["user_id", "item"], keep="first", maintain_order=True)
    return first.sort("user_id", maintain_order=True)

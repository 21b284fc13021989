"""Splits: the only cutter. What may be fitted on, who asks when, and which titles they turned out to like.

Canonical order is by time, and at equal times the order of the frame. A title is a member's target at most once: at
its first like. Events without a title of the catalogue take no part. `published` and `moments` cut in more
ways, with the functions of this file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.data.exposures import open_loop
from matinee.data.histories import about_titles, histories_of
from matinee.errors import BadData, BadRequest
from matinee.events import SCHEMA, liked
from matinee.history import Histories
from matinee.maths.ragged import Ragged
from matinee.situation import Situations

AT = "_at"  # position in the canonical order

Part = Literal["test", "validation"]
CutEvents = Callable[[pl.DataFrame, Catalog], "Split"]


@dataclass(frozen=True)
class Split:
    """Requests whose answers are known: what may be fitted, who asks when, what is right, and which candidates.

    `train_events` (columns of `events.SCHEMA`) is all that may be fitted on. Per request: `user_ids` who asks (a member
    may ask several times), `as_of` when (microseconds since 1970, UTC), `targets` the dense titles of `catalog` liked
    from then on. Histories are cut strictly before `as_of` from `known_events`, where left out from `train_events`.
    `candidates` are the titles to be ranked, targets among them; left out, all that the member has not seen.
    `situations` are those of the requests; left out, nothing is known of them. `sought` (requests,) says whether the
    member found every target by search or a link, so that nobody recommended it; left out, nobody knows.
    """

    catalog: Catalog
    train_events: pl.DataFrame
    user_ids: list[str]
    as_of: NDArray[np.int64]
    targets: Ragged
    known_events: pl.DataFrame | None = None
    candidates: Ragged | None = None
    situations: Situations | None = None
    sought: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.user_ids)

    @cached_property
    def histories(self) -> Histories:
        """What each asking member did before the request."""
        known = self.train_events if self.known_events is None else self.known_events
        return histories_of(known, self.user_ids, self.catalog, self.as_of)

    @property
    def warm(self) -> NDArray[np.bool_]:
        """(requests,) whether the member has a history at all."""
        return np.asarray(np.diff(self.histories.offsets) > 0)


def nested(cut: CutEvents, events: pl.DataFrame, catalog: Catalog, part: Part) -> Split:
    """`cut` applied for the test, or for the validation to what the test leaves for training."""
    split = cut(events, catalog)
    return split if part == "test" else cut(split.train_events, catalog)


def leave_last_out(events: pl.DataFrame, catalog: Catalog) -> Split:
    """Each member's last newly liked title is the target; what that member did before it is the history.

    Training sees everything but each member's target and what that member did after it. It therefore sees other
    members' later events, as the published protocol does; `global_time` does not. A request's moment is one
    microsecond after its target: events of the same time that precede it in canonical order belong to the history.
    """
    ordered = canonical(events, catalog)
    last = first_likes(ordered).unique("user_id", keep="last", maintain_order=True).sort("user_id")
    ends = last.select("user_id", pl.col(AT).alias("_end"))
    before = ordered.join(ends, on="user_id", how="left", maintain_order="left")
    train = before.filter(pl.col("_end").is_null() | (pl.col(AT) < pl.col("_end")))
    as_of = last["timestamp"].cast(pl.Int64).to_numpy() + 1
    return _split(catalog, train, last, as_of)


def global_time(events: pl.DataFrame, catalog: Catalog, share: float = 0.1) -> Split:
    """Cut all events at one moment, so that a `share` (0..1) of them lies at or after it.

    Everything strictly before the cut is training and history; the targets of each member are the titles first
    liked from the cut on. All requests are made at the cut. Members who appear only after it are cold.
    Raises `BadData` when nothing lies before the cut.
    """
    if not 0.0 < share < 1.0:
        raise BadRequest(f"share is {share}; give a number between 0 and 1")
    ordered = canonical(events, catalog)
    times = ordered["timestamp"].cast(pl.Int64)
    cut = int(times[int(len(times) * (1.0 - share))]) if len(times) else 0
    train = ordered.filter(times < cut)
    if train.is_empty():
        raise BadData(f"no event lies before the cut of {len(times):,} events; give events of more than one moment")
    later = first_likes(ordered).filter(pl.col("timestamp").cast(pl.Int64) >= cut).sort("user_id", AT)
    return _split(catalog, train, later, np.full(later["user_id"].n_unique(), cut, np.int64))


def canonical(events: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    """The events about titles in canonical order, with their dense `item` and their position `AT`."""
    return about_titles(events, catalog).sort("timestamp", maintain_order=True).with_row_index(AT)


def first_likes(ordered: pl.DataFrame) -> pl.DataFrame:
    """The event with which each member first liked each title, in canonical order."""
    return ordered.filter(liked()).unique(["user_id", "item"], keep="first", maintain_order=True)


def grouped(items: pl.Series) -> Ragged:
    """A column of lists of dense titles as a ragged array."""
    offsets = np.zeros(len(items) + 1, np.int64)
    np.cumsum(items.list.len().to_numpy(), out=offsets[1:])
    return Ragged(offsets, items.filter(items.list.len() > 0).explode().to_numpy().astype(np.int32))


def _split(catalog: Catalog, train: pl.DataFrame, answers: pl.DataFrame, as_of: NDArray[np.int64]) -> Split:
    """`answers`: the target events, sorted by member; `as_of` one moment for each of these members."""
    per_member = answers.group_by("user_id", maintain_order=True).agg("item", open_loop().all().alias("sought"))
    return Split(
        catalog,
        train.select(SCHEMA.keys()),
        per_member["user_id"].to_list(),
        as_of,
        grouped(per_member["item"]),
        sought=per_member["sought"].to_numpy(),
    )

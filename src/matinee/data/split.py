"""Splits: the only cutter. What may be fitted on, who asks when, and which titles they turned out to like.

Canonical order is by time, and at equal times the order of the frame. A title is a member's target at most once: at
its first like. Events without a title of the catalogue take no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import Catalog, Ragged
from matinee.data.histories import about_titles
from matinee.errors import BadData, BadRequest
from matinee.events import SCHEMA, liked

_AT = "_at"  # position in the canonical order


@dataclass(frozen=True)
class Split:
    """Requests whose answers are known.

    `train_events` is all that may be fitted on, and all that histories may be cut from:
    `histories_of(split.train_events, split.user_ids, catalog, split.as_of)`. `as_of` (requests,) is the moment of each
    request in microseconds since 1970, UTC; `targets` the dense titles liked from then on; `warm` (requests,) tells
    whether the member has a history at all.
    """

    train_events: pl.DataFrame
    user_ids: list[str]
    as_of: NDArray[np.int64]
    targets: Ragged
    warm: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.user_ids)


def leave_last_out(events: pl.DataFrame, catalog: Catalog) -> Split:
    """Each member's last newly liked title is the target; what that member did before it is the history.

    Training sees everything but each member's target and what that member did after it. It therefore sees other
    members' later events, as the published protocol does; `global_time` does not. A request's moment is one
    microsecond after its target: events of the same time that precede it in canonical order belong to the history.
    """
    ordered = _canonical(events, catalog)
    last = _first_likes(ordered).unique("user_id", keep="last", maintain_order=True).sort("user_id")
    ends = last.select("user_id", pl.col(_AT).alias("_end"))
    before = ordered.join(ends, on="user_id", how="left", maintain_order="left")
    train = before.filter(pl.col("_end").is_null() | (pl.col(_AT) < pl.col("_end")))
    as_of = last["timestamp"].cast(pl.Int64).to_numpy() + 1
    return _split(train, last, as_of)


def global_time(events: pl.DataFrame, catalog: Catalog, share: float = 0.1) -> Split:
    """Cut all events at one moment, so that a `share` (0..1) of them lies at or after it.

    Everything strictly before the cut is training and history; the targets of each member are the titles first
    liked from the cut on. All requests are made at the cut. Members who appear only after it are cold.
    Raises `BadData` when nothing lies before the cut.
    """
    if not 0.0 < share < 1.0:
        raise BadRequest(f"share is {share}; give a number between 0 and 1")
    ordered = _canonical(events, catalog)
    times = ordered["timestamp"].cast(pl.Int64)
    cut = int(times[int(len(times) * (1.0 - share))]) if len(times) else 0
    train = ordered.filter(times < cut)
    if train.is_empty():
        raise BadData(f"no event lies before the cut of {len(times):,} events; give events of more than one moment")
    later = _first_likes(ordered).filter(pl.col("timestamp").cast(pl.Int64) >= cut).sort("user_id", _AT)
    return _split(train, later, np.full(later["user_id"].n_unique(), cut, np.int64))


def _canonical(events: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    return about_titles(events, catalog).sort("timestamp", maintain_order=True).with_row_index(_AT)


def _first_likes(ordered: pl.DataFrame) -> pl.DataFrame:
    """The event with which each member first liked each title, in canonical order."""
    return ordered.filter(liked()).unique(["user_id", "item"], keep="first", maintain_order=True)


def _split(train: pl.DataFrame, answers: pl.DataFrame, as_of: NDArray[np.int64]) -> Split:
    """`answers`: the target events, sorted by member; `as_of` one moment for each of these members."""
    per_member = answers.group_by("user_id", maintain_order=True).agg("item")
    user_ids = per_member["user_id"]
    offsets = np.zeros(len(user_ids) + 1, np.int64)
    np.cumsum(per_member["item"].list.len().to_numpy(), out=offsets[1:])
    return Split(
        train_events=train.select(SCHEMA.keys()),
        user_ids=user_ids.to_list(),
        as_of=as_of,
        targets=Ragged(offsets, answers["item"].to_numpy().astype(np.int32)),
        warm=user_ids.is_in(train["user_id"].unique().implode()).to_numpy().astype(np.bool_),
    )

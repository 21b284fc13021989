"""Histories as of a time: the only door from events to what a scorer may see, which is what came before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.clock import Clocks
from matinee.errors import BadRequest
from matinee.events import KIND_NAMES, NEEDS_TITLE, standing
from matinee.history import Histories, TrainingData
from matinee.situation import country_codes, device_codes

_KIND = pl.Enum(KIND_NAMES)


def histories_of(
    events: pl.DataFrame, user_ids: Sequence[str], catalog: Catalog, as_of: int | NDArray[np.int64]
) -> Histories:
    """What each of `user_ids` did strictly before `as_of` (microseconds since 1970, UTC; one for all or one each).

    `events` follows `events.SCHEMA`. Only events with a title of `catalog` enter, oldest first; events of the
    same microsecond keep the order of the frame, and what was taken back before `as_of` is left out. What was done with
    an episode speaks for its series; taking it back takes back what was done with this episode. A member may be
    asked about at several moments; one who did nothing has an empty history.
    """
    moments = np.asarray(as_of, np.int64)
    if moments.ndim and moments.shape != (len(user_ids),):
        raise BadRequest(f"as_of has shape {moments.shape} for {len(user_ids)} members; give one or one each")
    asked = pl.DataFrame(
        {"user_id": user_ids, "_as_of": np.broadcast_to(moments, (len(user_ids),))},
        schema={"user_id": pl.String, "_as_of": pl.Int64},
    ).with_row_index("_member")
    theirs = events.join(asked, on="user_id", maintain_order="left")
    before = theirs.filter(pl.col("timestamp").cast(pl.Int64) < pl.col("_as_of"))
    known = about_titles(before, catalog).sort("_member", "timestamp", maintain_order=True)
    return _grouped(standing(known, of=("_member", "item_id")), len(user_ids), catalog)


def training_data(events: pl.DataFrame, catalog: Catalog, as_of: int, clocks: Clocks = Clocks()) -> TrainingData:
    """Everything known strictly before `as_of` (microseconds since 1970, UTC) about titles of `catalog`.

    Events are in canonical order: by time, and at equal times as they stood in the frame. Members are in the
    order of their ids. `clocks` reads their hours.
    """
    known = about_titles(events.filter(pl.col("timestamp").cast(pl.Int64) < as_of), catalog)
    known = standing(known.sort("timestamp", maintain_order=True))
    user_ids = known["user_id"].unique().sort().to_list()
    return TrainingData(catalog, known, user_ids, histories_of(known, user_ids, catalog, as_of), as_of, clocks)


def about_titles(events: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    """The events that name a title of the catalogue or an episode of one, with the title's dense index as `item`."""
    named = events.filter(pl.col("kind").is_in(NEEDS_TITLE))
    items = pl.Series("item", catalog.spoken_for(named["item_id"]), pl.Int32)
    return named.with_columns(items).filter(pl.col("item") >= 0)


def _grouped(theirs: pl.DataFrame, members: int, catalog: Catalog) -> Histories:
    """Histories out of events sorted by the column `_member`."""
    offsets = np.zeros(members + 1, np.int64)
    np.cumsum(np.bincount(theirs["_member"].to_numpy(), minlength=members), out=offsets[1:])
    return Histories(
        offsets,
        theirs["item"].to_numpy().copy(),
        theirs["kind"].cast(_KIND).to_physical().to_numpy().astype(np.int8),
        theirs["value"].fill_null(0.0).to_numpy().astype(np.float32),
        theirs["timestamp"].cast(pl.Int64).to_numpy().copy(),
        country_codes(theirs["country"]),
        device_codes(theirs["device"]),
        catalog.episodes_of(theirs["item_id"]).astype(np.int32),
    )

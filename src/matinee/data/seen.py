"""Pages that were looked at: the places of home pages, which of them came into view, and what came of each."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.outcomes import with_outcomes
from matinee.data.rewards import liked
from matinee.data.shown_choices import shown_choices
from matinee.decision import Decisions
from matinee.page import SCREENS, screen_of

PAGES = 10_000  # the latest of them; more teach nothing that these do not
WINDOW = 86_400.0  # seconds after a decision in which what a member does answers it
_PLACE = ("decision_id", "user_id", "row", "column")


def seen_pages(batches: Iterable[Decisions], events: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    """Titles that the latest home pages showed to known members (`shown_choices.SHOWN`), a line each, with `screen` of
    their device, whether the place was `seen`, and the columns of `data.outcomes.Outcomes` for the reward `liked`.

    A page counts if an impression names it: clients that send none say nothing about where people look.
    """
    seen = _impressions(events)
    latest = seen.group_by("decision_id").agg(pl.col("timestamp").max()).sort("timestamp", "decision_id").tail(PAGES)
    wanted = frozenset(latest["decision_id"])
    of_home = (_of(wanted, batch) for batch in batches if batch.requests.surface == "home")
    shown = shown_choices(of_home).filter(pl.col("user_id") != "")
    places = seen.select(*_PLACE, pl.lit(True).alias("seen"))
    marked = shown.join(places, on=_PLACE, how="left", maintain_order="left").with_columns(
        pl.col("seen").fill_null(False), screens_of(shown["device"])
    )
    looked_at = marked.filter(pl.col("seen").any().over("decision_id"))
    return with_outcomes(looked_at, events, catalog, WINDOW, liked)


def days_of(times: pl.Series) -> tuple[str, str] | None:
    """The first and last day (ISO, UTC) of moments in microseconds since 1970; None where there is none."""
    days = pl.from_epoch(times, "us").dt.date()
    return None if days.is_empty() else (str(days.min()), str(days.max()))


def screens_of(devices: pl.Series) -> pl.Series:
    """The kind of screen of each device, as `screen`."""
    kinds = {device: screen_of(device) for device in devices.unique()}
    return devices.replace_strict(kinds, return_dtype=pl.Enum(SCREENS)).alias("screen")


def _of(wanted: frozenset[str], batch: Decisions) -> Decisions:
    """Those of a batch that are wanted."""
    return batch.take(np.flatnonzero([one in wanted for one in batch.ids]))


def _impressions(events: pl.DataFrame) -> pl.DataFrame:
    """Each place that came into view, once."""
    said = events.filter(pl.col("kind") == "impression", pl.all_horizontal(pl.col(_PLACE).is_not_null()))
    return said.group_by(_PLACE).agg(pl.col("timestamp").min())

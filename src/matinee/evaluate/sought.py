"""Plays that nobody recommended: what members found by search or a link, and whether pages had shown it before."""

from __future__ import annotations

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.exposures import open_loop
from matinee.data.shown_choices import thinned_until
from matinee.evaluate.looks import Share
from matinee.evaluate.results import Estimate
from matinee.events import DAY, PLAYED
from matinee.maths.intervals import clustered_share

WEEK_DAYS = 7.0


def sought_of(shown: pl.DataFrame, events: pl.DataFrame, catalog: Catalog, days: float = WEEK_DAYS) -> Share:
    """The plays of search and links, each title of a member once, and the share of them that a decision had shown to
    the member at most `days` before: what a system knew to offer without being asked.

    `shown` as `data.shown_choices` gives it, `events` as `events.SCHEMA`. Where the log was thinned, plays count from
    so many days later on: of earlier ones nobody knows what had been shown. No system chose these titles, so they
    judge one without its echo; but members seek what they know.
    """
    plays = events.filter((pl.col("kind") == "play") & (pl.col("value") >= PLAYED) & open_loop())
    found = plays.select(
        "user_id",
        pl.Series("item", catalog.spoken_for(plays["item_id"]), pl.Int32),
        pl.col("timestamp").cast(pl.Int64).alias("time"),
    ).filter(pl.col("item") >= 0)
    if until := thinned_until(shown):
        found = found.filter(pl.col("time") >= until + round(days * DAY))
    found = found.sort("time").unique(["user_id", "item"], keep="first", maintain_order=True)
    before = shown.select("user_id", "item", "time", pl.col("time").alias("at")).sort("time")
    joined = found.join_asof(before, on="time", by=["user_id", "item"], strategy="backward", check_sortedness=False)
    known = (pl.col("time") - pl.col("at") <= round(days * DAY)).fill_null(False)
    members = joined.group_by("user_id", maintain_order=True).agg(
        known.sum().cast(pl.Float64).alias("total"), pl.len().cast(pl.Float64).alias("count")
    )
    totals, counts = (members[name].to_numpy() for name in ("total", "count"))
    rate = clustered_share(totals, counts) if len(members) else (np.nan, np.nan, np.nan)
    return Share("sought", joined.height, members.height, Estimate(*rate))

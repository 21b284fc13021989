"""Whom a service serves: the reward per look lately, by how many titles each member had liked before."""

from __future__ import annotations

import polars as pl

from matinee.catalog import Catalog
from matinee.data.outcomes import with_outcomes
from matinee.data.rewards import liked, played
from matinee.evaluate.fairness import LIKES
from matinee.evaluate.looks import Share, share_of
from matinee.events import DAY

LATELY = 28  # days whose looks count; likes are counted before them
MANY = 2**31
WINDOW = 86_400.0  # seconds in which a play counts for a decision


def served_by_likes(shown: pl.DataFrame, events: pl.DataFrame, catalog: Catalog, now: int) -> tuple[Share, ...]:
    """Plays per look of the last `LATELY` days, by titles liked before these; ranges of `LIKES` that anybody is in.

    `shown` (`data.shown_choices.SHOWN`); `events` (`events.SCHEMA`), whose beginning says how far back likes are
    known; `now` in microseconds since 1970, UTC.
    """
    since = now - LATELY * DAY
    looked = with_outcomes(shown.filter(pl.col("time") >= since), events, catalog, WINDOW, played)
    looked = looked.filter(pl.col("examined") & (pl.col("user_id") != ""))
    before = events.filter((pl.col("timestamp").cast(pl.Int64) < since) & (liked() > 0))
    likes = before.group_by("user_id").agg(pl.col("item_id").n_unique().alias("likes"))
    counted = looked.join(likes, on="user_id", how="left").with_columns(pl.col("likes").fill_null(0))
    parts = (
        (low, counted.filter(pl.col("likes").is_between(low, MANY if high is None else high))) for low, high in LIKES
    )
    return tuple(share_of(str(low), part) for low, part in parts if part.height)

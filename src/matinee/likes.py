"""Likes that count for what is popular: each member's once a title, weighed by how well the member is known."""

from __future__ import annotations

import numpy as np
import polars as pl

from matinee.events import DAY, PLAYED, arrival, liked
from matinee.maths.arrays import Doubles

FAMILIAR = DAY  # microseconds after which a member counts in full
AT_ONCE = DAY // 288  # five minutes, for which even the newest member counts as known
ENOUGH = 5  # titles seen from which on a member counts in full
UNSEEN = 0.2  # what a thumb counts for a title that its member neither played nor rated
GROWTH = 1.5  # a title gains at most so many times what the best title gains on a usual day

_PAIR = ["user_id", "item"]


def counted_likes(events: pl.DataFrame, as_of: int) -> pl.DataFrame:
    """Each member's latest like of each title, once, oldest first, with its `weight` in 0..1.

        weight   = min(1, standing / usual) * (UNSEEN for a thumb without a play or rating) * min(1, most / gained)
        standing = min(1, (known + AT_ONCE) / FAMILIAR) * min(1, (1 + seen) / (1 + ENOUGH))

    A member has been `known` since the first event arrived and has `seen` the titles played or rated. `usual` is the
    mean standing of those who have some, each counted by it, so that where all are new all count alike. What a title
    `gained` in a day (the sum of its weights) counts no more than `most`: `GROWTH` times the gain of the best title on
    the day of the typical like. So a crowd of new members moves little, and any crowd little in a day. Days are those
    on which events arrived (`events.arrival`): whoever sends says when something was done, but not when it came.

    `events` follows `events.SCHEMA` plus the dense column `item`, all before `as_of` (microseconds); its columns stay.
    """
    seen = events.filter(_seen()).select(_PAIR).unique()
    likes = (
        events.filter(liked())
        .sort("timestamp", maintain_order=True)
        .unique(_PAIR, keep="last", maintain_order=True)
        .join(_standings(events, seen, as_of), on="user_id", how="left", maintain_order="left")
        .join(seen.with_columns(_seen=True), on=_PAIR, how="left", maintain_order="left")
    )
    usual = (pl.col("_standing") ** 2).sum() / pl.col("_standing").sum()
    thumb = pl.when(pl.col("_seen").is_null()).then(UNSEEN).otherwise(1.0)
    trust = (pl.col("_standing") / usual).clip(upper_bound=1.0).round(6)
    return _capped(likes.with_columns((trust * thumb).alias("weight")).drop("_standing", "_seen"))


def standing(known: Doubles, seen: Doubles) -> Doubles:
    """How much members count, 0..1, who have been `known` for so many microseconds and have `seen` so many titles:
    min(1, (known + AT_ONCE) / FAMILIAR) * min(1, (1 + seen) / (1 + ENOUGH)), all of one shape.
    """
    familiar = np.minimum(1.0, (np.maximum(known, 0.0) + AT_ONCE) / FAMILIAR)
    return np.asarray(familiar * np.minimum(1.0, (1.0 + seen) / (1.0 + ENOUGH)))


def _seen() -> pl.Expr:
    """Events that say that their member saw the title."""
    return ((pl.col("kind") == "play") & (pl.col("value") >= PLAYED)) | (pl.col("kind") == "rating")


def _standings(events: pl.DataFrame, seen: pl.DataFrame, as_of: int) -> pl.DataFrame:
    """`user_id` and `_standing` of every member."""
    members = events.group_by("user_id").agg((as_of - arrival().min().dt.epoch("us")).alias("_known"))
    counts = seen.group_by("user_id").agg(pl.len().alias("_count"))
    both = members.join(counts, on="user_id", how="left").with_columns(pl.col("_count").fill_null(0))
    known, count = (both[name].cast(pl.Float64).to_numpy() for name in ("_known", "_count"))
    return both.select("user_id", pl.Series("_standing", standing(known, count)))


def _capped(likes: pl.DataFrame) -> pl.DataFrame:
    """`likes`, the weights of a title that gained too much in a day made smaller."""
    day = (arrival().dt.epoch("us") // DAY).alias("_day")
    gained = likes.group_by("item", day).agg(pl.col("weight").sum().alias("_gained"))
    days = gained.group_by("_day").agg(pl.col("_gained").max().alias("best"), pl.col("_gained").sum().alias("all"))
    half = pl.col("all").cum_sum() >= pl.col("all").sum() / 2
    usual = days.sort("best").filter(half)["best"].head(1)
    most = GROWTH * usual.item() if len(usual) else 0.0
    factor = pl.when(pl.col("_gained") > most).then(most / pl.col("_gained")).otherwise(1.0)
    return (
        likes.with_columns(day)
        .join(gained, on=["item", "_day"], how="left", maintain_order="left")
        .with_columns(pl.col("weight") * factor)
        .drop("_day", "_gained")
    )

"""Lists that were shown: the titles of one decision for one member, and which of them were liked in it."""

from __future__ import annotations

import polars as pl

from matinee.events import liked

LIST = ("decision_id", "user_id")  # what makes a list: members may share a decision_id


def shown_titles(events: pl.DataFrame) -> pl.DataFrame:
    """The first impression of each title of a list, in the order of `events`; `liked` says whether it was liked there.

    `events` have the column `item`. Impressions that name no decision are of no list.
    """
    keys = [*LIST, "item"]
    named = events.filter(pl.col("decision_id").is_not_null())
    likes = named.filter(liked()).select(*keys, pl.lit(True).alias("liked")).unique()
    return (
        named.filter(pl.col("kind") == "impression")
        .unique(keys, keep="first", maintain_order=True)
        .join(likes, on=keys, how="left", maintain_order="left")
        .with_columns(pl.col("liked").fill_null(False))
    )


def chosen_from(titles: pl.DataFrame) -> pl.DataFrame:
    """Of `shown_titles`, the lists with a title that was liked and one that was not, in order of time."""
    share = pl.col("liked").mean().over(LIST)
    moment = pl.col("timestamp").min().over(LIST)
    return titles.filter((share > 0) & (share < 1)).sort(moment, "user_id", "decision_id", maintain_order=True)

"""The demo: what it trains, and an old data set as if it ended now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl

from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.errors import BadData
from matinee.extras import installed
from matinee.recipes.serving import WHERE_TRAINED, served_in
from matinee.recipes.training import now
from matinee.workspace import Workspace

SOON = 200_000  # events that the sequence model learns from in less than three minutes on two cores


def trained_in_demo(workspace: Workspace) -> tuple[str, ...]:
    """The models that the demo trains: what is served, and what is better and trained within three minutes."""
    better = WHERE_TRAINED if installed("torch") and _is_small(workspace) else ()
    return tuple(dict.fromkeys((*better, *served_in(workspace))))


def as_if_it_ended_now(dataset: Dataset, now: datetime | None = None) -> tuple[Dataset, timedelta]:
    """An old data set moved forward in time as far as it goes in whole weeks; returns it and the move.

    Weekdays and hours (UTC) stay what they were, for models learn from them. The last event then lies between an hour
    and a week and an hour before `now`. Titles become available at their release, moved by as much, so that the latest
    ones are new arrivals. Raises `BadData` without an event.
    """
    last = dataset.events["timestamp"].max()
    if not isinstance(last, datetime):
        raise BadData(f"{dataset.name} holds no event whose time could be moved: {dataset.rejections}; give other data")
    week = timedelta(weeks=1)
    move = ((now or datetime.now(UTC)) - timedelta(hours=1) - last) // week * week
    events = dataset.events.with_columns(pl.col("timestamp") + move)
    first_seen = events.group_by("item_id").agg(pl.col("timestamp").min().alias("_first"))
    released = pl.coalesce("available_from", "released") + move
    titles = (
        dataset.catalog.titles.join(first_seen, on="item_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(released.is_not_null()).then(pl.min_horizontal(released, "_first")).alias("available_from")
        )
        .drop("_first")
    )
    catalog = replace(dataset.catalog, titles=titles)
    return replace(dataset, catalog=catalog, events=events), move


def _is_small(workspace: Workspace) -> bool:
    with EventLog(workspace.log_path) as log:
        return log.read(now()).height <= SOON

"""Toy worlds: catalogues, events and training data small enough to know what a good model must say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.histories import training_data
from matinee.decision import Choices, Decisions, Maker, Requests
from matinee.events import clean
from matinee.history import Histories, TrainingData
from matinee.profile import Profile

START = 1_700_000_000  # seconds: a Tuesday in November 2023, 22:13:20 UTC
NOW = datetime(2100, 1, 1, tzinfo=UTC)


def make_catalog(n: int, **columns: Sequence[Any]) -> Catalog:
    """`n` titles "t0", "t1", ... with these further columns of `catalog.SCHEMA`."""
    ids = [f"t{i}" for i in range(n)]
    return Catalog.from_frame(pl.DataFrame({"item_id": ids, "title": [f"Title {i}" for i in range(n)], **columns}))


def make_events(likes: Sequence[Sequence[int]], seconds: Sequence[Sequence[int]] | None = None) -> pl.DataFrame:
    """Events in which member "m<k>" watched the titles `likes[k]` to the end, in order.

    `seconds[k]` are the moments after `START`; by default one title an hour. Add contexts with `with_columns`.
    """
    rows = [
        (f"m{k}", item, START + (seconds[k][at] if seconds else 3_600 * at))
        for k, items in enumerate(likes)
        for at, item in enumerate(items)
    ]
    users, items, times = zip(*rows, strict=True) if rows else ((), (), ())
    frame = pl.DataFrame(
        {
            "event_id": [f"e{at}" for at in range(len(rows))],
            "user_id": list(users),
            "item_id": [f"t{item}" for item in items],
            "kind": ["play"] * len(rows),
            "timestamp": list(times),
            "value": [1.0] * len(rows),
        },
        schema_overrides={"user_id": pl.String, "item_id": pl.String, "timestamp": pl.Int64},
    )
    return clean(frame, NOW)[0]


def make_data(events: pl.DataFrame, catalog: Catalog, as_of: int | None = None) -> TrainingData:
    """Training data out of events; `as_of` (microseconds) is by default one second after the last."""
    if as_of is None:
        seconds = events["timestamp"].dt.epoch("s").to_list()
        as_of = (max(seconds, default=START) + 1) * 1_000_000
    return training_data(events, catalog, as_of)


def make_decisions(
    times: Sequence[int], user_ids: Sequence[str], ids: Sequence[str], items: Sequence[int] | None = None, **fields: Any
) -> Decisions:
    """One title for each request, drawn as if among four; `fields` are of `Requests`, `profiles` of its members."""
    profiles = fields.pop("profiles", [Profile(user_id) for user_id in user_ids])
    batch = len(ids)
    requests = Requests.of_histories(Histories.empty(batch), np.asarray(times, np.int64), profiles, **fields)
    shown = np.zeros(batch, np.int32) if items is None else np.asarray(items, np.int32)
    choices = Choices.of_titles(shown, np.full(batch, np.log(0.25)), np.full(batch, 4, np.int32))
    return Decisions(
        requests, tuple(ids), (Maker("p"),), choices, np.full(batch, 4, np.int32), np.zeros(batch, np.uint64)
    )


def checkerboard(members: int = 40, titles: int = 12) -> TrainingData:
    """Two groups of taste: even members like even titles, odd members odd ones, each all but one, in any order.

    Right answer: a member's missing title of their own colour stands above every title of the other colour. Orders are
    drawn with a fixed seed, the same at every call, and tell nothing: what came before never says what comes next.
    """
    rng, half = np.random.default_rng(0), titles // 2
    turns = [rng.permutation(np.arange(1, half)).tolist() for _ in range(members)]
    likes = [[2 * ((k // 2 + at) % half) + k % 2 for at in turns[k]] for k in range(members)]
    return make_data(make_events(likes), make_catalog(titles))


def cyclic(members: int = 60, titles: int = 12, length: int = 4) -> TrainingData:
    """Everybody goes round the same circle: after title i comes i + 1.

    Right answer: for a member who saw i and i + 1, the titles i - 1 and i + 2 stand above the opposite side.
    """
    likes = [[(k + at) % titles for at in range(length)] for k in range(members)]
    return make_data(make_events(likes), make_catalog(titles))

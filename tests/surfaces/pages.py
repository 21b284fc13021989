"""Small worlds for the surfaces' tests: catalogues with genres, pools made by hand, policies over a fixed scorer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.decision import Progress, Requests, no_progress
from matinee.history import Histories, TrainingData
from matinee.maths.calibration import Platt
from matinee.page import Layout, RowKind
from matinee.surfaces.charts import Chart, Charts
from matinee.surfaces.home import HomeConfig, HomePolicy
from matinee.surfaces.pages.builder import Where
from matinee.surfaces.pages.rows import Pools

NOW = 1_700_000_000_000_000  # microseconds


def catalog_of(genres: list[list[str]], **columns: list) -> Catalog:
    ids = [f"t{i}" for i in range(len(genres))]
    return Catalog.from_frame(pl.DataFrame({"item_id": ids, "title": ids, "genres": genres, **columns}))


def pools_of(rows: list[list[tuple[int, float]]], minimum: int = 1) -> Pools:
    """One request whose candidate row k + 1 holds these (title, worth) pairs; row 0, the billboard, is empty."""
    longest = max(len(row) for row in rows)
    pools = Pools.empty(1, len(rows) + 1, longest, minimum)
    for k, row in enumerate(rows, start=1):
        pools.kinds[0, k], pools.keys[0, k], pools.sizes[0, k] = RowKind.GENRE, k, len(row)
        for at, (item, worth) in enumerate(row):
            pools.items[0, k, at], pools.worths[0, k, at] = item, worth
            pools.logits[0, k, at] = np.log(worth)
    return pools


def request_of(layout: Layout, batch: int = 1) -> Requests:
    return Requests.of_histories(Histories.empty(batch), times=NOW, layout=layout)


@dataclass(frozen=True)
class Linear:
    """score = rows of a fixed matrix summed over the liked titles, plus a base: its answers are arithmetic."""

    weights: np.ndarray
    base: np.ndarray

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        return self

    def score(self, requests: Requests) -> np.ndarray:
        return (requests.histories.tastes.matrix(len(self.base)) @ self.weights + self.base).astype(np.float32)

    def explain(self, requests: Requests, items: np.ndarray) -> np.ndarray:
        tastes, best = requests.histories.tastes, np.full(items.shape, -1, np.int32)
        for b in range(len(items)):
            mine = tastes.items[tastes.offsets[b] : tastes.offsets[b + 1]]
            for k, item in enumerate(items[b]):
                terms = self.weights[mine, item] if item >= 0 and len(mine) else np.zeros(0)
                if terms.max(initial=0.0) > 0:
                    best[b, k] = mine[int(np.argmax(terms))]
        return best

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        raise NotImplementedError


def world(n: int = 120, seed: int = 0, **columns: list) -> Catalog:
    """`n` titles of two of eight genres each, some tagged."""
    rng = np.random.default_rng(seed)
    genres = [[f"g{g}" for g in rng.choice(8, 2, replace=False)] for _ in range(n)]
    return catalog_of(genres, **columns)


def policy_of(
    catalog: Catalog,
    exploration: float = 0.0,
    seed: int = 1,
    charts: Charts | None = None,
    where: Where = Where(),
) -> HomePolicy:
    rng, n = np.random.default_rng(seed), len(catalog)
    scorer = Linear(rng.normal(0.0, 1.0, (n, n)) * (1 - np.eye(n)), rng.normal(0.0, 0.1, n))
    config = HomeConfig(exploration=exploration, where=where)
    return HomePolicy("home", "fixed", catalog, scorer, Platt(1.0, -5.0), charts or charts_of(catalog), config)


def charts_of(catalog: Catalog) -> Charts:
    n = min(len(catalog), 40)
    falling = np.arange(n, 0, -1).astype(np.float32)
    shares = np.full(len(catalog.genres), 1.0 / max(len(catalog.genres), 1), np.float32)
    everywhere = Chart(np.arange(n, dtype=np.int32), falling)
    denmark = Chart(np.arange(n, dtype=np.int32)[::-1].copy(), falling)
    return Charts({None: everywhere, "DK": denmark}, Chart(np.arange(n, dtype=np.int32), falling), shares, 0, NOW)

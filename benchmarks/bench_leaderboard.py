"""What evaluating ten models costs on a catalogue of the shape of MovieLens 1M: cutting, ranking, metrics, intervals.

    python benchmarks/bench_leaderboard.py

6,040 members, 3,706 titles, 1,000,000 likes, next item over the full catalogue, every metric, 1,000 resamples and
10,000 sign patterns for each group. The models are dot products with 64 random numbers a title, so that next to
nothing of the time is fitting; scoring is included.

`run()` returns machine, members, titles, models; seconds (all of it), cut_seconds, rank_seconds (scoring, masks and
best places), measure_seconds (metrics, intervals, tests); peak_bytes (growth of resident memory, null where the system
does not tell); top_ratio (our best 20 of a block of scores against numpy's argpartition and sort, taking turns).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from machine import forget_peak, machine, peak
from rich.console import Console
from rich.table import Table
from synthetic import likes

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, profiles_of
from matinee.decision import Progress, Requests, no_progress
from matinee.evaluate.leaderboard import leaderboard
from matinee.evaluate.protocols import NEXT_ITEM
from matinee.events import SCHEMA
from matinee.history import TrainingData
from matinee.maths.ranking_metrics import top_n

GENRES = 18
SIZE = 64  # numbers a title


class Dot:
    """The sum of a history's random vectors, times every title's."""

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Dot:
        """Draw the vectors."""
        self.vectors = rng.normal(size=(len(data.catalog), SIZE)).astype(np.float32)
        return self

    def score(self, requests: Requests) -> np.ndarray:
        """Dot products."""
        members = requests.histories.tastes.matrix(len(self.vectors)) @ self.vectors
        return np.asarray(members @ self.vectors.T)

    def explain(self, requests: Requests, items: np.ndarray) -> np.ndarray:
        """No reasons."""
        return np.full(items.shape, -1, np.int32)

    def save(self, folder: Path) -> None:
        """Write the vectors."""
        np.save(folder / "vectors.npy", self.vectors)

    @classmethod
    def load(cls, folder: Path) -> Dot:
        """Read the vectors."""
        scorer = cls()
        scorer.vectors = np.load(folder / "vectors.npy")
        return scorer


def run(
    progress: Callable[[str, float], None] | None = None,
    members: int = 6_040,
    titles: int = 3_706,
    total: int = 1_000_000,
    models: int = 10,
) -> dict[str, Any]:
    """Run one leaderboard; see the top of this file for the keys."""
    progress = progress or (lambda what, done: None)
    progress("compiling on a small data set", 0.0)
    _board(_dataset(60, 80, 2_000), 2, no_progress)
    progress("drawing likes", 0.05)
    data = _dataset(members, titles, total)
    marks: dict[str, float] = {}
    before, started = forget_peak(), perf_counter()

    def note(what: str, done: float) -> None:
        marks.setdefault("cut" if what.startswith("model 0") else what, perf_counter() - started)
        progress(what, 0.1 + 0.7 * done)

    standings = _board(data, models, note)
    seconds, after = perf_counter() - started, peak()
    progress("the best places against numpy", 0.85)
    return {
        "machine": machine(),
        "members": standings.groups[0].members,
        "titles": titles,
        "models": models,
        "seconds": seconds,
        "cut_seconds": marks["cut"],
        "rank_seconds": sum(cost.rank_seconds for cost in standings.costs.values()),
        "measure_seconds": seconds - marks["intervals and tests"],
        "peak_bytes": None if before is None or after is None else max(0, after - before),
        "top_ratio": _top_ratio(titles),
    }


def _board(data: Dataset, models: int, progress: Callable[[str, float], None]) -> Any:
    return leaderboard(data, NEXT_ITEM, {f"model {k}": Dot for k in range(models)}, fits=1, progress=progress)


def _dataset(members: int, titles: int, total: int) -> Dataset:
    matrix = likes(members, titles, total)
    rng = np.random.default_rng(0)
    owners = np.repeat(np.arange(members), np.diff(matrix.indptr))
    shuffled = np.lexsort((rng.random(len(owners)), owners))
    seconds = np.arange(len(owners)) - np.repeat(matrix.indptr[:-1], np.diff(matrix.indptr))
    frame = pl.DataFrame({"user_id": owners, "item_id": matrix.indices[shuffled], "timestamp": seconds * 1_000_000})
    events = frame.with_row_index("event_id").with_columns(
        pl.col("timestamp").cast(pl.Datetime("us", "UTC")), pl.lit("play").alias("kind"), pl.lit(1.0).alias("value")
    )
    empty = [pl.lit(None).alias(name) for name in SCHEMA if name not in events.columns]
    events = events.with_columns(empty).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    genres = [[f"g{g}" for g in rng.permutation(GENRES)[: rng.integers(1, 4)]] for _ in range(titles)]
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": [str(i) for i in range(titles)], "genres": genres}))
    return Dataset("synthetic", "none", catalog, profiles_of(events), events.sort("timestamp"), timed=False)


def _top_ratio(titles: int, rounds: int = 5) -> float:
    rng = np.random.default_rng(0)
    scores, priority = rng.normal(size=(1_000, titles)).astype(np.float32), rng.permutation(titles)
    ratios = []
    for _ in range(rounds):
        started = perf_counter()
        top_n(scores, 20, priority)
        between = perf_counter()
        best = np.argpartition(-scores, 20, axis=1)[:, :20]
        np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1), axis=1)
        ratios.append((between - started) / (perf_counter() - between))
    return median(ratios)


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    table = Table(title=f"leaderboard of {result['models']} models ({result['machine']})")
    table.add_column("what")
    table.add_column("figure", justify="right")
    held = "unknown" if result["peak_bytes"] is None else f"{result['peak_bytes'] / 1e6:,.0f} MB"
    for name, text in (
        ("members x titles", f"{result['members']:,} x {result['titles']:,}"),
        ("all of it", f"{result['seconds']:.1f} s"),
        ("of which cutting", f"{result['cut_seconds']:.1f} s"),
        ("of which scoring and ranking", f"{result['rank_seconds']:.1f} s"),
        ("of which metrics, intervals and tests", f"{result['measure_seconds']:.1f} s"),
        ("growth of memory", held),
        ("best 20 of a row, ours / numpy", f"{result['top_ratio']:.2f}"),
    ):
        table.add_row(name, text)
    console.print(table)


if __name__ == "__main__":
    out = Console()
    show(run(lambda what, done: out.print(f"[dim]{what}[/dim]")), out)

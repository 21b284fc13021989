"""Warm-start refits: how much of a full fit's quality going on from an older model reaches, in how much of its time.

    python benchmarks/bench_refit.py [FOLDER [MODEL ...]]

FOLDER holds a MovieLens release, or sequences without times; by default MovieLens 100K is fetched. MODELs are names of
the protocol's board that can go on (`decision.Refits`), by default factors and sequence. A model is fitted on what
lies before the latest tenth of the training events (without times: before the latest tenth of each member's), asked as
it is ("stale"), then goes on with all training events ("refit"); beside it one fitted on all from the start ("full").
The time split asks where there are times, the next item elsewhere. `run()` returns machine, data, protocol, members
and results, one entry a model: model, stale, refit and full, each with ndcg ([mean, low, high], NDCG@10) and seconds,
and difference, that of refit to full, [mean, low, high] paired over members. Intervals: bootstrap, 1,000 draws, seed 0.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from comparing import CACHE, DRAWS, Doubles, interval, measured
from machine import machine
from rich.console import Console
from rich.table import Table

from matinee.data.histories import training_data
from matinee.data.sources import movielens, sequences
from matinee.decision import Progress, Refits, Scorer, no_progress, part_of
from matinee.evaluate.measure import NDCG, Cutoff
from matinee.evaluate.protocols import NEXT_ITEM, TIME_SPLIT
from matinee.evaluate.trial import Trial, prepare
from matinee.history import TrainingData
from matinee.maths.intervals import bootstrap_weights
from matinee.recipes.leaderboards import board_of

NEWEST = 0.1  # share of the training events that the older model does not know
MODELS = ("factors", "sequence")


def run(
    progress: Progress | None = None, folder: Path | None = None, models: Sequence[str] = MODELS, seed: int = 0
) -> dict[str, Any]:
    """Measure; see the top of this file for the keys."""
    progress = progress or no_progress
    path = folder or movielens.fetch_100k(CACHE, lambda line: progress(line, 0.0))
    dataset = sequences.read(path) if sequences.holds(path) else movielens.read(path)
    protocol = TIME_SPLIT if dataset.timed else NEXT_ITEM
    trial, board = prepare(dataset, protocol, np.random.default_rng(0)), board_of(protocol.name)
    older = before_newest(trial.data, dataset.timed)
    weights = bootstrap_weights(trial.n_members, DRAWS, np.random.default_rng(0))
    results = []
    for at, name in enumerate(models):
        said = part_of(progress, name, at / len(models), (at + 1) / len(models))
        found = {way: (ndcg, spent) for way, ndcg, spent in ways(trial, older, board[name](), seed, said)}
        told = {way: {"ndcg": interval(ndcg, weights), "seconds": spent} for way, (ndcg, spent) in found.items()}
        apart = found["refit"][0] - found["full"][0]
        results.append({"model": name, **told, "difference": interval(apart, weights)})
    return {
        "machine": machine(),
        "data": dataset.name,
        "protocol": protocol.name,
        "members": trial.n_members,
        "results": results,
    }


def before_newest(data: TrainingData, timed: bool) -> TrainingData:
    """The training data as they were before their newest tenth."""
    if timed:
        as_of = int(np.quantile(data.events["timestamp"].cast(pl.Int64), 1 - NEWEST))
        return training_data(data.events.drop("item"), data.catalog, as_of)
    place = pl.col("timestamp").rank("ordinal").over("user_id")
    events = data.events.filter(place <= (1 - NEWEST) * pl.len().over("user_id"))
    return training_data(events.drop("item"), data.catalog, data.as_of)


def ways(
    trial: Trial, older: TrainingData, scorer: Scorer, seed: int, progress: Progress
) -> Iterator[tuple[str, Doubles, float]]:
    """Stale, refit and full: the name, NDCG@10 of each member, and the seconds of fitting."""
    if not isinstance(scorer, Refits):
        raise SystemExit(f"{type(scorer).__name__} cannot go on from where it is; name models that can")
    for at, (way, learn, data) in enumerate(
        (("stale", scorer.fit, older), ("refit", scorer.refit, trial.data), ("full", scorer.fit, trial.data))
    ):
        progress(way, at / 3)
        started = perf_counter()
        learn(data, np.random.default_rng(seed))
        spent = perf_counter() - started
        yield way, measured(trial, scorer, [Cutoff(NDCG, 10)])[:, 0], spent


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    title = f"Going on, {result['protocol']} of {result['data']}, {result['members']:,} members ({result['machine']})"
    table = Table(title=title)
    for name in ("model", "stale", "refit", "full", "refit - full", "seconds: refit", "full"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for row in result["results"]:
        quality = [f"{row[way]['ndcg'][0]:.4f}" for way in ("stale", "refit", "full")]
        apart = "{:+.4f} [{:+.4f}, {:+.4f}]".format(*row["difference"])
        table.add_row(row["model"], *quality, apart, *(f"{row[way]['seconds']:.1f}" for way in ("refit", "full")))
    console.print(table)


if __name__ == "__main__":
    out, asked = Console(), sys.argv[1:]
    folder, models = (Path(asked[0]) if asked else None), tuple(asked[1:]) or MODELS
    show(run(lambda what, done: out.print(f"[dim]{done:.0%} {what}[/dim]"), folder, models), out)

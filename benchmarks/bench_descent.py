"""Factorization solved twice: the loss and the accuracy that alternation and gradient descent reach.

    python benchmarks/bench_descent.py FOLDER

FOLDER holds interactions; where NCF's questions come with them (`ncf` in docs/leaderboard.md) these are asked, else the
next title. The docs are of MovieLens 1M. `run()` returns machine, data, protocol and results, one row a way of solving:
name, loss (of `maths.als`, members folded in exactly as in serving), seconds to fit, the protocol's first two metrics,
each [mean, low, high] with the 95 % bootstrap interval over members, 1,000 draws, and difference, that of the first
metric to the first row, paired. Settings are those published for NCF; seed 0; no popularity is mixed in.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from comparing import compare
from machine import machine
from rich.console import Console
from rich.table import Table

from matinee.data.sources.reading import guess, read
from matinee.decision import Progress, Requests, no_progress
from matinee.evaluate.protocols import NCF, NEXT_ITEM
from matinee.evaluate.trial import prepare
from matinee.history import TrainingData
from matinee.maths import als
from matinee.models.deep.factor_network import Descent
from matinee.models.factors import Factors, FactorsConfig, ridges
from matinee.recipes.models.entry import NO_PRIOR

CONFIG = FactorsConfig(size=192, alpha0=0.3, reg=0.007, kappa=NO_PRIOR)
EPOCHS: Mapping[str, tuple[int, ...]] = {"alternation": (6, 12, 18), "descent": (60,)}


class Timed(Factors):
    """Factors that remember how long they were fitted."""

    seconds = 0.0

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Timed:
        """Fit by the clock."""
        started = perf_counter()
        super().fit(data, rng, progress)
        self.seconds = perf_counter() - started
        return self


def run(
    folder: Path,
    progress: Progress = no_progress,
    config: FactorsConfig = CONFIG,
    epochs: Mapping[str, tuple[int, ...]] = EPOCHS,
) -> dict[str, Any]:
    """Measure; see the top of this file for the keys."""
    source = guess(folder)
    pairs = read(source, folder, pairs=True)
    protocol = NCF if pairs.questions else NEXT_ITEM
    dataset = pairs if protocol.pairs else read(source, folder)
    trial = prepare(dataset, protocol, np.random.default_rng(0))
    solvers = {"alternation": {}, "descent": {"solve": Descent()}}
    ways = {
        f"{name}, {n} epochs": Timed(replace(config, epochs=n), **solvers[name])
        for name in epochs
        for n in epochs[name]
    }
    rows = compare(trial, ways, protocol.metrics[:2], progress)
    for row in rows:
        row["loss"], row["seconds"] = loss(ways[row["name"]], trial.data), ways[row["name"]].seconds
    return {"machine": machine(), "data": dataset.name, "protocol": protocol.name, "results": rows}


def loss(scorer: Factors, data: TrainingData) -> float:
    """The loss of `maths.als` with every member's own best point."""
    points = scorer.member_vectors(Requests.of_histories(data.histories))
    sides = ridges(data.matrix, scorer.config)
    return als.loss(data.matrix, points, scorer.title_vectors, scorer.config.alpha0, sides)


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    figures = [key for key in result["results"][0] if key not in ("name", "loss", "seconds")]
    table = Table(title=f"Factors, {result['protocol']} ({result['data']}, {result['machine']})")
    for name in ("solved by", "loss", "seconds", *figures):
        table.add_column(name, justify="left" if name == "solved by" else "right")
    for row in result["results"]:
        cells = ("{:.4f} [{:.4f}, {:.4f}]".format(*row[key]) for key in figures)
        table.add_row(row["name"], f"{row['loss']:,.0f}", f"{row['seconds']:.1f}", *cells)
    console.print(table)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Console()
    show(run(Path(sys.argv[1]), lambda what, done: out.print(f"[dim]{what}[/dim]")), out)

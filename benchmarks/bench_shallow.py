"""Settings of the shallow models under strong generalization: the tables of their pages in the docs.

    python benchmarks/bench_shallow.py FOLDER [MODEL ...]

FOLDER holds interactions; the docs are of MovieLens 1M. MODELs are keys of `SETTINGS`, by default all of them. `run()`
returns machine, data and, by the name of the model, one row for each setting: setting, and validation and
test, each the NDCG@100 of the held-out members, [mean, low, high] with the 95 % bootstrap interval over members, 1,000
draws, seed 0. Nothing is chosen here: the test column is for readers who have chosen by the other. No popularity is
mixed in.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from comparing import compare
from machine import machine
from rich.console import Console
from rich.table import Table

from matinee.boards import NO_PRIOR
from matinee.data.sources import movielens, sequences
from matinee.decision import Scorer, Tell, quiet
from matinee.evaluate.protocols import STRONG
from matinee.evaluate.trial import prepare
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.neighbors import Neighbors, NeighborsConfig
from matinee.models.slim import Slim, SlimConfig
from matinee.models.sparse_inverse import SparseInverse, SparseInverseConfig
from matinee.models.user_neighbors import UserNeighbors, UserNeighborsConfig


def ease(l2: float, dropout: float = 0.0) -> Scorer:
    return Ease(EaseConfig(l2=l2, dropout=dropout, kappa=NO_PRIOR))


def slim(l1: float, l2: float, candidates: int | None = None) -> Scorer:
    return Slim(SlimConfig(l1=l1, l2=l2, candidates=candidates, kappa=NO_PRIOR))


def sparse_inverse(neighbors: int, l2: float, dropout: float = 0.0) -> Scorer:
    return SparseInverse(SparseInverseConfig(neighbors=neighbors, l2=l2, dropout=dropout, kappa=NO_PRIOR))


def user_neighbors(k: int, weighting: str = "tfidf", shrinkage: float = 10.0) -> Scorer:
    return UserNeighbors(UserNeighborsConfig(k=k, weighting=weighting, shrinkage=shrinkage, kappa=NO_PRIOR))


def neighbors(k: int, weighting: str) -> Scorer:
    return Neighbors(NeighborsConfig(k=k, weighting=weighting, kappa=NO_PRIOR))


SETTINGS: Mapping[str, Mapping[str, Scorer]] = {
    "ease": {f"l2 {l2:,}": ease(l2) for l2 in (500, 700, 1_000)},
    "edlae": {f"l2 300, dropout {dropout}": ease(300, dropout) for dropout in (0.33, 0.5, 0.6)},
    "slim": {
        f"l1 {l1}, l2 {l2}": slim(l1, l2)
        for l1, l2 in ((1, 400), (2, 400), (2, 200), (4, 400), (4, 200), (4, 800), (8, 400))
    }
    | {"l1 4, l2 400, 200 candidates": slim(4, 400, 200)},
    "sparse-inverse": {
        f"{n} neighbours, l2 {l2}, dropout {dropout}": sparse_inverse(n, l2, dropout)
        for n, l2, dropout in ((100, 500, 0.0), (184, 500, 0.0), (184, 300, 0.0), (184, 300, 0.5))
    },
    "user-neighbors": {f"k {k}, tf-idf, shrinkage 10": user_neighbors(k) for k in (25, 50, 100, 200)}
    | {
        "k 200, tf-idf, no shrinkage": user_neighbors(200, shrinkage=0.0),
        "k 200, cosine, shrinkage 10": user_neighbors(200, "cosine"),
    },
    "neighbors": {
        f"k {k}, {weighting}": neighbors(k, weighting)
        for k, weighting in ((100, "bm25"), (30, "tfidf"), (100, "tfidf"), (100, "cosine"))
    },
}


def run(folder: Path, models: Sequence[str] = tuple(SETTINGS), progress: Tell = quiet) -> dict[str, Any]:
    """Measure; see the top of this file for the keys."""
    dataset = sequences.read(folder, pairs=True) if sequences.holds(folder) else movielens.read(folder)
    asked = {(model, setting): scorer for model in models for setting, scorer in SETTINGS[model].items()}
    parts: dict[str, list[dict[str, Any]]] = {}
    for part in ("validation", "test"):
        trial = prepare(dataset, STRONG, np.random.default_rng(0), part)
        named = {f"{part}, {model}, {setting}": scorer for (model, setting), scorer in asked.items()}
        parts[part] = compare(trial, named, STRONG.metrics[:1], progress)
    found: dict[str, Any] = {"machine": machine(), "data": dataset.name, **{model: [] for model in models}}
    for (model, setting), *rows in zip(asked, *parts.values(), strict=True):
        figures = {part: row["ndcg@100"] for part, row in zip(parts, rows, strict=True)}
        found[model].append({"setting": setting, **figures})
    return found


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    table = Table(title=f"NDCG@100 of held-out members ({result['data']}, {result['machine']})")
    for name in ("model", "setting", "validation", "test"):
        table.add_column(name, justify="right" if name in ("validation", "test") else "left")
    for model in SETTINGS:
        for row in result.get(model, ()):
            figures = ("{:.4f} [{:.4f}, {:.4f}]".format(*row[part]) for part in ("validation", "test"))
            table.add_row(model, row["setting"], *figures)
    console.print(table)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    out = Console()
    models = tuple(sys.argv[2:]) or tuple(SETTINGS)
    show(run(Path(sys.argv[1]), models, lambda what, done: out.print(f"[dim]{what}[/dim]")), out)

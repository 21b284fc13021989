"""Settings of the classic models under published protocols: the tables of their pages in the docs.

    python benchmarks/bench_settings.py FOLDER [TABLE ...]

FOLDER holds interactions; the docs are of MovieLens 1M. TABLEs are keys of `TABLES`, by default all that FOLDER can
answer (NCF's questions come with its files). `run()` returns machine, data and, by the name of the table, one row for
each setting: setting, and validation and test, each with the protocol's first two metrics, [mean, low, high] with the
95 % bootstrap interval over members, 1,000 draws, mean over the table's seeds. Nothing is chosen here: the test column
is for readers who have chosen by the other. No popularity is mixed in.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from comparing import compare
from machine import machine
from rich.console import Console
from rich.table import Table as Grid

from matinee.data.sources.reading import guess, read
from matinee.data.splits.split import Part
from matinee.decision import Progress, Scorer, no_progress, part_of
from matinee.evaluate.protocols import NCF, NEXT_ITEM, STRONG, Protocol
from matinee.evaluate.trial import prepare
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.markov import Markov, MarkovConfig
from matinee.models.neighbors import Neighbors, NeighborsConfig
from matinee.models.slim import Slim, SlimConfig
from matinee.models.sparse_inverse import SparseInverse, SparseInverseConfig
from matinee.models.user_neighbors import UserNeighbors, UserNeighborsConfig
from matinee.recipes.models.entry import NO_PRIOR

PARTS: tuple[Part, ...] = get_args(Part)[::-1]


@dataclass(frozen=True)
class Table:
    """A table of the docs: the settings, each a scorer, under a protocol; `seeds` fits of each."""

    protocol: Protocol
    settings: Mapping[str, Scorer]
    seeds: int = 1


def ease(l2: float, dropout: float = 0.0, half_life: float | None = None) -> Scorer:
    return Ease(EaseConfig(l2=l2, dropout=dropout, half_life=half_life, kappa=NO_PRIOR))


def slim(l1: float, l2: float, candidates: int | None = None) -> Scorer:
    return Slim(SlimConfig(l1=l1, l2=l2, candidates=candidates, kappa=NO_PRIOR))


def sparse_inverse(neighbors: int, l2: float, dropout: float = 0.0) -> Scorer:
    return SparseInverse(SparseInverseConfig(neighbors=neighbors, l2=l2, dropout=dropout, kappa=NO_PRIOR))


def user_neighbors(k: int, weighting: str = "tfidf", shrinkage: float = 10.0) -> Scorer:
    return UserNeighbors(UserNeighborsConfig(k=k, weighting=weighting, shrinkage=shrinkage, kappa=NO_PRIOR))


def neighbors(k: int, weighting: str) -> Scorer:
    return Neighbors(NeighborsConfig(k=k, weighting=weighting, kappa=NO_PRIOR))


def visits(**settings: Any) -> Scorer:
    return Markov(MarkovConfig(kappa=NO_PRIOR, **settings))


def factors(size: int, epochs: int) -> Scorer:
    return Factors(FactorsConfig(size=size, epochs=epochs, alpha0=0.3, reg=0.007, kappa=NO_PRIOR))


TABLES: Mapping[str, Table] = {
    "ease": Table(STRONG, {f"l2 {l2:,}": ease(l2) for l2 in (500, 700, 1_000)}),
    "edlae": Table(STRONG, {f"l2 300, dropout {dropout}": ease(300, dropout) for dropout in (0.33, 0.5, 0.6)}),
    "slim": Table(
        STRONG,
        {
            f"l1 {l1}, l2 {l2}": slim(l1, l2)
            for l1, l2 in ((1, 400), (2, 400), (2, 200), (4, 400), (4, 200), (4, 800), (8, 400))
        }
        | {"l1 4, l2 400, 200 candidates": slim(4, 400, 200)},
    ),
    "sparse-inverse": Table(
        STRONG,
        {
            f"{n} neighbours, l2 {l2}, dropout {dropout}": sparse_inverse(n, l2, dropout)
            for n, l2, dropout in ((100, 500, 0.0), (184, 500, 0.0), (184, 300, 0.0), (184, 300, 0.5))
        },
    ),
    "user-neighbors": Table(
        STRONG,
        {f"k {k}, tf-idf, shrinkage 10": user_neighbors(k) for k in (25, 50, 100, 200)}
        | {
            "k 200, tf-idf, no shrinkage": user_neighbors(200, shrinkage=0.0),
            "k 200, cosine, shrinkage 10": user_neighbors(200, "cosine"),
        },
    ),
    "neighbors": Table(
        STRONG,
        {
            f"k {k}, {weighting}": neighbors(k, weighting)
            for k, weighting in ((100, "bm25"), (30, "tfidf"), (100, "tfidf"), (100, "cosine"))
        },
    ),
    "factors-strong": Table(STRONG, {"size 512, 16 epochs": factors(512, 16)}),
    "ease-recent": Table(
        NEXT_ITEM,
        {
            f"half-life {life}, l2 {l2}": ease(l2, half_life=life)
            for life, l2 in ((5.0, 500), (3.0, 500), (2.0, 500), (5.0, 300))
        },
    ),
    "markov": Table(
        NEXT_ITEM,
        {
            "first order": visits(),
            "reach 2, last 3, decay .5": visits(reach=2, last=3, decay=0.5),
            "reach 5, last 5, decay .7": visits(reach=5, last=5, decay=0.7),
        },
    ),
    "ease-ncf": Table(
        NCF, {f"l2 {l2:,}": ease(l2) for l2 in (500, 1_000, 2_000)} | {"l2 500, dropout .33": ease(500, 0.33)}
    ),
    "factors-ncf": Table(NCF, {"size 192, 12 epochs": factors(192, 12)}, seeds=3),
}


def run(folder: Path, tables: Sequence[str] = (), progress: Progress = no_progress) -> dict[str, Any]:
    """Measure; see the top of this file for the keys."""
    source = guess(folder)
    forms = {pairs: read(source, folder, pairs=pairs) for pairs in (True, False)}
    asked = tables or [name for name, table in TABLES.items() if table.protocol is not NCF or forms[True].questions]
    found: dict[str, Any] = {"machine": machine(), "data": forms[True].name}
    for at, name in enumerate(asked):
        table = TABLES[name]
        dataset, metrics = forms[table.protocol.pairs], table.protocol.metrics[:2]
        rows: dict[str, dict[str, Any]] = {setting: {"setting": setting} for setting in table.settings}
        for part in PARTS:
            said = part_of(progress, f"{name}, {part}", at / len(asked), (at + 1) / len(asked))
            trial = prepare(dataset, table.protocol, np.random.default_rng(0), part)
            for row in compare(trial, table.settings, metrics, said, table.seeds):
                rows[row["name"]][part] = {cutoff.named.key: row[cutoff.named.key] for cutoff in metrics}
        found[name] = list(rows.values())
    return found


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    for name in (one for one in TABLES if one in result):
        keys = list(result[name][0]["test"])
        grid = Grid(title=f"{name}, {TABLES[name].protocol.name} ({result['data']}, {result['machine']})")
        grid.add_column("setting")
        for part in PARTS:
            for key in keys:
                grid.add_column(f"{part} {key}", justify="right")
        for row in result[name]:
            cells = (row[part][key] for part in PARTS for key in keys)
            grid.add_row(row["setting"], *("{:.4f} [{:.4f}, {:.4f}]".format(*cell) for cell in cells))
        console.print(grid)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    out = Console()
    show(run(Path(sys.argv[1]), sys.argv[2:], lambda what, done: out.print(f"[dim]{what}[/dim]")), out)

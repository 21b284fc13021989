"""EASE's solve against LAPACK called directly, taking turns in one run, and the memory that it takes.

    python benchmarks/bench_ease.py

`run()` returns machine, titles, rounds; gram_seconds (XᵀX, not part of the ratio); fit_seconds and direct_seconds
(medians of ours and of `spotrf` + `spotri` in place on the same matrix); ratio (median over rounds of ours / direct);
mirror_seconds (the part of ours that LAPACK leaves to do: other triangle, scaling, zero diagonal); peak_matrices
(growth of resident memory from likes to map, in n² floats; null where the system does not tell).
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from machine import forget_peak, machine, peak
from rich.console import Console
from rich.table import Table
from scipy.linalg import lapack
from synthetic import likes

from matinee.maths.gram import gram, invert_upper, mirror_scaled
from matinee.models.linear_autoencoder import solve

L2 = 500.0


def run(progress: Callable[[str, float], None] | None = None, titles: int = 10_000, rounds: int = 5) -> dict[str, Any]:
    """Solve `rounds` times each way, in turns; see the top of this file for the keys."""
    tell = progress or (lambda what, done: None)
    tell("drawing likes", 0.0)
    matrix = likes(titles * 2, titles, titles * 100)
    solve(gram(likes(50, 70, 500)), L2)  # compile
    tell("solving once from likes, watching memory", 0.1)
    before = forget_peak()
    started = perf_counter()
    upper = gram(matrix)
    gram_seconds = perf_counter() - started
    solve(upper, L2)
    after = peak()
    upper = gram(matrix)
    times = []
    for at in range(rounds):
        tell(f"round {at + 1} of {rounds}", 0.2 + 0.8 * at / rounds)
        times.append(_round(upper, ours_first=at % 2 == 0))
    ours, direct, mirror = (list(column) for column in zip(*times, strict=True))
    return {
        "machine": machine(),
        "titles": titles,
        "rounds": rounds,
        "gram_seconds": gram_seconds,
        "fit_seconds": median(ours),
        "direct_seconds": median(direct),
        "ratio": median(a / b for a, b in zip(ours, direct, strict=True)),
        "mirror_seconds": median(mirror),
        "peak_matrices": None if before is None or after is None else (after - before) / (4 * titles**2),
    }


def _round(upper: np.ndarray, ours_first: bool) -> tuple[float, float, float]:
    """Seconds of ours, of direct calls, and of mirroring within ours."""
    if ours_first:
        ours = _ours(upper.copy())
        return ours[0], _direct(upper.copy()), ours[1]
    direct = _direct(upper.copy())
    ours = _ours(upper.copy())
    return ours[0], direct, ours[1]


def _ours(matrix: np.ndarray) -> tuple[float, float]:
    started = perf_counter()
    matrix[np.diag_indices(len(matrix))] += np.float32(L2)
    invert_upper(matrix)
    inverted = perf_counter()
    mirror_scaled(matrix)
    ended = perf_counter()
    return ended - started, ended - inverted


def _direct(matrix: np.ndarray) -> float:
    started = perf_counter()
    matrix[np.diag_indices(len(matrix))] += np.float32(L2)
    factor, _ = lapack.spotrf(matrix.T, lower=1, overwrite_a=1, clean=0)
    lapack.spotri(factor, lower=1, overwrite_c=1)
    return perf_counter() - started


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    table = Table(title=f"EASE, {result['titles']:,} titles ({result['machine']})")
    table.add_column("what")
    table.add_column("figure", justify="right")
    for name, text in (
        ("solve to the map, median", f"{result['fit_seconds']:.2f} s"),
        ("spotrf + spotri called directly, median", f"{result['direct_seconds']:.2f} s"),
        ("ratio, median of rounds", f"{result['ratio']:.3f}"),
        ("of which mirroring and scaling", f"{result['mirror_seconds']:.2f} s"),
        ("Gram matrix from likes", f"{result['gram_seconds']:.2f} s"),
        (
            "peak memory, in n² floats",
            "unknown" if result["peak_matrices"] is None else f"{result['peak_matrices']:.2f}",
        ),
    ):
        table.add_row(name, text)
    console.print(table)


if __name__ == "__main__":
    out = Console()
    show(run(lambda what, done: out.print(f"[dim]{what}[/dim]")), out)

"""One epoch of iALS against two independent libraries, taking turns in one run.

    python benchmarks/bench_factors.py

`run()` returns machine, rounds and `results`, one entry for each shape and size: shape, members, titles, likes, size,
seconds (median of one epoch, by name: matinee, irspack, implicit), fastest_oracle, ratio (median over rounds of
matinee / the oracle that is faster in the median). All take three conjugate gradient steps a half step, in float32, on
all cores, and BLAS is held to one thread, as `implicit` asks for. Needs the packages `implicit` and `irspack`, which
the `dev` extra installs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from machine import machine
from rich.console import Console
from rich.table import Table
from scipy import sparse
from synthetic import likes
from threadpoolctl import threadpool_limits

from matinee.maths import als

ALPHA0, REG, CONFIDENCE = 0.1, 0.003, 10.0
SMALL, LARGE = ("6,040 x 3,706", 6_040, 3_706, 1_000_000), ("136,677 x 20,108", 136_677, 20_108, 8_300_000)
SIZES = (64, 128, 256, 512)


def run(
    progress: Callable[[str, float], None] | None = None,
    shapes: Sequence[tuple[str, int, int, int]] = (SMALL, LARGE),
    sizes: Sequence[int] = SIZES,
    rounds: int = 5,
) -> dict[str, Any]:
    """Time epochs in turns; see the top of this file for the keys."""
    progress = progress or (lambda what, done: None)
    results = []
    for name, members, titles, total in shapes:
        progress(f"drawing likes, {name}", len(results) / (len(shapes) * len(sizes)))
        matrix = likes(members, titles, total)
        for size in sizes:
            progress(f"{name}, {size} dimensions", len(results) / (len(shapes) * len(sizes)))
            with threadpool_limits(1, user_api="blas"):
                results.append({"shape": name, **compare(matrix, size, rounds)})
    return {"machine": machine(), "rounds": rounds, "results": results}


def compare(matrix: sparse.csr_matrix, size: int, rounds: int) -> dict[str, Any]:
    """Seconds of an epoch each, by turns, after one to warm up."""
    epochs = {"matinee": ours(matrix, size), "irspack": irspack(matrix, size), "implicit": implicit(matrix, size)}
    times: dict[str, list[float]] = {name: [] for name in epochs}
    for at in range(rounds + 1):
        for name, epoch in epochs.items():
            started = perf_counter()
            epoch()
            if at:
                times[name].append(perf_counter() - started)
    seconds = {name: median(values) for name, values in times.items()}
    oracle = min(("irspack", "implicit"), key=lambda name: seconds[name])
    return {
        "members": matrix.shape[0],
        "titles": matrix.shape[1],
        "likes": matrix.nnz,
        "size": size,
        "seconds": seconds,
        "fastest_oracle": oracle,
        "ratio": median(a / b for a, b in zip(times["matinee"], times[oracle], strict=True)),
    }


def start(matrix: sparse.csr_matrix, size: int) -> list[np.ndarray]:
    """The same random start for everybody."""
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1 / np.sqrt(size), (rows, size)).astype(np.float32) for rows in matrix.shape]


def ours(matrix: sparse.csr_matrix, size: int) -> Callable[[], None]:
    by_title = matrix.T.tocsr()
    x, y = start(matrix, size)
    rows = als.ridge(np.diff(matrix.indptr), matrix.shape[1], ALPHA0, REG, 1.0)
    columns = als.ridge(np.diff(by_title.indptr), matrix.shape[0], ALPHA0, REG, 1.0)

    def epoch() -> None:
        als.half_step(matrix, x, y, ALPHA0, rows)
        als.half_step(by_title, y, x, ALPHA0, columns)

    return epoch


def irspack(matrix: sparse.csr_matrix, size: int) -> Callable[[], None]:
    from irspack import IALSRecommender

    model = IALSRecommender(
        matrix, n_components=size, alpha0=ALPHA0, reg=REG, solver_type="CG", max_cg_steps=3, n_threads=os.cpu_count()
    )
    return model._create_trainer().run_epoch


def implicit(matrix: sparse.csr_matrix, size: int) -> Callable[[], None]:
    from implicit.cpu._als import least_squares_cg

    by_member, by_title = (matrix * CONFIDENCE).tocsr(), (matrix.T * CONFIDENCE).tocsr()
    x, y = start(matrix, size)

    def epoch() -> None:
        least_squares_cg(by_member, x, y, REG, num_threads=os.cpu_count(), cg_steps=3)
        least_squares_cg(by_title, y, x, REG, num_threads=os.cpu_count(), cg_steps=3)

    return epoch


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    table = Table(title=f"iALS, seconds an epoch ({result['machine']})")
    for name in ("shape", "size", "matinee", "irspack", "implicit", "ratio to the faster oracle"):
        table.add_column(name, justify="left" if name == "shape" else "right")
    for row in result["results"]:
        seconds = [f"{row['seconds'][name]:.3f}" for name in ("matinee", "irspack", "implicit")]
        table.add_row(row["shape"], str(row["size"]), *seconds, f"{row['ratio']:.2f}")
    console.print(table)


if __name__ == "__main__":
    out = Console()
    show(run(lambda what, done: out.print(f"[dim]{what}[/dim]")), out)

"""SLIM against irspack, taking turns in one run, and LensKit; local EASE on a catalogue whose square would not fit.

    python benchmarks/bench_slim.py [--lenskit PYTHON]

PYTHON is the interpreter of another environment, in which `lenskit` is installed; it brings torch, so it lives apart.
Needs the package `irspack`, which the `dev` extra installs. `run()` returns machine, rounds and

slim    one entry for each shape: shape, members, titles, likes, seconds (medians from likes to weights, by name:
        matinee, irspack, lenskit), weights (kept, by name), ratio (the seconds of matinee to each other's, by name; to
        irspack's the median over rounds)
local   one entry for each large shape: shape, members, titles, likes, neighbors, seconds, peak_bytes (most resident
        memory of the whole process while fitting; null where the system does not tell), map_bytes, dense_bytes
        (EASE's map)

All three minimise one loss: irspack's alpha * members is l1 + l2, and LensKit's settings are ours. irspack stops when
no weight moves by more than 1e-4; LensKit rests after at most 100 sweeps.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any

from machine import forget_peak, machine, peak
from peers import measured_by
from rich.console import Console
from rich.table import Table
from scipy import sparse
from synthetic import likes

from matinee.maths.elastic_net import nonnegative
from matinee.models.sparse_inverse import SparseInverseConfig, fit_rows

L1, L2 = 4.0, 400.0
SMALL = (("6,040 x 3,706", 6_040, 3_706, 1_000_000), ("20,000 x 5,000", 20_000, 5_000, 1_000_000))
LARGE = (("200,000 x 100,000", 200_000, 100_000, 10_000_000),)
NEIGHBORS = 100


def run(
    progress: Callable[[str, float], None] | None = None,
    shapes: Sequence[tuple[str, int, int, int]] = SMALL,
    large: Sequence[tuple[str, int, int, int]] = LARGE,
    rounds: int = 3,
    lenskit: str | None = None,
) -> dict[str, Any]:
    """Fit each shape for `rounds` rounds each way; see the top of this file for the keys."""
    progress = progress or (lambda what, done: None)
    compiled = likes(50, 70, 500)
    nonnegative(compiled, L1, L2)
    fit_rows(compiled, SparseInverseConfig(neighbors=5))
    slim = []
    for at, (name, members, titles, total) in enumerate(shapes):
        progress(f"SLIM, {name}", at / (len(shapes) + len(large)))
        slim.append({"shape": name, **compare(likes(members, titles, total), rounds, lenskit)})
    local = []
    for at, (name, members, titles, total) in enumerate(large, len(shapes)):
        progress(f"local EASE, {name}", at / (len(shapes) + len(large)))
        local.append({"shape": name, **measure(likes(members, titles, total))})
    return {"machine": machine(), "rounds": rounds, "slim": slim, "local": local}


def compare(matrix: sparse.csr_matrix, rounds: int, lenskit: str | None) -> dict[str, Any]:
    """Seconds from likes to weights each, by turns; LensKit's after them."""
    fits = {"matinee": lambda: nonnegative(matrix, L1, L2), "irspack": lambda: irspack(matrix)}
    times: dict[str, list[float]] = {name: [] for name in fits}
    weights: dict[str, int] = {}
    for _ in range(rounds):
        for name, fit in fits.items():
            started = perf_counter()
            weights[name] = int(fit().nnz)
            times[name].append(perf_counter() - started)
    seconds = {name: median(values) for name, values in times.items()}
    ratio = {"irspack": median(a / b for a, b in zip(times["matinee"], times["irspack"], strict=True))}
    if lenskit:
        settings = str(L1), str(L2), str(rounds)
        found = measured_by(lenskit, "lenskit_peer.py", lambda path: sparse.save_npz(path, matrix), *settings)
        seconds["lenskit"], weights["lenskit"] = found["seconds"], found["weights"]
        ratio["lenskit"] = seconds["matinee"] / seconds["lenskit"]
    return {
        "members": matrix.shape[0],
        "titles": matrix.shape[1],
        "likes": matrix.nnz,
        "seconds": seconds,
        "weights": weights,
        "ratio": ratio,
    }


def irspack(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    from irspack import SLIMRecommender

    model = SLIMRecommender(
        matrix, alpha=(L1 + L2) / matrix.shape[0], l1_ratio=L1 / (L1 + L2), n_threads=os.cpu_count()
    )
    return model.learn().W


def measure(matrix: sparse.csr_matrix) -> dict[str, Any]:
    """Seconds and memory of local EASE."""
    forget_peak()
    started = perf_counter()
    starts, titles, values = fit_rows(matrix, SparseInverseConfig(neighbors=NEIGHBORS))
    seconds = perf_counter() - started
    return {
        "members": matrix.shape[0],
        "titles": matrix.shape[1],
        "likes": matrix.nnz,
        "neighbors": NEIGHBORS,
        "seconds": seconds,
        "peak_bytes": peak(),
        "map_bytes": starts.nbytes + titles.nbytes + values.nbytes,
        "dense_bytes": 4 * matrix.shape[1] ** 2,
    }


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    table = Table(title=f"SLIM, seconds from likes to weights ({result['machine']})")
    names = tuple(result["slim"][0]["seconds"])
    for name in ("shape", *names, *(f"to {name}" for name in names[1:]), "weights kept"):
        table.add_column(name, justify="left" if name == "shape" else "right")
    for row in result["slim"]:
        seconds = [f"{row['seconds'][name]:.2f}" for name in names]
        ratios = [f"{row['ratio'][name]:.2f}" for name in names[1:]]
        table.add_row(row["shape"], *seconds, *ratios, f"{row['weights']['matinee']:,}")
    console.print(table)
    table = Table(title="local EASE, memory in GB")
    for name in ("shape", "neighbours", "seconds", "peak", "map", "EASE's map"):
        table.add_column(name, justify="left" if name == "shape" else "right")
    for row in result["local"]:
        sizes = [
            "unknown" if row[key] is None else f"{row[key] / 1e9:.2f}"
            for key in ("peak_bytes", "map_bytes", "dense_bytes")
        ]
        table.add_row(row["shape"], str(row["neighbors"]), f"{row['seconds']:.1f}", *sizes)
    console.print(table)


if __name__ == "__main__":
    parser, out = ArgumentParser(description=__doc__), Console()
    parser.add_argument("--lenskit", help="the Python interpreter of an environment with lenskit")
    show(run(lambda what, done: out.print(f"[dim]{what}[/dim]"), lenskit=parser.parse_args().lenskit), out)

"""Best 100 titles by inner product: exact against the memory's speed and BLAS, and the approximate index.

    python benchmarks/bench_scoring.py

`run()` returns machine, size, k and per number of titles (`catalogues`): titles; read_ms (reading every vector once
with as many threads as cores, small ones with one: the floor of a single request); single_ms, single_of_floor (read_ms
/ single_ms, 1 = as fast as memory); batch_ms (1,000 requests at once), gemm_ms (the same products by BLAS alone,
nothing kept), batch_of_gemm (gemm_ms / batch_ms). Under `approximate`, for the largest catalogue: recall (of the true
100, on queries it was not built with), single_ms, speedup over the exact search, probes, build_seconds. Medians of
alternating rounds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter
from typing import Any

import numba
import numpy as np
from machine import machine
from rich.console import Console
from rich.table import Table

from matinee.maths.inner_products import SMALL, TILE
from matinee.models.approximate_index import ApproximateIndex
from matinee.models.exact_index import ExactIndex

SIZE, K, BATCH = 64, 100, 1_000
TITLES = (10_000, 100_000, 1_000_000)
ROUNDS = 15


def run(
    progress: Callable[[str, float], None] = lambda what, done: None, titles: tuple[int, ...] = TITLES
) -> dict[str, Any]:
    """Search catalogues of `titles` sizes; see the top of this file for the keys."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(300, SIZE)).astype(np.float32)
    queries = _around(centres, 2 * BATCH, rng)
    found = []
    for at, n in enumerate(titles):
        progress(f"{n:,} titles", at / (len(titles) + 1))
        vectors = _around(centres, n, rng) * rng.gamma(4.0, 0.25, (n, 1)).astype(np.float32)
        found.append(_exact(vectors, queries))
    progress("approximate index", len(titles) / (len(titles) + 1))
    approximate = _approximate(vectors, queries, found[-1]["single_ms"])
    return {"machine": machine(), "size": SIZE, "k": K, "catalogues": found, "approximate": approximate}


def _around(centres: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Vectors in clusters, as tastes are."""
    near = centres[rng.integers(0, len(centres), n)]
    near += 0.7 * rng.standard_normal(near.shape, np.float32)
    return near


def _exact(vectors: np.ndarray, queries: np.ndarray) -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0))
    index, read = ExactIndex(vectors, threads=cores), _reader(vectors, cores)
    index.search(queries[:1], K), index.search(queries[:2], K), read()
    rounds = range(ROUNDS)
    singles, reads = zip(
        *((_ms(lambda at=at: index.search(queries[at : at + 1], K)), _ms(read)) for at in rounds), strict=True
    )
    batch = queries[:BATCH]
    batches, products = zip(
        *((_ms(lambda: index.search(batch, K)), _ms(lambda: _products(vectors, batch))) for _ in range(3)), strict=True
    )
    return {
        "titles": len(vectors),
        "read_ms": median(reads),
        "single_ms": median(singles),
        "single_of_floor": median(reads) / median(singles),
        "batch_ms": median(batches),
        "gemm_ms": median(products),
        "batch_of_gemm": median(products) / median(batches),
    }


def _approximate(vectors: np.ndarray, queries: np.ndarray, exact_ms: float) -> dict[str, Any]:
    started = perf_counter()
    index = ApproximateIndex(vectors, queries[:BATCH], np.random.default_rng(1))
    built = perf_counter() - started
    fresh = queries[BATCH : BATCH + 200]
    found, true = index.search(fresh, K)[0], ExactIndex(vectors).search(fresh, K)[0]
    single = median(_ms(lambda at=at: index.search(fresh[at : at + 1], K)) for at in range(len(fresh)))
    return {
        "titles": len(vectors),
        "recall": float(np.mean([np.isin(a, b).mean() for a, b in zip(true, found, strict=True)])),
        "single_ms": single,
        "speedup": exact_ms / single,
        "probes": index.probes,
        "build_seconds": built,
    }


def _reader(vectors: np.ndarray, threads: int) -> Callable[[], float]:
    """Something that reads every vector once and does next to nothing with it, in as many parts as the search."""
    if vectors.nbytes <= SMALL:
        return lambda: float(_sum(vectors.reshape(-1)))
    parts = np.array_split(vectors.reshape(-1), threads)
    _sum(parts[0])

    def read() -> float:
        with ThreadPoolExecutor(threads) as pool:
            return float(sum(pool.map(_sum, parts)))

    return read


@numba.njit(nogil=True, fastmath=True)
def _sum(flat: np.ndarray) -> float:
    total = np.float32(0)
    for at in range(len(flat)):
        total += flat[at]
    return total


def _products(vectors: np.ndarray, queries: np.ndarray) -> None:
    for start in range(0, len(vectors), TILE):
        queries @ vectors[start : start + TILE].T


def _ms(call: Callable[[], Any]) -> float:
    started = perf_counter()
    call()
    return (perf_counter() - started) * 1e3


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    table = Table(title=f"best {K} of n x {SIZE} ({result['machine']})")
    for heading in ("titles", "one, ms", "of memory's speed", f"{BATCH:,} at once, ms", "of BLAS's speed"):
        table.add_column(heading, justify="right")
    for one in result["catalogues"]:
        cells = f"{one['single_ms']:.2f}", f"{one['single_of_floor']:.0%}", f"{one['batch_ms']:,.0f}"
        table.add_row(f"{one['titles']:,}", *cells, f"{one['batch_of_gemm']:.0%}")
    console.print(table)
    near = result["approximate"]
    console.print(
        f"approximate, {near['titles']:,} titles: recall@{K} {near['recall']:.3f} in {near['single_ms']:.2f} ms, "
        f"{near['speedup']:.0f} x as fast as exact; built in {near['build_seconds']:.0f} s"
    )


if __name__ == "__main__":
    out = Console()
    show(run(lambda what, done: out.print(f"[dim]{what}[/dim]")), out)

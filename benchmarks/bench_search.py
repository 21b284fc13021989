"""Search while typing: milliseconds a look-up, with 10,000 and 100,000 titles.

    python benchmarks/bench_search.py

Titles are those of MovieLens 100K, repeated with a number. Typed are the first 1 to 12 letters of 400 of them, and
words as common as can be. `run()` returns the median, the 99th percentile and the slowest for each size.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.sources import movielens
from matinee.decision import Tell, quiet
from matinee.service.search import TitleSearch

COMMON = ["t", "the", "the t", "the of", "a t", "the a of", "the zzz", "s t"]


def run(tell: Tell = quiet, sizes: tuple[int, ...] = (10_000, 100_000)) -> dict[str, Any]:
    """Milliseconds of a look-up by the number of titles."""
    names = movielens.read(movielens.fetch_100k(Path("var/data"), print)).catalog.names
    return {f"{n:,} titles": _times(names, n) for n in sizes}


def _times(names: list[str], n: int) -> str:
    titles = [f"{names[at % len(names)]} {at}" for at in range(n)]
    search = TitleSearch(Catalog.from_frame(pl.DataFrame({"item_id": [str(at) for at in range(n)], "title": titles})))
    typed = [titles[at] for at in np.random.default_rng(0).integers(0, n, 400)]
    queries = [title[:k] for title in typed for k in range(1, min(len(title), 12) + 1)] + COMMON
    took = []
    for query in queries:
        start = perf_counter()
        search.find(query, 10, lambda item: True)
        took.append(1e3 * (perf_counter() - start))
    median, most, slowest = np.quantile(took, [0.5, 0.99, 1.0])
    return f"p50 {median:.2f} ms, p99 {most:.2f} ms, slowest {slowest:.1f} ms"


if __name__ == "__main__":
    for key, value in run().items():
        print(key, value)

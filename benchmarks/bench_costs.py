"""What a fit is expected to cost, and what it takes: seconds of the processor and megabytes, on MovieLens.

    python benchmarks/bench_costs.py [FOLDER] [--models a,b]

Without a folder on MovieLens 100K, which is fetched. Each model is fitted twice on everything, for the first compiles.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import polars as pl

from matinee.data.histories import training_data
from matinee.data.sources import movielens
from matinee.recipes.costs import expected, taken
from matinee.recipes.registry import MODELS

CHEAP = "popularity,neighbors,markov,transition-graph,slim,sparse-inverse,ease,factors,content"


def main() -> None:
    """Run as the top of this file says."""
    parser = ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--models", default=CHEAP)
    asked = parser.parse_args()
    dataset = movielens.read(asked.folder or movielens.fetch_100k(Path("var/data"), print))
    end = int(dataset.events["timestamp"].cast(pl.Int64).to_numpy().max()) + 1
    data = training_data(dataset.events, dataset.catalog, end)
    for name in asked.models.split(","):
        model = MODELS[name]
        for _ in range(2):
            _, cost = taken(lambda model=model: model.make().fit(data, np.random.default_rng(0)))
        print(f"{name:22} expected {expected(model, data)}; took {cost}")


if __name__ == "__main__":
    main()

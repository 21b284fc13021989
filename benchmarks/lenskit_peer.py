"""LensKit's SLIM on given likes; runs in an environment of its own, see `bench_slim.py`.

    python lenskit_peer.py LIKES L1 L2 ROUNDS

LIKES is a sparse matrix (members, titles) as SciPy writes it. Prints one line of JSON: seconds (median of the rounds,
from its data set to its weights; one round before warms up), weights (kept), version.
"""

import json
import sys
from importlib.metadata import version
from statistics import median
from time import perf_counter

import pandas as pd
from lenskit.data import from_interactions_df
from lenskit.knn import SLIMScorer
from lenskit.training import TrainingOptions
from scipy import sparse


def main(path, l1, l2, rounds):
    matrix = sparse.load_npz(path).tocoo()
    dataset = from_interactions_df(pd.DataFrame({"user_id": matrix.row, "item_id": matrix.col}))
    times = []
    for _ in range(rounds + 1):
        scorer = SLIMScorer(l1_reg=l1, l2_reg=l2)
        started = perf_counter()
        scorer.train(dataset, TrainingOptions())
        times.append(perf_counter() - started)
    found = {"seconds": median(times[1:]), "weights": int(scorer.weights.nnz), "version": version("lenskit")}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:4]), int(sys.argv[4]))

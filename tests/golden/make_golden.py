"""Makes ranx_metrics.csv: random runs, and what ranx says of them. Needs `ranx==0.3.21`; see README.md."""

import csv
import pathlib

import numpy as np
from ranx import Qrels, Run, evaluate

CUTOFFS = (1, 3, 5, 10, 20)
NAMES = ("recall", "ndcg", "mrr", "hit_rate")
TITLES, LIST, MEMBERS = 60, 20, 40


def main() -> None:
    rng = np.random.default_rng(20240611)
    ranked = np.array([rng.permutation(TITLES)[:LIST] for _ in range(MEMBERS)])
    targets = [rng.permutation(TITLES)[: rng.integers(1, 31)] for _ in range(MEMBERS)]
    qrels = Qrels({f"m{b:02}": {f"t{i}": 1 for i in wanted} for b, wanted in enumerate(targets)})
    run = Run({f"m{b:02}": {f"t{i}": float(LIST - k) for k, i in enumerate(row)} for b, row in enumerate(ranked)})
    metrics = [f"{name}@{n}" for name in NAMES for n in CUTOFFS]
    values = evaluate(qrels, run, metrics, return_mean=False)
    with pathlib.Path(__file__).with_name("ranx_metrics.csv").open("w", newline="") as file:
        write = csv.writer(file, lineterminator="\n")
        write.writerow(["ranked", "targets", *metrics])
        for b in range(MEMBERS):
            lists = (" ".join(map(str, ranked[b])), " ".join(map(str, targets[b])))
            write.writerow([*lists, *(repr(float(values[metric][b])) for metric in metrics)])


if __name__ == "__main__":
    main()

"""MABWiser's and Vowpal Wabbit's decisions; runs in an environment of its own, see `bench_bandit_speed.py`.

    python bandit_peer.py DATA

DATA holds `contexts`, `arms` and `rewards` of a log over many arms. Prints one line of JSON: of each peer that is
installed its version, decisions a second of a core and microseconds a decision; of any other that it is absent.
"""

import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter, process_time
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one core, like ours

import numpy as np

SINGLY, BATCH = (20, 200), 500  # arms, decisions


def mabwiser(log: dict[str, np.ndarray]) -> dict[str, object]:
    """Linear Thompson sampling: decisions a second in a batch over many arms, microseconds of single ones over few."""
    from mabwiser.mab import MAB, LearningPolicy

    found: dict[str, object] = {"version": version("mabwiser")}
    count = int(log["arms"].max()) + 1
    for arms in (*SINGLY, count):
        known = log["arms"] < arms
        contexts = log["contexts"] if arms == count else log["contexts"][:, :10]
        learner = MAB(list(range(arms)), LearningPolicy.LinTS(alpha=1.0), seed=0)
        learner.fit(log["arms"][known], log["rewards"][known], contexts[known])
        found[f"single_{arms}_us"] = _median(learner.predict, [one[None] for one in contexts[:20]])
    start = process_time()
    learner.predict(contexts[:BATCH])
    found["batch_a_second"] = BATCH / (process_time() - start)
    return found


def vowpal_wabbit(log: dict[str, np.ndarray]) -> dict[str, object]:
    """CB_ADF with SquareCB: microseconds of single predictions with their distribution, and of learning."""
    import vowpalwabbit

    found: dict[str, object] = {"version": version("vowpalwabbit")}
    for arms in SINGLY:
        learner = vowpalwabbit.Workspace("--cb_explore_adf --squarecb --quiet -q UA")
        told = [_text(context, arms, None) for context in log["contexts"][:200, :10]]
        for context, reward in zip(log["contexts"][:200, :10], log["rewards"][:200], strict=True):
            learner.learn(_text(context, arms, -float(reward)))
        found[f"single_{arms}_us"] = _median(learner.predict, told)
        learned = [_text(context, arms, -1.0) for context in log["contexts"][:200, :10]]
        found[f"learn_{arms}_us"] = _median(learner.learn, learned)
        learner.finish()
    return found


def _text(context: np.ndarray, arms: int, cost: float | None) -> list[str]:
    """A decision as Vowpal Wabbit reads it: what is shared, then a line an arm; the first has the cost, if any."""
    shared = "shared |U " + " ".join(f"f{k}:{value:.4f}" for k, value in enumerate(context))
    label = "" if cost is None else f"0:{cost}:{1 / arms} "
    return [shared, *(f"{label if arm == 0 else ''}|A a{arm}" for arm in range(arms))]


def _median(call: Callable[[Any], object], asked: list[Any]) -> float:
    """Microseconds."""
    times = []
    for one in asked:
        start = perf_counter()
        call(one)
        times.append(perf_counter() - start)
    return 1e6 * float(np.median(times))


def main(path: str) -> dict[str, object]:
    """Every peer."""
    with np.load(path, allow_pickle=False) as file:
        log = dict(file)
    found: dict[str, object] = {}
    for name, measure in (("mabwiser", mabwiser), ("vowpalwabbit", vowpal_wabbit)):
        try:
            version(name)
            found[name] = measure(log)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))

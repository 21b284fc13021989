"""Single decisions with their probabilities, batches over many arms, and updates, beside MABWiser and Vowpal Wabbit.

    python benchmarks/bench_bandit_speed.py [--peers PYTHON]      # an environment of mabwiser and vowpalwabbit

`choice_N_us`: Thompson sampling among N arms by 10 features in one core's median microseconds: beliefs of all arms,
quadrature, draw, out of features. `decision_N_us`: the same from a request to Decisions, eligibility and record
included. `choice_1000_us`, `batch_a_second`: one linear model an arm, 1,000 arms, 50 features, after `LOGGED` rewards;
the latter decisions a second of one core in batches of `BATCH`, from features to titles and probabilities, and
`batch_all_a_second` from requests to Decisions. `update_us`: one reward added to an arm's Cholesky factor of 10
features and its beliefs made anew; `updates_us`: a reward of a batch of 10,000 of the joint model. `peers`: theirs;
`times_mabwiser`: our single choices and batches to those of its linear Thompson sampling at 1,000 arms.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from machine import machine
from peers import measured_by

from matinee.decision import Progress, Requests, no_progress
from matinee.history import Histories
from matinee.maths.arrays import Doubles
from matinee.policies import arm_kernels as kernels
from matinee.policies.arms import LinearArms
from matinee.policies.disjoint import Disjoint
from matinee.policies.features import AverageTaste, Features
from matinee.policies.posterior import Beliefs, Posterior, Prior
from matinee.policies.posterior_arms import PosteriorArms, Rewarded
from matinee.testing import make_catalog

SEED, FEW, SINGLY, ARMS, SIZE, LOGGED, BATCH = 0, 10, (20, 200), 1_000, 50, 20_000, 500


def run(progress: Progress = no_progress, peers: str | None = None) -> dict[str, Any]:
    """Everything; the peers only with the interpreter of their environment."""
    rng = np.random.default_rng(SEED)
    found: dict[str, Any] = {}
    for arms in SINGLY:
        progress(f"{arms} arms", 0.2)
        found |= _singly(arms, rng)
    progress(f"{ARMS:,} arms", 0.4)
    log = _log(rng)
    found |= _batch(log, rng) | _updates(rng)
    if peers is not None:
        progress("peers", 0.7)
        arrays = {"contexts": log.members, "arms": log.items, "rewards": log.rewards}
        found["peers"] = measured_by(peers, "bandit_peer.py", lambda path: np.savez(path, **arrays))
        if isinstance(found["peers"]["mabwiser"], dict):
            peer = found["peers"]["mabwiser"]
            single = peer[f"single_{ARMS}_us"] / found[f"choice_{ARMS}_us"]
            found["times_mabwiser"] = [single, found["batch_a_second"] / peer["batch_a_second"]]
    return {**found, "machine": machine(), "seed": SEED}


def _singly(arms: int, rng: np.random.Generator) -> dict[str, float]:
    """The linear arms after 5,000 rewards."""
    features = _features(arms, FEW, rng)
    policy = LinearArms("arms", "made-up", make_catalog(arms), features)
    requests = _requests(500, arms)
    for _ in range(10):
        made = policy.decide(requests, rng)
        policy.learn(made, (rng.random(len(made)) < 0.1).astype(np.float64))
    one = requests.take(np.array([1]))
    asked = _asked(features.members(one), policy._mind.beliefs, arms)
    drawn = _room(1)
    bits = rng.integers(2**64, size=1, dtype=np.uint64)
    return {
        f"choice_{arms}_us": _median(lambda: kernels.draw(asked, bits, drawn)),
        f"decision_{arms}_us": _median(lambda: policy.decide(one, rng)),
    }


def _batch(log: Rewarded, rng: np.random.Generator) -> dict[str, float]:
    features = _features(ARMS, SIZE, rng)
    known = Disjoint.nothing(ARMS, SIZE).after(log, features.titles)
    asked = _asked(log.members[:BATCH], known.beliefs(features.titles), ARMS)
    bits = rng.integers(2**64, size=BATCH, dtype=np.uint64)
    alone = _asked(log.members[:1], known.beliefs(features.titles), ARMS)
    seconds = _best(lambda: kernels.draw(asked, bits, _room(BATCH)))
    policy = PosteriorArms("arms", make_catalog(ARMS), features, known)
    requests = _requests(BATCH, ARMS)
    return {
        f"choice_{ARMS}_us": _median(lambda: kernels.draw(alone, bits, _room(1))),
        "batch_a_second": BATCH / seconds,
        "batch_all_a_second": BATCH / _best(lambda: policy.decide(requests, rng)),
    }


def _updates(rng: np.random.Generator) -> dict[str, float]:
    few = Disjoint.nothing(SINGLY[0], FEW)
    titles = np.ones((SINGLY[0], FEW))
    one = Rewarded(rng.standard_normal((1, FEW)), np.array([3], np.int32), np.ones(1))
    posterior, prior, n = Posterior.nothing(ARMS, FEW), Prior(), 10_000
    members, items = rng.standard_normal((n, FEW)), rng.integers(ARMS, size=n).astype(np.int32)
    rewards, times = rng.random(n), np.zeros(n, np.int64)
    joint = _best(lambda: posterior.after(members, items, rewards, times, prior))
    return {"update_us": _median(lambda: few.after(one, titles)), "updates_us": 1e6 * joint / n}


def _log(rng: np.random.Generator) -> Rewarded:
    """Members with 1 and 49 features, arms by chance, and rewards of either kind."""
    members = np.hstack([np.ones((LOGGED, 1)), rng.standard_normal((LOGGED, SIZE - 1))])
    items = rng.permutation(np.arange(LOGGED) % ARMS).astype(np.int32)
    return Rewarded(members, items, (rng.random(LOGGED) < 0.1).astype(np.float64))


def _features(arms: int, size: int, rng: np.random.Generator) -> Features:
    return Features.of(AverageTaste(rng.standard_normal((arms, size)).astype(np.float32)), arms, size - 1)


def _requests(batch: int, arms: int) -> Requests:
    return Requests.of_histories(Histories.of_items([[k % arms, 2, 3] for k in range(batch)]), 10**15)


def _asked(members: Doubles, beliefs: Beliefs, arms: int) -> kernels.Arms:
    masks, whose = np.ones((1, arms), np.bool_), np.zeros(len(members), np.int32)
    return kernels.Arms(members, beliefs.means, beliefs.variances, masks, whose, kernels.THOMPSON, 0.01, 0.0)


def _room(batch: int) -> kernels.Drawn:
    return kernels.Drawn(np.empty(batch, np.int32), np.ones(batch), np.zeros(batch), np.empty(batch, np.int32))


def _median(call: Callable[[], Any], times: int = 500) -> float:
    """Microseconds."""
    taken = []
    for _ in range(times):
        start = perf_counter()
        call()
        taken.append(perf_counter() - start)
    return 1e6 * float(np.median(taken))


def _best(call: Callable[[], Any], times: int = 3) -> float:
    """Seconds of a core."""
    call()
    taken = []
    for _ in range(times):
        start = process_time()
        call()
        taken.append(process_time() - start)
    return min(taken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="Python of an environment with mabwiser and vowpalwabbit")
    given = parser.parse_args()
    for key, value in run(peers=None if given.peers is None else str(given.peers)).items():
        print(key, value)

"""Rankers of a thousand actions, ordered by estimates; and seconds for a million rounds.

Logs of `ROUNDS` uniform rounds, five deterministic rankers of rising noise: how well estimates order them as the truth
does (Kendall's tau), and their spread.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.stats import kendalltau

from matinee.maths import off_policy
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import normal
from matinee.maths.off_policy_ranks import Discount, rank_discounted

ROUNDS, ACTIONS, CONTEXT = 5_000, 1_000, 10
NOISES = (0.0, 0.5, 1.0, 2.0, 4.0)  # of the rankers, in deviations of the truth


def rankers(logs: int) -> dict[str, dict[str, float]]:
    """Kendall's tau with the truth and standard deviation of each estimator over logs of a uniform policy."""
    found: dict[str, list[Doubles]] = {}
    taus: dict[str, list[float]] = {}
    for seed in range(logs):
        rng = np.random.default_rng([2, seed])
        actions, contexts = rng.normal(size=(ACTIONS, CONTEXT)), rng.normal(size=(ROUNDS, CONTEXT))
        likely = 1 / (1 + np.exp(-(contexts @ actions.T) / np.sqrt(CONTEXT) + 1))
        chosen = rng.integers(ACTIONS, size=ROUNDS)
        at = np.arange(ROUNDS)
        rewards = (rng.random(ROUNDS) < likely[at, chosen]).astype(np.float64)
        values: dict[str, list[float]] = {}
        for noise in NOISES:
            scores = contexts @ (actions + noise * rng.normal(size=actions.shape)).T
            values.setdefault("truth", []).append(float(likely[at, scores.argmax(axis=1)].mean()))
            match = (scores.argmax(axis=1) == chosen) * float(ACTIONS)
            values.setdefault("IPS", []).append(float(off_policy.ips(match, rewards).mean()))
            values.setdefault("SNIPS", []).append(float(off_policy.snips(match, rewards).mean()))
            for discount in Discount:
                weights = rank_discounted(scores, chosen, discount) * ACTIONS
                values.setdefault(discount.value, []).append(float(off_policy.snips(weights, rewards).mean()))
        for name, one in values.items():
            found.setdefault(name, []).append(np.array(one) - np.array(values["truth"]))
            taus.setdefault(name, []).append(float(kendalltau(np.nan_to_num(one), values["truth"]).statistic))
    return {
        name: {
            "tau": float(np.nanmean(taus[name])),
            "bias": float(np.nanmean(found[name])),
            "deviation": float(np.nanstd(found[name], axis=0).mean()),
        }
        for name in found
        if name != "truth"
    }


def speed() -> dict[str, float]:
    """Seconds for a million rounds by five estimators with their intervals, the least of five."""
    rng = np.random.default_rng(3)
    w, r, q = rng.exponential(size=1_000_000), rng.random(1_000_000), rng.random(1_000_000)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        for values in (
            off_policy.ips(w, r),
            off_policy.snips(w, r),
            off_policy.dr(w, r, q, q),
            off_policy.dr(off_policy.shrunk(w, 9.0), r, q, q),
            off_policy.difference(w, np.ones_like(w), r),
        ):
            normal(values)
        seconds.append(time.perf_counter() - started)
    return {"seconds, a million rounds x 5": min(seconds)}

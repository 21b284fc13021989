"""Policies of the Open Bandit Dataset judged from each other's logs, by every estimator, beside their on-policy values.

    python benchmarks/off_policy_open_bandit.py [FOLDER]

FOLDER holds the dataset as it is published (random/all/all.csv, bts/all/all.csv, or .csv.gz); without it the small
sample is fetched.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import open_bandit as sample

from matinee.evaluate.bandit_estimates import Told, effective, estimates
from matinee.evaluate.bandit_feedback import weights_and_rewards
from matinee.maths import off_policy
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import Interval, normal

BOOTSTRAPS, SEED = 30, 0


def both_ways(folder: Path | None = None) -> dict[str, Any]:
    """For each direction the on-policy value, and what each estimator tells of it from the other log; "misses" where
    its interval does not hold the on-policy value.
    """
    logs = {policy: sample.feedback_in(folder, policy) for policy in sample.POLICIES}
    targets = {"random": np.full((80, sample.SLOTS), 1 / 80), "bts": sample.thompson()}
    found: dict[str, Any] = {}
    for logged, target in (("random", "bts"), ("bts", "random")):
        likely = np.broadcast_to(targets[target], (logs[logged]["n_rounds"], *targets[target].shape))
        known = normal(logs[target]["reward"])
        way = f"{logged} to {target}"
        found[f"{way}: on policy"] = sample.interval(known)
        found[f"{way}: effective rounds"] = f"{effective(logs[logged], likely):,.0f}"
        for name, one in estimates(logs[logged], likely, np.random.default_rng(SEED)).items():
            found[f"{way}: {name}"] = _said(one, known)
    return found


def published(folder: Path | None = None) -> dict[str, str]:
    """Mean (deviation) of the relative error of IPS and SNIPS, random to bts, over resamples drawn as the Open Bandit
    Pipeline draws them.
    """
    uniform, learned = (sample.feedback_in(folder, policy) for policy in sample.POLICIES)
    likely = np.broadcast_to(sample.thompson(), (uniform["n_rounds"], 80, sample.SLOTS))
    weights, rewards = weights_and_rewards(uniform, likely)
    return _bootstrapped(weights, rewards, float(learned["reward"].mean()))


def _said(one: Told, known: Interval) -> str:
    setting = "" if np.isnan(one.setting) else f", at {one.setting:g} by SLOPE"
    misses = "" if one.value.low <= known.value <= one.value.high else ", misses"
    return f"{sample.interval(one.value)}{setting}{misses}"


def _bootstrapped(weights: Doubles, rewards: Doubles, truth: float) -> dict[str, str]:
    errors = []
    for seed in range(BOOTSTRAPS):
        at = np.random.RandomState(seed).choice(len(weights), size=len(weights))
        values = (one(weights[at], rewards[at]).mean() for one in (off_policy.ips, off_policy.snips))
        errors.append([abs(value - truth) / truth for value in values])
    mean, spread = np.mean(errors, axis=0), np.std(errors, axis=0, ddof=1)
    names = ("IPS", "SNIPS")
    return {f"relative error, {name}": f"{mean[k]:.6f} ({spread[k]:.6f})" for k, name in enumerate(names)}


if __name__ == "__main__":
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for key, value in (published(given) | both_ways(given)).items():
        print(f"{key}: {value}")

"""What others published, given back: digits and slates."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import open_bandit as sample
from peers import measured_by

from matinee.maths import off_policy, off_policy_slates
from matinee.maths.arrays import Doubles
from matinee.maths.cores import blas_in_the_calling_thread
from matinee.maths.sampling import list_log_probs, plackett_luce

RUNS, SLATES = 20, 100_000


def digits() -> dict[str, Any]:
    """Relative errors on digits, 20 runs: policies and the cross-fitted reward model are logistic regressions."""
    from sklearn.datasets import load_digits

    features, labels = load_digits(return_X_y=True)
    with blas_in_the_calling_thread():
        runs = [_digits_run(features / 16, labels, seed) for seed in range(RUNS)]
    return {f"relative error, {name}": float(np.mean([run[name] for run in runs])) for name in runs[0]}


def _digits_run(features: Doubles, labels: Doubles, seed: int) -> dict[str, float]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    known, asked, of_known, truth = train_test_split(features, labels, test_size=0.7, random_state=seed)
    policy = LogisticRegression(C=1_000, max_iter=10_000, random_state=12345).fit(known, of_known)
    chosen, at = policy.predict(asked), np.arange(len(asked))
    logged, target = (share * np.eye(10)[chosen] + (1 - share) / 10 for share in (0.8, 0.9))
    draws = np.random.RandomState(seed).uniform(size=len(asked))
    arms = (np.cumsum(logged, axis=1) > draws[:, None]).argmax(axis=1)
    rewards, value = (arms == truth).astype(np.float64), float(target[at, truth].mean())
    q, weights = _cross_fitted(asked, arms, rewards), target[at, arms] / logged[at, arms]
    baseline = off_policy.expected(target, q)
    values = {
        "DM": baseline,
        "IPS": off_policy.ips(weights, rewards),
        "SNIPS": off_policy.snips(weights, rewards),
        "DR": off_policy.dr(weights, rewards, q[at, arms], baseline),
        "SNDR": off_policy.sndr(weights, rewards, q[at, arms], baseline),
    }
    return {name: abs(float(one.mean()) - value) / value for name, one in values.items()}


def _cross_fitted(features: Doubles, arms: Doubles, rewards: Doubles) -> Doubles:
    """(rounds, arms) chances of a reward, each third by a model of the two others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold

    found = np.empty((len(features), 10))
    for others, own in KFold(3, shuffle=True, random_state=12345).split(features):
        model = LogisticRegression(C=1_000, max_iter=10_000, random_state=12345)
        model.fit(np.hstack([features[others], np.eye(10)[arms[others]]]), rewards[others])
        for arm in range(10):
            told = np.hstack([features[own], np.tile(np.eye(10)[arm], (len(own), 1))])
            found[own, arm] = model.predict_proba(told)[:, 1]
    return found


def slate_rates(slates: int = SLATES) -> dict[str, Any]:
    """Slates of 3 of 10 a second: sampled with their probabilities, and scored under other logits."""
    rng = np.random.default_rng(9)
    logits, seeds = rng.normal(size=(slates, 10)).astype(np.float32), rng.integers(2**63, size=slates).astype(np.uint64)
    plackett_luce(logits[:1], 3, 1.0, seeds[:1])
    list_log_probs(logits[:1], np.array([[0, 1, 2]]), 1.0)
    started = perf_counter()
    chosen, _ = plackett_luce(logits, 3, 1.0, seeds)
    sampled = perf_counter()
    list_log_probs(logits[::-1], chosen, 1.0)
    return {"sampled a second": slates / (sampled - started), "scored a second": slates / (perf_counter() - sampled)}


def notebook(peer: str) -> dict[str, Any]:
    """The peer's own rates, and its slate log: our estimates less its, and what each makes of three policies."""
    log = sample.CACHE.parent / "obp_slates.npz"
    log.parent.mkdir(exist_ok=True)
    told = measured_by(peer, "obp_peer.py", Path.touch, str(log.resolve()))
    kept = dict(np.load(log))
    found = {f"peer, {name}": told[name] for name in told if name.startswith(("sampled", "scored"))}
    worst = 0.0
    for name, theirs in told["notebook"].items():
        ours = _slate_estimates(kept, name)
        worst = max(worst, *(abs(ours[key] - theirs[key]) for key in ours))
        found[name] = ", ".join(f"{key} {one:.4f}" for key, one in {"truth": theirs["truth"], **ours}.items())
    return {**found, "furthest from the peer's": worst, "peer": f"sb-obp {told['version']}"}


def _slate_estimates(kept: dict[str, Doubles], name: str) -> dict[str, float]:
    """Out of its weights: whole slates and prefixes come as products already."""
    rewards, ratios = kept["rewards"], {one: kept[f"{name} {one}"] for one in ("whole", "cascade", "marginal")}
    steps = ratios["cascade"] / np.hstack([np.ones((len(rewards), 1)), ratios["cascade"][:, :-1]])
    return {
        "SIPS": float(off_policy_slates.sips(steps, rewards).mean()),
        "RIPS": float(off_policy_slates.rips(steps, rewards).mean()),
        "IIPS": float(off_policy_slates.iips(ratios["marginal"], rewards).mean()),
    }

"""What every estimator makes of one bandit log: a policy's value, with an interval, settings chosen by the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from matinee.evaluate.additive_rewards import AdditiveRewards
from matinee.evaluate.bandit_feedback import weights_and_rewards
from matinee.maths import off_policy
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import Interval, cressie_read, normal
from matinee.maths.off_policy import dr, ips, shrunk, sndr, snips, switched
from matinee.maths.slope import slope

SETTINGS = (np.inf, 1_000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)  # from least biased to least spread
Bound = Callable[[Doubles, float], Doubles]


class Told(NamedTuple):
    """The value with its 95 % interval, and the setting that SLOPE chose, NaN where there is none."""

    value: Interval
    setting: float = np.nan


class _Log(NamedTuple):
    """(rounds,) each: weights, rewards, what the model says of what was chosen, and of the target."""

    weights: Doubles
    rewards: Doubles
    predicted: Doubles
    baseline: Doubles

    @property
    def model(self) -> tuple[Doubles, Doubles]:
        return self.predicted, self.baseline


def estimates(feedback: Mapping[str, Any], action_dist: Doubles, rng: np.random.Generator) -> dict[str, Told]:
    """The value of the policy `action_dist` (rounds, actions, positions) by every estimator.

    The reward model is `AdditiveRewards`, cross-fitted over folds that `rng` deals. Intervals are
    Cressie-Read's within 0..1, which hold under heavy weights. Those of DM (normal), Switch-DR and DRos are of the
    chosen setting: what bias it has is not in them. Raises `BadData` as `weights_and_rewards` and
    `AdditiveRewards.fit` do.
    """
    weights, rewards = weights_and_rewards(feedback, action_dist)
    model, action = AdditiveRewards.fit(feedback, rng), np.asarray(feedback["action"])
    position = feedback.get("position")
    at = np.zeros(len(action), np.int64) if position is None else np.asarray(position)
    baseline = model.expected(action_dist, at)
    log = _Log(weights, rewards, model.of(action), baseline)
    nothing = np.zeros(len(action)), np.zeros(len(action))
    return {
        "IPS": Told(_interval(log, weights, ips(weights, rewards), nothing)),
        "SNIPS": Told(_interval(log, weights, snips(weights, rewards), nothing)),
        "DM": Told(normal(baseline)),
        "DR": Told(_interval(log, weights, dr(weights, rewards, *log.model), log.model)),
        "SNDR": Told(_interval(log, weights, sndr(weights, rewards, *log.model), log.model)),
        "Switch-DR": _bounded(log, switched),
        "DRos": _bounded(log, shrunk),
    }


def _bounded(log: _Log, bound: Bound) -> Told:
    """DR by weights that a setting bounds, the setting chosen by `maths.slope`."""
    each = [bound(log.weights, one) for one in SETTINGS]
    values = np.stack([dr(one, log.rewards, *log.model) for one in each])
    k = slope(values)
    return Told(_interval(log, each[k], values[k], log.model), SETTINGS[k])


def _interval(log: _Log, used: Doubles, values: Doubles, model: tuple[Doubles, Doubles]) -> Interval:
    """The mean of `values` with Cressie-Read's ends; the heaviest of the weights `used` may meet any reward."""
    predicted, baseline = model
    ceiling, heaviest = float(log.weights.max()), float(used.max())
    least, most = min(0.0, float(log.rewards.min())), float(log.rewards.max())
    ends = (
        float(baseline.min()) + heaviest * (least - float(predicted.max())),
        float(baseline.max()) + heaviest * (most - float(predicted.min())),
    )
    found = cressie_read(log.weights, values, ceiling, ends)
    return Interval(float(values.mean()), max(found.low, 0.0), min(found.high, 1.0))


def effective(feedback: Mapping[str, Any], action_dist: Doubles) -> float:
    """How many rounds of the target the log is worth."""
    return off_policy.effective_size(weights_and_rewards(feedback, action_dist)[0])

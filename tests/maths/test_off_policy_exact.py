"""Estimators in worlds small enough to enumerate: expectations are sums, and equal the truth to the last digits."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.maths import off_policy, off_policy_slates

SLOTS, ACTIONS = 3, 3
SLATES = np.indices((ACTIONS,) * SLOTS).reshape(SLOTS, -1).T
AT = np.arange(SLOTS)


def distributions(seed, *shape):
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1])


def of_slates(first, second, third):
    """(slates, slots) P(action | those above), of a first, a second given the first, and a third given both."""
    a, b, c = SLATES.T
    return np.stack([first[a], second[a, b], third[a, b, c]], axis=1)


def cascade_policy(seed):
    return tuple(distributions(seed + k, *(ACTIONS,) * (k + 1)) for k in range(SLOTS))


LOGGED, TARGET = of_slates(*cascade_policy(0)), of_slates(*cascade_policy(10))
INDEPENDENT = [distributions(seed, SLOTS, ACTIONS)[AT, SLATES] for seed in (20, 21)]
ADDITIVE = np.random.default_rng(30).random((SLOTS, ACTIONS))[AT, SLATES]
CASCADE = of_slates(*(np.random.default_rng(31 + k).random((ACTIONS,) * (k + 1)) for k in range(SLOTS)))
ANY = np.random.default_rng(40).random((len(SLATES), SLOTS))


def values_and_truth(estimator, logged, target, rewards):
    """What the estimator gives on average over all slates of the logger, and what the target earns."""
    chance, wanted = logged.prod(axis=1), target.prod(axis=1)
    return chance @ estimator(target / logged, rewards), wanted @ rewards.sum(axis=1)


@pytest.mark.parametrize(
    ("estimator", "rewards"),
    [
        (off_policy_slates.sips, ADDITIVE),
        (off_policy_slates.sips, CASCADE),
        (off_policy_slates.sips, ANY),
        (off_policy_slates.rips, ADDITIVE),
        (off_policy_slates.rips, CASCADE),
    ],
)
def test_slates_whose_choices_follow_each_other_are_exact(estimator, rewards):
    estimate, truth = values_and_truth(estimator, LOGGED, TARGET, rewards)
    assert estimate == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize(
    "estimator",
    [
        off_policy_slates.sips,
        off_policy_slates.rips,
        off_policy_slates.iips,
        lambda w, r: off_policy_slates.pseudo_inverse(w, r.sum(axis=1)),
    ],
)
def test_every_slate_estimator_is_exact_on_additive_slates(estimator):
    estimate, truth = values_and_truth(estimator, *INDEPENDENT, ADDITIVE)
    assert estimate == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize(("estimator", "rewards"), [(off_policy_slates.rips, ANY), (off_policy_slates.iips, CASCADE)])
def test_slates_beyond_what_an_estimator_assumes_are_not(estimator, rewards):
    logged, target = (LOGGED, TARGET) if estimator is off_policy_slates.rips else INDEPENDENT
    estimate, truth = values_and_truth(estimator, logged, target, rewards)
    assert abs(estimate - truth) > 1e-3


@pytest.mark.parametrize("seed", [60, 61])
def test_the_cascade_is_exact_with_any_model(seed):
    a, b, _ = SLATES.T
    model = of_slates(*(np.random.default_rng(seed + k).random((ACTIONS,) * (k + 1)) for k in range(SLOTS)))
    baseline = np.zeros_like(model)
    for k, above in enumerate((np.zeros(len(a), np.int64), a, a * ACTIONS + b)):
        below = ACTIONS ** (SLOTS - k - 1)  # slates that share what stands down to this slot
        baseline[:, k] = np.bincount(above, TARGET[:, k] * model[:, k] / below)[above]
    values = off_policy_slates.cascade_dr(TARGET / LOGGED, CASCADE, model, baseline)
    assert LOGGED.prod(axis=1) @ values == pytest.approx(TARGET.prod(axis=1) @ CASCADE.sum(axis=1), abs=1e-12)


def single_world():
    """Probability, weight, reward and place of each (context, action) pair; the two policies; the truth."""
    contexts, logged, target = distributions(50, 3), distributions(51, 3, 4), distributions(52, 3, 4)
    rewards = np.random.default_rng(53).random((3, 4))
    return contexts, logged, target, rewards, float((contexts[:, None] * target * rewards).sum())


def test_single_choices_are_exact_on_average():
    contexts, logged, target, rewards, truth = single_world()
    chance, w, r = ((one.ravel()) for one in (contexts[:, None] * logged, target / logged, rewards))
    model = np.random.default_rng(54).random((3, 4))
    baseline = np.repeat(off_policy.expected(target, model), 4)
    assert chance @ off_policy.ips(w, r) == pytest.approx(truth, abs=1e-12)
    assert chance @ off_policy.dr(w, r, model.ravel(), baseline) == pytest.approx(truth, abs=1e-12)
    current = float((contexts[:, None] * logged * rewards).sum())
    for beta in (0.0, 0.7):
        assert chance @ ((w - 1) * (r - beta)) == pytest.approx(truth - current, abs=1e-12)
    assert chance @ off_policy.ips(off_policy.clipped(w, 1.5), r) < truth - 1e-3


def test_groups_are_exact_where_titles_earn_by_their_group():
    contexts, logged, target, _, _ = single_world()
    likely, of_group = distributions(55, 4, 2), np.array([0.2, 0.9])
    x, a, e = np.indices((3, 4, 2)).reshape(3, -1)
    chance = contexts[x] * logged[x, a] * likely[a, e]
    weights = off_policy.marginal_weights(target[x], logged[x], likely, e)
    truth = float((contexts[:, None] * target * (likely @ of_group)).sum())
    assert chance @ off_policy.ips(weights, of_group[e]) == pytest.approx(truth, abs=1e-12)

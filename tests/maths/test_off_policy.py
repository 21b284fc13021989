"""Off-policy estimators against arithmetic, an enumerable world, and the Open Bandit Pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from matinee.errors import BadData
from matinee.maths import off_policy, off_policy_slates
from matinee.maths.mean_intervals import normal
from matinee.maths.off_policy_ranks import Discount, rank_discounted
from matinee.maths.off_policy_support import require_propensities, require_support, unsupported
from matinee.maths.slope import slope

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "obp_estimates.json").read_text())
CONTEXTS = np.array([0.5, 0.3, 0.2])
LOGGED = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25]])
TARGET = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1], [0.0, 0.0, 1.0, 0.0]])
REWARDS = np.array([[0.1, 0.2, 0.3, 0.9], [0.5, 0.4, 0.3, 0.2], [0.2, 0.1, 0.6, 0.3]])
TRUTH = float((CONTEXTS[:, None] * TARGET * REWARDS).sum())  # 0.502


def drawn(rounds, seed, noise=True):
    """Rounds of the enumerable world: contexts, actions, rewards (Bernoulli, or the mean itself)."""
    rng = np.random.default_rng(seed)
    x = rng.choice(3, rounds, p=CONTEXTS)
    a = (rng.random(rounds)[:, None] > np.cumsum(LOGGED[x], axis=1)).sum(axis=1)
    mean = REWARDS[x, a]
    return x, a, (rng.random(rounds) < mean).astype(float) if noise else mean


def within_three_errors(values, truth=TRUTH):
    return abs(values.mean() - truth) < 3 * values.std(ddof=1) / np.sqrt(len(values))


def test_the_world_is_what_arithmetic_says():
    assert pytest.approx(0.5 * 0.50 + 0.3 * 0.44 + 0.2 * 0.6) == TRUTH


def test_estimators_are_unbiased_in_the_enumerable_world():
    x, a, r = drawn(40_000, seed=1)
    w, wrong = TARGET[x, a] / LOGGED[x, a], np.full((3, 4), 0.5)
    assert within_three_errors(off_policy.ips(w, r))
    assert within_three_errors(off_policy.snips(w, r))
    baseline = off_policy.expected(TARGET[x], wrong[x])
    assert within_three_errors(off_policy.dr(w, r, wrong[x, a], baseline))
    assert within_three_errors(off_policy.sndr(w, r, wrong[x, a], baseline))
    assert not within_three_errors(off_policy.ips(off_policy.clipped(w, 1.5), r))


def test_values_spread_as_the_estimates_do():
    """The standard error of each estimator is that of 400 estimates, within a tenth."""
    estimates, errors = [], []
    for seed in range(400):
        x, a, r = drawn(1_000, seed)
        w, q = TARGET[x, a] / LOGGED[x, a], REWARDS[x]
        baseline = off_policy.expected(TARGET[x], q)
        told = q[np.arange(len(a)), a]
        values = (
            off_policy.ips(w, r),
            off_policy.snips(w, r),
            off_policy.sndr(w, r, told, baseline),
            off_policy.difference(w, np.ones_like(w), r),
        )
        estimates.append([one.mean() for one in values])
        errors.append([one.std(ddof=1) / np.sqrt(len(one)) for one in values])
    np.testing.assert_allclose(np.mean(errors, axis=0), np.std(estimates, axis=0), rtol=0.1)


def test_doubly_robust_is_exact_when_either_part_is():
    x, a, r = drawn(3_000, seed=2, noise=False)
    w = TARGET[x, a] / LOGGED[x, a]
    exact = off_policy.expected(TARGET[x], REWARDS[x])
    for values in (
        off_policy.dr(w, r, REWARDS[x, a], exact),
        off_policy.dr(np.ones_like(w), r, REWARDS[x, a], exact),
        off_policy.sndr(w, r, REWARDS[x, a], exact),
    ):
        np.testing.assert_allclose(values, exact, atol=1e-12)
    every_x, every_a = np.indices((3, 4)).reshape(2, -1)
    chance = (CONTEXTS[:, None] * LOGGED)[every_x, every_a]
    weight, model = (TARGET / LOGGED)[every_x, every_a], np.random.default_rng(0).random((3, 4))
    values = off_policy.dr(
        weight, REWARDS[every_x, every_a], model[every_x, every_a], off_policy.expected(TARGET, model)[every_x]
    )
    assert chance @ values == pytest.approx(TRUTH, abs=1e-12)


def test_self_normalised_of_a_constant_is_the_constant():
    w = np.random.default_rng(3).gamma(0.3, 5, 50)
    np.testing.assert_allclose(off_policy.snips(w, np.full(50, 0.7)), 0.7)
    assert np.isnan(off_policy.snips(np.zeros(3), np.ones(3))).all()


def test_on_policy_every_estimator_is_the_mean():
    _, _, r = drawn(500, seed=4)
    one, q = np.ones(500), np.full(500, 0.3)
    for values in (
        off_policy.ips(one, r),
        off_policy.snips(one, r),
        off_policy.dr(one, r, q, q),
        off_policy.sndr(one, r, q, q),
        off_policy.dr(off_policy.switched(one, 1.0), r, q, q),
        off_policy_slates.sips(one[:, None], r[:, None]),
        off_policy_slates.pseudo_inverse(one[:, None], r),
    ):
        assert values.mean() == pytest.approx(r.mean())
    assert off_policy.difference(one, one, r).tolist() == [0.0] * 500


def test_effective_size_and_transforms_of_weights():
    assert off_policy.effective_size(np.array([1.0, 1.0, 1.0, 1.0])) == 4
    assert off_policy.effective_size(np.array([3.0, 1.0, 0.0])) == pytest.approx(16 / 10)
    assert off_policy.effective_size(np.zeros(3)) == 0
    w = np.array([0.5, 2.0, 8.0])
    assert off_policy.clipped(w, 2.0).tolist() == [0.5, 2.0, 2.0]
    assert off_policy.switched(w, 2.0).tolist() == [0.5, 2.0, 0.0]
    np.testing.assert_allclose(off_policy.shrunk(w, 4.0), [2 / 4.25, 1.0, 32 / 68])
    assert off_policy.shrunk(w, np.inf).tolist() == w.tolist()
    assert off_policy.weights_of(np.array([-np.inf, 0.0]), np.array([-1.0, -1.0])).tolist() == [0.0, np.e]
    clips = [off_policy.ips(off_policy.clipped(w, c), np.ones(3)).mean() for c in (1, 2, 4, 8, 16)]
    assert clips == sorted(clips)


def test_the_difference_has_less_spread_than_its_parts():
    """Rewards far from 0 are what the control variate takes out."""
    x, a, r = drawn(20_000, seed=5)
    w = TARGET[x, a] / LOGGED[x, a]
    plain, values = off_policy.ips(w, r + 5) - (r + 5), off_policy.difference(w, np.ones_like(w), r + 5)
    on_policy = float((CONTEXTS[:, None] * LOGGED * REWARDS).sum())
    assert within_three_errors(values, TRUTH - on_policy)
    assert values.std() < plain.std() / 5


@pytest.mark.parametrize("name", GOLDEN["single"]["values"])
def test_single_actions_as_the_open_bandit_pipeline(name):
    case = {key: np.array(one) for key, one in GOLDEN["single"]["case"].items()}
    rounds, a, r = np.arange(len(case["action"])), case["action"], case["reward"]
    w, q = case["target"][rounds, a] / case["logged"][rounds, a], case["predicted"][rounds, a]
    baseline = off_policy.expected(case["target"], case["predicted"])
    mips = off_policy.marginal_weights(case["target"], case["logged"], case["likely"], case["group"])
    values = {
        "ips": off_policy.ips(w, r),
        "ips clipped 2": off_policy.ips(off_policy.clipped(w, 2.0), r),
        "snips": off_policy.snips(w, r),
        "dm": baseline,
        "dr": off_policy.dr(w, r, q, baseline),
        "sndr": off_policy.sndr(w, r, q, baseline),
        "switch-dr 1.5": off_policy.dr(off_policy.switched(w, 1.5), r, q, baseline),
        "dros 3": off_policy.dr(off_policy.shrunk(w, 3.0), r, q, baseline),
        "mips": off_policy.ips(mips, r),
    }
    assert values[name].mean() == pytest.approx(GOLDEN["single"]["values"][name], abs=1e-10)


@pytest.mark.parametrize("name", GOLDEN["slates"]["values"])
def test_slates_as_the_open_bandit_pipeline(name):
    case = {key: np.array(one) for key, one in GOLDEN["slates"]["case"].items()}
    at, r = case["action"][:, :, None], case["reward"]
    of = {key: np.take_along_axis(case[key], at, axis=2)[:, :, 0] for key in ("target", "logged", "predicted")}
    w, baseline = of["target"] / of["logged"], (case["target"] * case["predicted"]).sum(axis=2)
    values = {
        "sips": off_policy_slates.sips(w, r),
        "iips": off_policy_slates.iips(w, r),
        "rips": off_policy_slates.rips(w, r),
        "cascade-dr": off_policy_slates.cascade_dr(w, r, of["predicted"], baseline),
    }
    assert values[name].mean() == pytest.approx(GOLDEN["slates"]["values"][name], abs=1e-10)


def test_the_pseudo_inverse_is_exact_on_additive_slates_alone():
    rng = np.random.default_rng(6)
    logged, target, parts = rng.dirichlet(np.ones(3), 3), rng.dirichlet(np.ones(3), 3), rng.random((3, 3))
    slates, slots = np.indices((3, 3, 3)).reshape(3, -1).T, np.arange(3)
    chance, w = logged[slots, slates].prod(axis=1), (target / logged)[slots, slates]
    wanted = target[slots, slates].prod(axis=1)
    additive = parts[slots, slates].sum(axis=1)
    estimate = chance @ off_policy_slates.pseudo_inverse(w, additive)
    assert estimate == pytest.approx(wanted @ additive, abs=1e-12)
    assert estimate == pytest.approx((target * parts).sum(), abs=1e-12)
    together = parts[slots, slates].prod(axis=1)
    assert abs(chance @ off_policy_slates.pseudo_inverse(w, together) - wanted @ together) > 1e-3
    assert chance @ off_policy_slates.sips(w, together[:, None] * [1, 0, 0]) == pytest.approx(wanted @ together)


def test_slates_of_length_one_are_single_actions():
    x, a, r = drawn(100, seed=7)
    w = (TARGET[x, a] / LOGGED[x, a])[:, None]
    for estimator in (off_policy_slates.sips, off_policy_slates.iips, off_policy_slates.rips):
        np.testing.assert_allclose(estimator(w, r[:, None]), off_policy.ips(w[:, 0], r))
    np.testing.assert_allclose(off_policy_slates.pseudo_inverse(w, r), off_policy.ips(w[:, 0], r))


def test_marginal_weights_of_every_action_its_own_group_are_weights():
    x, a, _ = drawn(50, seed=8)
    w = off_policy.marginal_weights(TARGET[x], LOGGED[x], np.eye(4), a)
    np.testing.assert_allclose(w, TARGET[x, a] / LOGGED[x, a])
    one_group = off_policy.marginal_weights(TARGET[x], LOGGED[x], np.ones((4, 1)), np.zeros(50, np.int64))
    np.testing.assert_allclose(one_group, 1.0)


def test_what_the_log_cannot_tell_is_refused_and_named():
    with pytest.raises(BadData, match=r"2 of 4 rounds .* \(round 1, 3: 0\.0\)"):
        require_propensities(np.array([0.5, 0.0, 1.0, np.nan]))
    logged, target = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]), np.array([[0.4, 0.4, 0.2], [0.2, 0.3, 0.5]])
    with pytest.raises(BadData, match=r"10\.0 % of the target's choices \(round monday: 20\.0 %\)"):
        require_support(target, logged, ["monday", "tuesday"])
    require_support(target, logged, tolerance=0.1)
    with pytest.raises(BadData, match=r"of the log sum to 0\.9"):
        require_support(target, logged * 0.9)
    with pytest.raises(AssertionError, match="candidates differ"):
        require_support(target, logged[:, :2])


def test_missing_support_shows_in_the_weights():
    """A target that is half of the time outside of what the log chooses from has weights of mean one half."""
    rng = np.random.default_rng(9)
    lost, least = unsupported(np.where(rng.random(2_000) < 0.5, 1.0, 0.0))
    assert lost == pytest.approx(0.5, abs=0.05)
    assert 0.45 < least < 0.5
    assert unsupported(rng.exponential(size=2_000))[1] == 0.0


def test_rank_discounts_share_ties():
    scores = np.array([[3.0, 2.0, 1.0], [1.0, 1.0, 0.0], [5.0, 5.0, 5.0]])
    chosen = np.array([1, 0, 2])
    np.testing.assert_allclose(rank_discounted(scores, chosen), [1 / 2, (1 + 1 / 2) / 2, (1 + 1 / 2 + 1 / 3) / 3])
    np.testing.assert_allclose(
        rank_discounted(scores, chosen, Discount.GEOMETRIC), [1 / 2, 3 / 4, (1 + 1 / 2 + 1 / 4) / 3]
    )


def test_ranks_of_equal_scores_give_the_self_normalised_mean_reward():
    x, a, r = drawn(1_000, seed=10)
    pscore = LOGGED[x, a]
    value = off_policy.snips(rank_discounted(np.zeros((1_000, 4)), a) / pscore, r).mean()
    assert value == pytest.approx(np.average(r, weights=1 / pscore))


def test_slope_takes_the_least_spread_that_agrees():
    rng = np.random.default_rng(11)
    noise = rng.normal(size=10_000)
    agreeing = np.array([10 * noise, 3 * noise, noise])
    assert slope(agreeing) == 2
    assert slope(np.array([10 * noise, 3 * noise + 2, noise + 9])) == 0
    assert slope(np.array([10 * noise, 3 * noise, noise + 9])) == 1


def test_a_million_rounds_by_five_estimators_take_two_seconds():
    """One pass of arithmetic each; on a busy machine the bound follows what a million exponentials take."""
    rng = np.random.default_rng(12)
    w, r, q = rng.exponential(size=1_000_000), rng.random(1_000_000), rng.random(1_000_000)
    started = perf_counter()
    np.exp(w).sum()
    unit = perf_counter() - started
    started = perf_counter()
    found = [
        normal(one).value
        for one in (
            off_policy.ips(w, r),
            off_policy.snips(w, r),
            off_policy.dr(w, r, q, q),
            off_policy.dr(off_policy.shrunk(w, 9.0), r, q, q),
            off_policy.difference(w, np.ones_like(w), r),
        )
    ]
    assert perf_counter() - started < max(2.0, 200 * unit)
    assert found[0] == pytest.approx(0.5, abs=0.01)

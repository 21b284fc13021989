"""Intervals of means against arithmetic, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.maths.mean_intervals import betting, bootstrap, by_cluster, cressie_read, normal, student

ACTIONS = 12
LOGITS = np.linspace(-1.5, 1.5, ACTIONS)


def heavy_world():
    """Logged and target probabilities that prefer opposite actions, with mean rewards; the target's value."""
    logged, target = np.exp(LOGITS), np.exp(-LOGITS)
    rewards = np.linspace(0.05, 0.4, ACTIONS)
    target /= target.sum()
    return logged / logged.sum(), target, rewards, float(target @ rewards)


def test_the_normal_interval_of_known_values():
    found = normal(np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.value == 2.5
    assert found.high - found.value == pytest.approx(1.959964 * np.sqrt(5 / 3) / 2, rel=1e-6)
    assert normal(np.array([1.0])) == (1.0, -np.inf, np.inf)
    assert np.isnan(normal(np.array([])).value)


def test_students_interval_of_a_few_runs():
    """Student's quantiles are those of tables: 12.706 with one degree of freedom, 2.776 with four."""
    runs = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0], [5.0, 5.0]])
    mean, low, high = student(runs)
    np.testing.assert_allclose(mean, [3.0, 5.0])
    np.testing.assert_allclose(high - mean, [2.7764451 * np.sqrt(2.5 / 5), 0.0], rtol=1e-7)
    np.testing.assert_allclose(mean - low, high - mean)
    assert float(student(runs[:2, 0])[2]) == pytest.approx(1.5 + 12.706205 * np.sqrt(0.5 / 2), rel=1e-7)
    assert [float(one) for one in student(runs[:1, 0])] == [1.0, -np.inf, np.inf]


def test_students_interval_holds_the_truth_as_often_as_it_says():
    """4,000 times three runs: 95 % ± three standard errors of .34 %; the normal quantile would hold it 81 %."""
    _, low, high = student(np.random.default_rng(5).normal(size=(3, 4_000)))
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(0.95, abs=0.0103)


def test_the_bootstrap_agrees_with_the_normal_interval_on_light_tails():
    values = np.random.default_rng(0).normal(size=2_000)
    found, other = bootstrap(values, np.random.default_rng(1)), normal(values)
    assert found.low == pytest.approx(other.low, abs=0.01)
    assert found.high == pytest.approx(other.high, abs=0.01)
    assert np.isnan(bootstrap(np.array([]), np.random.default_rng(0)).value)


def test_clusters_widen_what_hangs_together():
    """Each value thrice is worth no more than once."""
    values = np.random.default_rng(2).normal(size=300)
    clusters = np.repeat(np.arange(300), 3)
    np.testing.assert_allclose(by_cluster(np.repeat(values, 3), clusters), values)
    lone = by_cluster(values, np.arange(300))
    np.testing.assert_allclose(lone, values)
    uneven = by_cluster(np.array([1.0, 1.0, 4.0]), np.array([7, 7, 9]))
    assert uneven.mean() == pytest.approx(2.0)


def test_cressie_read_of_weights_of_one_is_the_normal_interval():
    values = np.random.default_rng(3).random(5_000)
    found, other = cressie_read(np.ones(5_000), values, 1.0, (0.0, 1.0)), normal(values)
    np.testing.assert_allclose(found, other, atol=1e-3)


def test_cressie_read_corrects_by_the_mean_weight():
    """Where values are a line of weights, E[w] = 1 says all."""
    w = np.array([0.0, 0.5, 1.5, 3.0])
    found = cressie_read(w, 0.3 * w, 3.0, (0.9, 0.9))
    np.testing.assert_allclose(found, 0.3)


def test_cressie_read_says_nothing_where_no_weights_can_have_mean_one():
    found = cressie_read(np.full(1_000, 0.1), np.zeros(1_000), 1.0, (0.0, 1.0))
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert np.isnan(cressie_read(np.array([]), np.array([]), 1.0, (0.0, 1.0)).value)


@pytest.mark.parametrize("rounds", [300, 2_000])
def test_intervals_hold_the_truth_under_heavy_weights(rounds):
    """400 logs; fewer than 94 % of 400 happens to a 97 % interval in 1 of 3,000, to the guaranteed ones hardly ever."""
    logged, target, rewards, truth = heavy_world()
    rng, ceiling = np.random.default_rng(4), float((target / logged).max())
    held = {"normal": 0, "cressie_read": 0, "betting": 0}
    for _ in range(400):
        a = rng.choice(ACTIONS, rounds, p=logged)
        w, r = (target / logged)[a], (rng.random(rounds) < rewards[a]).astype(float)
        found = {
            "normal": normal(w * r),
            "cressie_read": cressie_read(w, w * r, ceiling, (0.0, ceiling)),
            "betting": betting(w, r),
        }
        for name, one in found.items():
            held[name] += one.low <= truth <= one.high
    assert held["cressie_read"] >= 0.94 * 400
    assert held["betting"] >= 0.94 * 400
    assert held["normal"] < held["cressie_read"]


def test_betting_is_right_at_every_moment():
    """The running low end passes the truth in at most 2.5 % of 200 streams; more than 11 happens in 1 of 100."""
    rng, passed = np.random.default_rng(5), 0
    for _ in range(200):
        r = (rng.random(1_000) < 0.3).astype(float)
        passed += any(betting(np.ones(n), r[:n]).low > 0.3 for n in range(100, 1_001, 100))
    assert passed <= 11


def test_betting_refuses_rewards_beyond_its_bounds():
    with pytest.raises(AssertionError, match=r"0\.\.1"):
        betting(np.ones(2), np.array([0.5, 1.5]))
    assert betting(np.ones(50), np.zeros(50)).low == 0.0
    assert np.isnan(betting(np.array([]), np.array([])).value)

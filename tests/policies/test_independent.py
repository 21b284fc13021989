"""Independent arms: closed forms of Beta and Gaussian beliefs, conformance, and that they find the best title."""

from __future__ import annotations

import numpy as np
import pytest
from arm_worlds import TITLES, asked
from scipy import stats
from scipy.integrate import quad

from matinee.errors import BadRequest, NotFound
from matinee.maths.best_of_betas import probability_of_best_beta
from matinee.policies.independent import BetaBelief, GaussianBelief, IndependentArms, IndependentConfig, Told
from matinee.testing import check_policy, make_catalog

CATALOG = make_catalog(TITLES)
CONFIGS = [
    IndependentConfig(),
    IndependentConfig(GaussianBelief()),
    IndependentConfig(BetaBelief(1.0, 1.0), 2.0),
    IndependentConfig(GaussianBelief(), 1.0),
]


@pytest.mark.parametrize(("a", "b"), [(2.0, 1.0), (1.0, 99.0), (30.0, 70.0), (5e5, 5e5)])
def test_a_beta_against_a_uniform_has_its_mean_as_chance(a, b):
    """P(X > U) = E[X] for U uniform on 0..1."""
    found = probability_of_best_beta(np.array([a, 1.0]), np.array([b, 1.0]))
    np.testing.assert_allclose(found, [a / (a + b), b / (a + b)], atol=1e-6)


def test_several_betas_against_a_sample():
    """A million draws: 5 standard errors, some .0025."""
    a, b = np.array([3.0, 30.0, 1.0, 400.0]), np.array([7.0, 60.0, 9.0, 900.0])
    draws = np.random.default_rng(0).beta(a, b, (1_000_000, 4)).argmax(axis=1)
    np.testing.assert_allclose(probability_of_best_beta(a, b), np.bincount(draws, minlength=4) / 1e6, atol=0.0025)


def test_moments_are_those_of_the_distributions():
    told = Told(np.array([0.0, 10.0]), np.array([0.0, 4.0]))
    mean, deviation = BetaBelief(1, 9).moments(told)
    assert mean.tolist() == [0.1, 5 / 20]
    np.testing.assert_allclose(deviation, [stats.beta(1, 9).std(), stats.beta(5, 15).std()])
    mean, deviation = GaussianBelief(0.2, 0.5, 0.5).moments(told)
    np.testing.assert_allclose(mean, [0.2, (0.2 + 4) / 11])
    np.testing.assert_allclose(deviation, [0.5, 0.5 / np.sqrt(11)])


@pytest.mark.parametrize("config", CONFIGS)
def test_conformance(config):
    check_policy(lambda: IndependentArms("arms", CATALOG, config), CATALOG, asked(20))


@pytest.mark.parametrize("config", CONFIGS)
def test_the_best_title_is_found(config):
    arms, rng = IndependentArms("arms", CATALOG, config), np.random.default_rng(0)
    for _ in range(40):
        made = arms.decide(asked(100), rng)
        arms.learn(made, (rng.random(len(made.titles)) < np.where(made.titles == 7, 0.6, 0.1)).astype(float))
    assert arms.decide(asked(300), rng).titles.tolist().count(7) > 200
    with pytest.raises(NotFound):
        arms.at(0)


def test_ucb_takes_what_is_least_known_and_thompson_shares():
    told = np.array([50.0] * (TITLES - 1) + [0.0])
    known = Told(told, told * 0.1)
    ucb, sampled = (IndependentArms("arms", CATALOG, one, known) for one in (CONFIGS[3], CONFIGS[1]))
    assert ucb.probabilities(asked(1)).probs[-1] == pytest.approx(0.99 + 0.01 / TITLES)
    known = stats.norm(0.1, (0.1**-2 + 50 * 0.3**-2) ** -0.5)
    best = quad(lambda x: stats.norm.pdf(x, 0.1, 0.1) * known.cdf(x) ** (TITLES - 1), -0.5, 0.7)[0]
    assert sampled.probabilities(asked(1)).probs[-1] == pytest.approx(0.01 / TITLES + 0.99 * best, abs=1e-4)


def test_bad_settings_are_refused():
    for make in (lambda: BetaBelief(0.0, 1.0), lambda: GaussianBelief(noise=0.0), lambda: IndependentConfig(floor=0.0)):
        with pytest.raises(BadRequest):
            make()

"""Linear UCB: the title of the largest mean + deviations, as a distribution: one point, or equals that share it."""

from __future__ import annotations

import numpy as np
import pytest
from arm_worlds import TITLES, arms, asked
from scipy import stats

from matinee.errors import BadRequest
from matinee.maths.ragged import Ragged
from matinee.policies.arms import ArmsConfig
from matinee.policies.independent import GaussianBelief, IndependentArms, IndependentConfig
from matinee.policies.posterior_arms import PosteriorArmsConfig
from matinee.testing import check_policy, make_catalog

UCB = ArmsConfig(sampling=False, optimism=2.0, floor=0.02)


def taught(config: ArmsConfig):
    """By what Thompson sampling met."""
    policy, rng = arms(ArmsConfig()), np.random.default_rng(0)
    for _ in range(3):
        made = policy.decide(asked(100), rng)
        policy.learn(made, (rng.random(100) < np.where(made.titles == 3, 0.5, 0.2)).astype(float))
    return arms(config, learned=policy._mind.posterior)


def test_conformance():
    exclude = Ragged.of([[k % TITLES] for k in range(30)])
    check_policy(lambda: taught(UCB), make_catalog(TITLES), asked(30))
    check_policy(lambda: arms(UCB), make_catalog(TITLES), asked(30, exclude=exclude))


def test_the_largest_bound_has_all_but_the_floor():
    """x'A⁻¹b + α sqrt(x'A⁻¹x), whose parts `test_posterior` checks against ridge regression."""
    policy, requests = taught(UCB), asked(40)
    mean, deviation = policy.belief(requests)
    best = (mean + 2.0 * deviation).argmax(axis=1)
    made = policy.probabilities(requests)
    probs = made.probs.reshape(40, TITLES)
    np.testing.assert_allclose(probs, 0.02 / TITLES + 0.98 * np.eye(TITLES)[best])
    assert (best != mean.argmax(axis=1)).any(), "optimism changed nothing"


def test_equals_share_and_are_drawn_as_often_as_logged():
    """Of three equals each is drawn as often; a chi-square test that errs once in a thousand seeds, seed fixed."""
    few = asked(2, candidates=Ragged.of([[1, 5, 7]] * 2)).take(np.zeros(6_000, np.int64))
    independent = IndependentArms("ucb", make_catalog(TITLES), IndependentConfig(GaussianBelief(), 1.0))
    made = independent.decide(few, np.random.default_rng(3))
    np.testing.assert_allclose(made.choices.log_probs, np.log(1 / 3))
    assert stats.chisquare(np.bincount(made.titles)[[1, 5, 7]]).pvalue > 0.001


def test_titles_of_which_nothing_is_known_share():
    """Titles that the vectors do not know are all alike: each of forty has a fortieth."""
    policy = arms(ArmsConfig(sampling=False, optimism=1.0, floor=0.02), titles=TITLES + 40)
    new = asked(1, candidates=Ragged.of([list(range(TITLES, TITLES + 40))]))
    np.testing.assert_allclose(policy.probabilities(new).probs, 1 / 40)
    made = policy.decide(new.take(np.zeros(4_000, np.int64)), np.random.default_rng(1))
    assert stats.chisquare(np.bincount(made.titles - TITLES, minlength=40)).pvalue > 0.001
    greedy = arms(ArmsConfig(sampling=False), titles=TITLES + 40)
    assert greedy.probabilities(new).probs.max() == pytest.approx(0.99 + 0.01 / 40), "greedy takes the first of equals"


@pytest.mark.parametrize("config", [ArmsConfig, PosteriorArmsConfig])
def test_optimism_stands_alone(config):
    for wrong in ({"optimism": 1.0}, {"optimism": -1.0, "sampling": False}, {"optimism": float("nan")}):
        with pytest.raises(BadRequest, match="optimism"):
            config(**wrong)

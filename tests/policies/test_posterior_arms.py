"""Logistic and disjoint models against their definitions, and as arms: conformance, and that they find what is best."""

from __future__ import annotations

import numpy as np
import pytest
from arm_worlds import TITLES, Points, asked
from scipy.optimize import minimize
from scipy.stats import norm

from matinee.errors import BadRequest, NotFound
from matinee.policies.disjoint import Disjoint, DisjointPrior
from matinee.policies.features import Features
from matinee.policies.logistic import Logistic, LogisticPrior
from matinee.policies.posterior_arms import PosteriorArms, PosteriorArmsConfig, Rewarded
from matinee.testing import check_policy, make_catalog

CATALOG = make_catalog(TITLES)
FEATURES = Features.of(Points(), TITLES, 3)
KNOWLEDGE = [Logistic.nothing(TITLES, 4, 4), Disjoint.nothing(TITLES, 4)]


def told(n: int = 80, seed: int = 0) -> Rewarded:
    rng = np.random.default_rng(seed)
    members = np.hstack([np.ones((n, 1)), rng.normal(size=(n, 3))])
    return Rewarded(members, rng.integers(TITLES - 1, size=n).astype(np.int32), (rng.random(n) < 0.3).astype(float))


def arms(knowledge, config: PosteriorArmsConfig = PosteriorArmsConfig()) -> PosteriorArms:
    return PosteriorArms("arms", CATALOG, FEATURES, knowledge, config)


def taught(policy: PosteriorArms, batches: int, seed: int = 0) -> PosteriorArms:
    """Title 3 is worth .7, others .1; a third is never looked at."""
    rng = np.random.default_rng(seed)
    for _ in range(batches):
        made = policy.decide(asked(100), rng)
        rewards = (rng.random(100) < np.where(made.titles == 3, 0.7, 0.1)).astype(float)
        policy.learn(made, np.where(rng.random(100) < 1 / 3, np.nan, rewards))
    return policy


def misled(rewards: np.ndarray) -> None:
    policy = arms(KNOWLEDGE[0])
    policy.learn(policy.decide(asked(2), np.random.default_rng(0)), rewards)


def designed(some: Rewarded) -> np.ndarray:
    """x of each reward: u ⊗ v of its title, and which title it is."""
    pairs = np.einsum("ni,nj->nij", some.members, FEATURES.titles[some.items]).reshape(len(some.items), -1)
    return np.hstack([pairs, np.eye(TITLES)[some.items]])


def test_the_logistic_model_is_the_minimum_batch_after_batch():
    """Two batches, each against a general minimiser of the same objective."""
    found = KNOWLEDGE[0]
    mean, precision = np.zeros(16 + TITLES), np.full(16 + TITLES, 4.0)
    logit = np.log(0.1 / 0.9)
    for seed in range(2):
        some, start = told(seed=seed), mean
        x = designed(some)

        def objective(w, x=x, some=some, start=start, precision=precision):
            s = logit + x @ w
            slope = precision * (w - start) + x.T @ (1 / (1 + np.exp(-s)) - some.rewards)
            return 0.5 * precision @ (w - start) ** 2 + np.sum(np.logaddexp(0, s) - some.rewards * s), slope

        mean = minimize(objective, start, jac=True, options={"gtol": 1e-9}).x
        chance = 1 / (1 + np.exp(-(logit + x @ mean)))
        precision = precision + (x**2).T @ (chance * (1 - chance))
        found = found.after(some, FEATURES.titles)
    np.testing.assert_allclose(np.append(found.weights, found.own), mean, atol=1e-6)
    np.testing.assert_allclose(np.append(found.precisions, found.own_precisions), precision, rtol=1e-6)
    means, deviations = found.beliefs(FEATURES.titles).of(some.members[:1])
    x = designed(Rewarded(np.repeat(some.members[:1], TITLES, axis=0), np.arange(TITLES), np.zeros(TITLES)))
    np.testing.assert_allclose(means[0], logit + x @ mean, atol=1e-6)
    np.testing.assert_allclose(deviations[0] ** 2, x**2 @ (1 / precision), rtol=1e-6)


def test_the_disjoint_model_is_ridge_regression_title_by_title():
    prior = DisjointPrior(0.2, 0.5, 0.4)
    some = told()
    found = Disjoint.nothing(TITLES, 4, prior).after(some, FEATURES.titles)
    means, deviations = found.beliefs(FEATURES.titles).of(some.members[:1])
    for item in range(TITLES):
        u, r = some.members[some.items == item], some.rewards[some.items == item]
        precision = np.eye(4) / 0.5**2 + u.T @ u / 0.4**2
        weights = np.linalg.solve(precision, u.T @ (r - 0.2) / 0.4**2)
        assert means[0, item] == pytest.approx(0.2 + some.members[0] @ weights)
        variance = some.members[0] @ np.linalg.solve(precision, some.members[0])
        assert deviations[0, item] == pytest.approx(np.sqrt(variance))


def test_the_reward_of_a_normal_logit_has_the_moments_of_its_definition():
    """Against a sum over 100,001 quantiles."""
    mean, deviation = KNOWLEDGE[0].rewards(np.array([-2.0, 0.5]), np.array([1.5, 0.3]))
    at = norm.ppf((np.arange(100_001) + 0.5) / 100_001)
    for k, (m, s) in enumerate([(-2.0, 1.5), (0.5, 0.3)]):
        chances = 1 / (1 + np.exp(-(m + s * at)))
        assert mean[k] == pytest.approx(chances.mean(), abs=1e-5)
        assert deviation[k] == pytest.approx(chances.std(), abs=1e-4)


@pytest.mark.parametrize("knowledge", KNOWLEDGE)
def test_conformance(knowledge):
    check_policy(lambda: taught(arms(knowledge), 2), CATALOG, asked(30))


@pytest.mark.parametrize("knowledge", KNOWLEDGE)
def test_the_best_title_is_found_and_greedy_takes_it_alone(knowledge):
    policy = taught(arms(knowledge), 12)
    assert policy.decide(asked(300), np.random.default_rng(0)).titles.tolist().count(3) > 240
    mean, deviation = policy.belief(asked(1))
    assert abs(mean[0, 3] - 0.7) < 4 * deviation[0, 3] < 0.4
    greedy = arms(policy.knowledge, PosteriorArmsConfig(sampling=False))
    assert greedy.probabilities(asked(1)).probs[3] == pytest.approx(0.99 + 0.01 / TITLES)
    with pytest.raises(NotFound):
        policy.at(99)


def test_a_title_that_enters_has_what_the_others_taught():
    known = taught(arms(KNOWLEDGE[0]), 3).knowledge
    more = np.vstack([FEATURES.titles, FEATURES.titles[3]])
    means, deviations = known.grown(TITLES + 1).beliefs(more).of(np.array([[1.0, 0.0, 0.0, 0.0]]))
    assert deviations[0, TITLES] > deviations[0, 3]
    assert means[0, TITLES] == pytest.approx(means[0, 3] - known.own[3])


@pytest.mark.parametrize(
    "make",
    [
        lambda: LogisticPrior(base_rate=0.0),
        lambda: LogisticPrior(deviation=0.0),
        lambda: DisjointPrior(noise=0.0),
        lambda: PosteriorArmsConfig(floor=0.0),
        lambda: arms(KNOWLEDGE[0]).learn(
            arms(KNOWLEDGE[0]).decide(asked(2), np.random.default_rng(0)), np.full(2, 2.0)
        ),
        lambda: arms(KNOWLEDGE[0]).learn(arms(KNOWLEDGE[0]).decide(asked(2), np.random.default_rng(0)), np.ones(3)),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(BadRequest):
        make()

"""Adaptively weighted means: by hand, against the sample means that a learner makes too low, and the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from matinee.maths.adaptive_means import ScoreSums, floored
from matinee.maths.best_of_normals import probabilities_of_best, probability_of_best
from matinee.policies.adaptive import DatsConfig, Known
from matinee.policies.independent import GaussianBelief, IndependentConfig, Told
from matinee.simulate.arms import ArmDomain, OfMeans, OfScores, course

THOMPSON = IndependentConfig(GaussianBelief(0.0, 1.0, 1.0), floor=0.2)  # each of ten arms at .02 at least


def told(probs, guesses, chosen, rewards, weights):
    """Scores of single decisions, one after the other."""
    sums = ScoreSums.nothing((3,))
    for p, m, a, r, h in zip(probs, guesses, chosen, rewards, weights, strict=True):
        error = np.zeros(3)
        error[a] = (r - m[a]) / p[a]
        sums = sums.after(h, m, 1.0, error, error**2)
    return sums


def test_means_and_deviations_by_their_definition():
    rng = np.random.default_rng(0)
    probs, guesses = rng.dirichlet(np.ones(3), 40), rng.random((40, 3))
    chosen, rewards = rng.integers(3, size=40), rng.random(40)
    weights = np.sqrt(probs)
    scores = guesses + (chosen[:, None] == np.arange(3)) * (rewards[:, None] - guesses) / probs
    mean = np.sum(weights * scores, axis=0) / weights.sum(axis=0)
    deviation = np.sqrt(np.sum(weights**2 * (scores - mean) ** 2, axis=0)) / weights.sum(axis=0)
    found = told(probs, guesses, chosen, rewards, weights).estimates()
    np.testing.assert_allclose(found[0], mean)
    np.testing.assert_allclose(found[1], deviation)


def test_under_a_uniform_policy_the_weights_do_not_matter():
    """h is constant, so root and even weights give the same; with a constant guess of 0 that is Σ 3 r / n."""
    config, even = DatsConfig(base_rate=0.0), DatsConfig(base_rate=0.0, even=True)
    counts, rewards = np.array([4.0, 2.0, 6.0]), np.array([2.0, 2.0, 1.0])
    start, probs = Known.nothing(3), np.full(3, 1 / 3)
    by_root, by_one = (one.after(start, start, probs, counts, rewards, rewards).sums for one in (config, even))
    np.testing.assert_allclose(by_root.estimates(), by_one.estimates())
    np.testing.assert_allclose(by_one.estimates()[0], 3 * rewards / 12)
    np.testing.assert_allclose(by_root.h, by_one.h / np.sqrt(3))


@dataclass(frozen=True)
class Watched:
    """Thompson sampling, its decisions scored with even weights."""

    def nothing(self, shape):
        return Told(np.zeros(shape), np.zeros(shape)), Known.nothing(*shape)

    def probabilities(self, known, allowed):
        return THOMPSON.probabilities(known[0], allowed)

    def after(self, known, batch):
        told, scored = known
        score = DatsConfig(even=True, base_rate=0.0).after(scored, scored, *batch)
        return Told(told.counts + batch.counts, told.sums + batch.rewards), score


def test_scores_have_no_bias_where_sample_means_have():
    """2,000 learners of ten arms, one of them better by 1: no arm's mean is off by 3 standard errors, of ten arms once
    in 40 seeds; the sample mean of a bad one is low by far more. Seed fixed.
    """
    means = np.r_[np.zeros(9), 1.0]
    found = course(ArmDomain(means), Watched(), 100, 2_000, np.random.default_rng(0), each=5)
    estimates, _ = found.known[1].sums.estimates()
    samples = found.sums / np.maximum(found.counts, 1)
    bias, low = ((one - means).mean(axis=0) / (one.std(axis=0) / np.sqrt(2_000)) for one in (estimates, samples))
    assert (np.abs(bias) < 3).all()
    assert low[0] < -10


def test_regret_grows_slower_than_decisions():
    """R(T) / R(T / 4) of DATS over 20 learners: 4 where nothing is learned, far below 3 here."""
    rule = OfScores(DatsConfig(base_rate=0.0, noise=1.0))
    regret = course(ArmDomain(np.array([0.0, 0.0, 1.0])), rule, 800, 20, np.random.default_rng(0)).regret.mean(axis=0)
    assert regret[-1] / regret[199] < 3


def test_batches_cost_little_and_what_is_forgotten_follows_a_change():
    belief = IndependentConfig(GaussianBelief(0.0, 1.0, 1.0), floor=0.01)
    domain, rng = ArmDomain(np.array([[0.0, 1.0], [1.0, 0.0]])), np.random.default_rng(0)
    rules = (OfMeans(belief), OfMeans(belief, fades=0.95), OfMeans(belief, window=30))
    kept, faded, windowed = (course(domain, rule, 1_000, 40, rng, each=5).regret[:, -1].mean() for rule in rules)
    assert max(faded, windowed) < 0.5 * kept
    still = ArmDomain(np.array([0.0, 1.0]))
    single, batched = (course(still, rules[0], 1_000, 40, rng, each).regret[:, -1].mean() for each in (1, 100))
    assert batched < 100 / 2 + 2 * single


def test_the_floor_keeps_order_and_sum():
    rng = np.random.default_rng(1)
    probs, allowed = rng.dirichlet(np.full(6, 0.1), 200), np.ones((200, 6), np.bool_)
    allowed[:50, 2] = False
    probs[:50, 2] = 0.0
    probs /= probs.sum(axis=1, keepdims=True)
    for least in (0.0, 0.01, 1 / 6):
        found = floored(probs, np.full(200, least), allowed)
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        assert (found[allowed] >= least - 1e-12).all()
        assert (found[~allowed] == 0).all()
        order = np.take_along_axis(found, probs.argsort(axis=1), axis=1)
        assert (np.diff(order[50:], axis=1) >= -1e-12).all()
    some = floored(np.array([0.9, 0.1, 0.0]), 0.05, np.ones(3, np.bool_))
    np.testing.assert_allclose(some, [0.05 + 0.85 * 0.85 / 0.9, 0.05 + 0.05 * 0.85 / 0.9, 0.05])


def test_rows_of_normals_are_answered_as_each_alone():
    rng = np.random.default_rng(2)
    means, deviations, allowed = rng.normal(size=(20, 7)), rng.uniform(0.1, 1, (20, 7)), rng.random((20, 7)) < 0.7
    allowed[3] = False
    found = probabilities_of_best(means, deviations, allowed)
    for row in range(20):
        mask = allowed[row]
        assert (found[row][~mask] == 0).all()
        assert found[row][mask] == pytest.approx(probability_of_best(means[row][mask], deviations[row][mask]))

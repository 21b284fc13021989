"""Where a new title begins: what like titles earned, against the joint normal distribution written out."""

from __future__ import annotations

import numpy as np
import pytest
from arm_worlds import TITLES, Points, asked
from scipy.stats import multivariate_normal

from matinee.errors import BadRequest
from matinee.policies import alike
from matinee.policies.alike import told_by_alike, with_alike
from matinee.policies.disjoint import Disjoint, DisjointPrior
from matinee.policies.features import Features
from matinee.policies.independent import BetaBelief, GaussianBelief, IndependentArms, IndependentConfig, Told
from matinee.policies.posterior_arms import PosteriorArms, Rewarded
from matinee.testing import check_policy, make_catalog

SIZE, WIDTH, N = 2, 3, 7
DEVIATION, NOISE = 0.4, 0.5


def told(seed: int = 0):
    """Features of titles, members, titles shown (the last two never) and rewards."""
    rng = np.random.default_rng(seed)
    features, weights = rng.normal(size=(N, WIDTH)), rng.normal(size=(SIZE, WIDTH))
    members = np.hstack([np.ones((60, 1)), rng.normal(size=(60, SIZE - 1))])
    shown = rng.integers(N - 2, size=60)
    mean = np.einsum("ni,ij,nj->n", members, weights, features[shown])
    return features, members, shown, mean + NOISE * rng.normal(size=60)


def alone(members, shown, rewards):
    """Means and covariances of each title's weights by its own rewards."""
    means, covariances = np.zeros((N, SIZE)), np.zeros((N, SIZE, SIZE))
    for item in range(N):
        u, r = members[shown == item], rewards[shown == item]
        covariances[item] = np.linalg.inv(np.eye(SIZE) / DEVIATION**2 + u.T @ u / NOISE**2)
        means[item] = covariances[item] @ u.T @ r / NOISE**2
    return means, covariances


def jointly(features, members, shown, rewards, likeness):
    """Mean and covariance of all weights, and log P(rewards), by the joint normal distribution."""
    prior = np.kron(likeness**2 * features @ features.T + DEVIATION**2 * np.eye(N), np.eye(SIZE))
    design = (np.eye(N)[shown][:, :, None] * members[:, None, :]).reshape(len(shown), -1)
    of_rewards = design @ prior @ design.T + NOISE**2 * np.eye(len(shown))
    gain = np.linalg.solve(of_rewards, design @ prior).T
    evidence = multivariate_normal(cov=of_rewards).logpdf(rewards)
    return (gain @ rewards).reshape(N, SIZE), prior - gain @ design @ prior, evidence


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_all_titles_are_believed_as_the_joint_distribution_says(share, monkeypatch):
    monkeypatch.setattr(alike, "SHARES", (share,))
    features, *rewards = told()
    means, covariances = with_alike(features, *alone(*rewards), DEVIATION)
    mean, covariance, _ = jointly(features, *rewards, share * DEVIATION)
    np.testing.assert_allclose(means, mean, atol=1e-9)
    blocks = covariance.reshape(N, SIZE, N, SIZE)[np.arange(N), :, np.arange(N), :]
    np.testing.assert_allclose(covariances, blocks, atol=1e-9)


def test_likeness_goes_as_far_as_rewards_say():
    """The share of the largest probability of the rewards; 0 where features have nothing to do with them."""
    features, *rewards = told()
    likely = [jointly(features, *rewards, share * DEVIATION)[2] for share in alike.SHARES]
    found = told_by_alike(features, *alone(*rewards), DEVIATION)
    assert found.likeness == pytest.approx(alike.SHARES[int(np.argmax(likely))] * DEVIATION)
    assert found.likeness > 0
    members, shown, _ = rewards
    noise = alone(members, shown, NOISE * np.random.default_rng(1).normal(size=60))
    assert told_by_alike(features, *noise, DEVIATION).likeness == 0.0


def test_what_says_nothing_begins_at_the_base_rate_and_doubts_stay():
    features, *rewards = told()
    features[-1] = 0.0
    own, covariances = alone(*rewards)
    means, found = with_alike(features, own, covariances, DEVIATION)
    assert means[-1].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(found[-1], DEVIATION**2 * np.eye(SIZE))
    assert (np.linalg.eigvalsh(found[-2]) >= DEVIATION**2 - 1e-12).all(), "a new title is as doubtful as any other"
    assert np.abs(means[-2]).max() > 0.1


POINTS = Features.of(Points(), TITLES, 3)


def taught_disjoint(alike_too: bool) -> PosteriorArms:
    """All but the last two titles are worth .1 and what the first direction adds."""
    rng, knowledge = np.random.default_rng(0), Disjoint.nothing(TITLES, 4, DisjointPrior(alike=alike_too))
    members = np.hstack([np.ones((900, 1)), np.zeros((900, 3))])
    items = rng.integers(TITLES - 2, size=900).astype(np.int32)
    rewards = np.clip(0.1 + 0.15 * POINTS.titles[items, 1] + 0.05 * rng.normal(size=900), 0, 1)
    return PosteriorArms(
        "arms", make_catalog(TITLES), POINTS, knowledge.after(Rewarded(members, items, rewards), POINTS.titles)
    )


def test_a_title_a_model_begins_where_like_titles_are():
    plain, likened = (taught_disjoint(one).belief(asked(1)) for one in (False, True))
    expected = 0.1 + 0.15 * POINTS.titles[-2:, 1]
    assert plain[0][0, -2:].tolist() == [0.1, 0.1]
    assert np.abs(likened[0][0, -2:] - expected).max() < np.abs(0.1 - expected).max() / 2
    assert (likened[1][0, -2:] >= plain[1][0, -2:] - 1e-12).all()
    np.testing.assert_allclose(likened[0][0, :-2], plain[0][0, :-2], atol=0.02)
    check_policy(lambda: taught_disjoint(True), make_catalog(TITLES), asked(20))


@pytest.mark.parametrize("belief", [GaussianBelief(0.1, 0.1, 0.3), BetaBelief(1.0, 9.0)])
def test_independent_arms_begin_where_like_titles_are(belief):
    """Of ten titles half are worth .4, told apart by a feature, 300 looks each; of two new ones each is like one half;
    a third has no features and the base rate. The heavier the prior, the less of it likeness may overrule.
    """
    good = np.arange(TITLES + 1) % 2
    counts = np.where(np.arange(TITLES + 1) < 10, 300.0, 0.0)
    features = np.where(np.arange(TITLES + 1) < TITLES, 2.0 * good - 1.0, 0.0)[:, None]
    learned = Told(counts, counts * np.where(good, 0.4, 0.05))
    config = IndependentConfig(belief)
    arms = IndependentArms("arms", make_catalog(TITLES + 1), config, learned, features=features)
    mean, deviation = arms.belief(asked(1))
    assert mean[0, 10] < 0.1 < 0.2 < mean[0, 11]
    assert mean[0, 12] == pytest.approx(0.1)
    plain = IndependentArms("arms", make_catalog(TITLES + 1), config, learned).belief(asked(1))
    assert (deviation[0, 11] >= plain[1][0, 11] - 1e-12).all()
    np.testing.assert_allclose(mean[0, :10], plain[0][0, :10], atol=0.02)
    check_policy(
        lambda: IndependentArms("arms", make_catalog(TITLES + 1), config, learned, features=features),
        make_catalog(TITLES + 1), asked(20),
    )  # fmt: skip
    with pytest.raises(BadRequest, match="a row each"):
        IndependentArms("arms", make_catalog(TITLES), features=features)


def test_the_normal_belief_of_a_beta_weighs_rewards_alike():
    beta = BetaBelief(2.0, 8.0)
    told_of = Told(np.array([0.0, 30.0]), np.array([0.0, 9.0]))
    np.testing.assert_allclose(beta.normal.moments(told_of)[0], beta.moments(told_of)[0])
    assert beta.normal.moments(told_of)[1][0] == pytest.approx(beta.moments(told_of)[1][0])
    begun = beta.begun(told_of, np.array([0.1, -5.0]))
    np.testing.assert_allclose(beta.moments(begun)[0], [0.3, (2 + 9 - 10 * 0.9 * 0.2) / 40])

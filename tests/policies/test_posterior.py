"""The linear posterior against ridge regression written out, one column a weight and one a title."""

from __future__ import annotations

import json

import numpy as np
import pytest

from matinee.errors import ArtifactRefused, BadRequest
from matinee.events import DAY
from matinee.policies.posterior import Posterior, Prior, most_moved

TITLES, SIZE, WIDTH = 5, 3, 2
PRIOR = Prior(base_rate=0.2, deviation=0.3, title_deviation=0.15, noise=0.4)


def told(n: int = 60, seed: int = 0):
    """Members, titles (the last never shown), rewards, times; and features of the titles."""
    rng = np.random.default_rng(seed)
    members = np.hstack([np.ones((n, 1)), rng.normal(size=(n, SIZE - 1))])
    titles = np.hstack([np.ones((TITLES, 1)), rng.normal(size=(TITLES, WIDTH - 1))])
    shown = rng.integers(TITLES - 1, size=n).astype(np.int32)
    return (members, shown, rng.random(n), np.sort(rng.integers(0, 30, n)) * DAY), titles


def ridge(members, shown, rewards, weights, titles, prior):
    """Mean and covariance of [W, e] by the normal equations, lambda I the precision of the prior."""
    design = np.hstack([np.einsum("ni,nj->nij", members, titles[shown]).reshape(len(shown), -1), np.eye(TITLES)[shown]])
    penalty = np.r_[np.full(SIZE * WIDTH, prior.deviation**-2), np.full(TITLES, prior.title_deviation**-2)]
    precision = (design.T * weights) @ design / prior.noise**2 + np.diag(penalty)
    mean = np.linalg.solve(precision, (design.T * weights) @ (rewards - prior.base_rate) / prior.noise**2)
    return mean, np.linalg.inv(precision)


def of_every_title(member, titles):
    return np.hstack([np.einsum("i,tj->tij", member, titles).reshape(TITLES, -1), np.eye(TITLES)])


def test_beliefs_are_those_of_ridge_regression():
    rewards, titles = told()
    weights, covariance = ridge(*rewards[:3], np.ones(60), titles, PRIOR)
    found = Posterior.nothing(TITLES, SIZE).after(*rewards, PRIOR).beliefs(titles, PRIOR)
    means, deviations = found.of(rewards[0][:4])
    for b in range(4):
        design = of_every_title(rewards[0][b], titles)
        np.testing.assert_allclose(means[b], PRIOR.base_rate + design @ weights, atol=1e-10)
        np.testing.assert_allclose(deviations[b] ** 2, np.sum((design @ covariance) * design, axis=1), rtol=1e-9)


def test_before_any_reward_every_title_has_the_base_rate_and_what_the_prior_leaves_open():
    (members, *_), titles = told()
    means, deviations = Posterior.nothing(TITLES, SIZE).beliefs(titles, PRIOR).of(members[:3])
    lengths = np.sum(members[:3] ** 2, axis=1)[:, None] * np.sum(titles**2, axis=1)
    np.testing.assert_allclose(means, 0.2)
    np.testing.assert_allclose(deviations**2, 0.3**2 * lengths + 0.15**2)


def test_without_effects_of_titles_only_what_titles_share_is_learned():
    rewards, titles = told()
    prior = Prior(0.2, 0.3, 0.0, 0.4)
    found = Posterior.nothing(TITLES, SIZE).after(*rewards, prior).beliefs(titles, prior)
    nearly, _ = ridge(*rewards[:3], np.ones(60), titles, Prior(0.2, 0.3, 1e-6, 0.4))
    expected = 0.2 + of_every_title(rewards[0][0], titles)[:, : SIZE * WIDTH] @ nearly[: SIZE * WIDTH]
    np.testing.assert_allclose(found.of(rewards[0][:1])[0][0], expected, atol=1e-6)


@pytest.mark.parametrize("half_life", [None, 5.0])
def test_late_rewards_commute_and_old_ones_count_less(half_life):
    (members, shown, rewards, times), titles = told()
    prior = Prior(0.2, 0.3, 0.15, 0.4, half_life)
    late, early = np.arange(60) % 3 == 0, np.arange(60) % 3 > 0
    start = Posterior.nothing(TITLES, SIZE)
    parts = [tuple(one[at] for one in (members, shown, rewards, times)) for at in (early, late)]
    one = start.after(*parts[0], prior).after(*parts[1], prior)
    other = start.after(*parts[1], prior).after(*parts[0], prior)
    np.testing.assert_allclose(one.products, other.products, rtol=1e-12)
    np.testing.assert_allclose(one.rewards, other.rewards, rtol=1e-12)
    assert one.version == other.version == 2
    counts = 1.0 if half_life is None else 0.5 ** ((times.max() - times) / DAY / half_life)
    weights, _ = ridge(members, shown, rewards, np.broadcast_to(counts, 60), titles, prior)
    means, _ = one.beliefs(titles, prior).of(members[:1])
    np.testing.assert_allclose(means[0], 0.2 + of_every_title(members[0], titles) @ weights, atol=1e-10)


def test_a_catalogue_that_grows_keeps_what_was_learned():
    rewards, titles = told()
    learned = Posterior.nothing(TITLES, SIZE).after(*rewards, PRIOR)
    more = np.vstack([titles, [1.0, 0.0]])
    before, after = learned.beliefs(titles, PRIOR), learned.grown(TITLES + 1).beliefs(more, PRIOR)
    np.testing.assert_allclose(after.means[:, :TITLES], before.means)
    np.testing.assert_allclose(after.variances[:, :TITLES], before.variances)
    _, deviations = after.of(np.array([[1.0, 0.0, 0.0]]))
    assert deviations[0, TITLES] > deviations[0, :4].max()


def test_what_is_stored_comes_back_and_anything_else_is_refused(tmp_path):
    rewards, _ = told()
    learned = Posterior.nothing(TITLES, SIZE).after(*rewards, PRIOR)
    learned.save(tmp_path, PRIOR)
    back = Posterior.load(tmp_path, PRIOR)
    assert (back.products == learned.products).all()
    assert (back.rewards == learned.rewards).all()
    assert (back.version, back.as_of) == (1, learned.as_of)
    with pytest.raises(ArtifactRefused, match="the prior it had"):
        Posterior.load(tmp_path, Prior())
    about = json.loads((tmp_path / "posterior.json").read_text())
    (tmp_path / "posterior.json").write_text(json.dumps({**about, "prior": {"nonsense": 1}}))
    with pytest.raises(ArtifactRefused, match="no posterior"):
        Posterior.load(tmp_path, PRIOR)
    np.save(tmp_path / "rewards.npy", np.full((TITLES, SIZE), np.nan))
    with pytest.raises(ArtifactRefused, match="not finite"):
        Posterior.load(tmp_path, PRIOR)


@pytest.mark.parametrize(
    "wrong", [{"noise": 0.0}, {"deviation": -1.0}, {"title_deviation": -1.0}, {"half_life_days": 0}]
)
def test_a_prior_that_says_nothing_is_refused(wrong):
    with pytest.raises(BadRequest):
        Prior(**wrong)


@pytest.mark.parametrize("weight", [0.1, 3.0, 1_000.0])
def test_an_attack_moves_no_mean_further_than_proved(weight):
    """Rewards of 1 for one title, from one member, that count `weight` in all, on top of sixty honest ones."""
    (members, items, rewards, times), titles = told()
    before = Posterior.nothing(TITLES, SIZE).after(members, items, rewards, times, PRIOR)
    means, deviations = before.beliefs(titles, PRIOR).of(members)
    n, who, title = 50, members[7], 2
    attack = np.tile(who, (n, 1)), np.full(n, title, np.int32), np.ones(n), np.full(n, times[-1])
    after = before.after(*attack, PRIOR, counts=np.full(n, weight / n))
    moved = np.abs(after.beliefs(titles, PRIOR).of(members)[0] - means)
    surprise = abs(1.0 - means[7, title])
    bound = most_moved(weight, deviations, PRIOR.noise, surprise)
    assert (moved <= bound + 1e-12).all()
    exact = deviations[7, title] ** 2 * weight / (deviations[7, title] ** 2 * weight + PRIOR.noise**2) * surprise
    np.testing.assert_allclose(moved[7, title], exact, rtol=1e-9)


def test_counting_twice_is_learning_twice():
    rewards, _ = told()
    nothing = Posterior.nothing(TITLES, SIZE)
    twice = nothing.after(*(np.concatenate([one, one]) for one in rewards), PRIOR)
    counted = nothing.after(*rewards, PRIOR, counts=np.full(60, 2.0))
    np.testing.assert_allclose(counted.products, twice.products)
    np.testing.assert_allclose(counted.rewards, twice.rewards)


def test_doubt_about_features_is_doubt_about_the_title_until_it_is_shown():
    """A deviation of its own of sqrt(.15² + 2 doubt .3²): the same as in a ridge regression with that prior."""
    (members, shown, *rest), titles = told()
    doubts = np.where(np.arange(TITLES) == 4, 0.5, 0.0)
    found = Posterior.nothing(TITLES, SIZE).after(members, shown, *rest, PRIOR)
    sure, doubtful = (found.beliefs(titles, PRIOR, one).of(members[:2]) for one in (0.0, doubts))
    np.testing.assert_allclose(doubtful[0], sure[0])
    np.testing.assert_allclose(doubtful[1][:, :4], sure[1][:, :4])
    np.testing.assert_allclose(doubtful[1][:, 4] ** 2, sure[1][:, 4] ** 2 + 2 * 0.5 * 0.3**2)
    every = found.beliefs(titles, PRIOR, 0.5).of(members[:2])
    wide = Prior(0.2, 0.3, np.sqrt(0.15**2 + 2 * 0.5 * 0.3**2), 0.4)
    np.testing.assert_allclose(every, found.beliefs(titles, wide).of(members[:2]))

"""DATS as a policy: conformance, late rewards, replay, what it refuses, and that it finds the best title."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arm_worlds import TITLES, arms, asked

from matinee.errors import BadRequest, NotFound
from matinee.maths.ragged import Ragged
from matinee.policies.adaptive import DatsConfig
from matinee.policies.dats import Dats
from matinee.policies.drawing import balanced
from matinee.policies.uniform import Uniform
from matinee.testing import check_policy, make_catalog

CATALOG = make_catalog(TITLES)
CONFIGS = [DatsConfig(), DatsConfig(even=True), DatsConfig(horizon=5_000), DatsConfig(horizon=500, drops=True)]


def dats(config: DatsConfig = CONFIGS[0]) -> Dats:
    return Dats("dats", CATALOG, config)


def taught(policy: Dats, batches: int = 20, seed: int = 0) -> Dats:
    """Title 7 is worth .6, the others .1; a fifth is never looked at."""
    rng = np.random.default_rng(seed)
    for _ in range(batches):
        made = policy.decide(asked(100), rng)
        rewards = (rng.random(100) < np.where(made.titles == 7, 0.6, 0.1)).astype(float)
        policy.learn(made, np.where(rng.random(100) < 0.2, np.nan, rewards))
    return policy


@pytest.mark.parametrize("config", CONFIGS)
def test_conformance(config):
    exclude = Ragged.of([[k % TITLES] for k in range(30)])
    check_policy(lambda: taught(dats(config), 4), CATALOG, asked(30))
    check_policy(lambda: taught(dats(config), 4), CATALOG, asked(30, exclude=exclude))


@pytest.mark.parametrize("config", CONFIGS)
def test_the_best_title_is_found(config):
    policy = taught(dats(config))
    assert policy.decide(asked(300), np.random.default_rng(0)).titles.tolist().count(7) > 150
    means, deviations = policy.belief(asked(1))
    assert abs(means[0, 7] - 0.6) < 4 * deviations[0, 7] < 0.4


def test_late_rewards_commute():
    """The first batch's rewards come last, and by halves: sums are the same but for rounding."""
    one, other = dats(), dats()
    rng = np.random.default_rng(1)
    batches = [one.decide(asked(60), rng) for _ in range(2)]
    rewards = [rng.random(60) for _ in range(2)]
    half = np.arange(60) % 2 == 0
    for made, reward in zip(batches, rewards, strict=True):
        one.learn(made, reward)
    for made, reward in (
        (batches[1], rewards[1]),
        *((batches[0], np.where(at, rewards[0], np.nan)) for at in (half, ~half)),
    ):
        other.learn(made, reward)
    for left, right in zip((*one._known[:2], *one._known.sums), (*other._known[:2], *other._known.sums), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12)


def test_a_late_reward_counts_with_the_guess_and_the_probability_of_its_decision():
    """A reward of version 0 that comes after others: m and π are those of then, 0.1 and 1 / 12."""
    policy = dats(replace(CONFIGS[0], even=True))
    rng = np.random.default_rng(2)
    late = policy.decide(asked(1), rng)
    before = taught(policy, 3)._known
    policy.learn(late, np.ones(1))
    score = np.full(TITLES, 0.1)
    score[late.titles[0]] += 0.9 * TITLES
    np.testing.assert_allclose(policy._known.sums.hg, before.sums.hg + score)


def test_probabilities_worked_out_again_from_the_log_are_the_same_to_the_bit():
    policy = dats()
    rng, logged = np.random.default_rng(3), []
    for _ in range(6):
        made = policy.decide(asked(40), rng)
        rewards = rng.random(40)
        logged.append((made, rewards, policy.probabilities(made.requests).probs))
        policy.learn(made, rewards)
    again = dats()
    for made, rewards, probs in logged:
        assert (again.probabilities(made.requests).probs == probs).all()
        assert (policy.at(made.makers[0].posterior).log_prob(made) == made.choices.log_probs).all()
        again.learn(made, rewards)


def test_a_dropped_title_is_shown_no_more_unless_there_is_no_other():
    policy = taught(dats(CONFIGS[3]), 40)
    dropped = np.flatnonzero(policy._known.doubts == 2)
    assert len(dropped) >= TITLES // 2
    assert 7 not in dropped
    assert set(policy.probabilities(asked(1)).candidates.values) == set(range(TITLES)) - set(dropped)
    only = asked(1, candidates=Ragged.of([dropped[:2].tolist()]))
    assert policy.probabilities(only).candidates.values.tolist() == dropped[:2].tolist()


def test_what_it_cannot_learn_from_is_refused():
    policy = dats()
    made = policy.decide(asked(5), np.random.default_rng(0))
    with pytest.raises(BadRequest, match="not Maker"):
        policy.learn(Uniform(CATALOG).decide(asked(5), np.random.default_rng(0)), np.ones(5))
    with pytest.raises(BadRequest, match="as it was written"):
        policy.learn(replace(made, choices=replace(made.choices, log_probs=made.choices.log_probs - 0.1)), np.ones(5))
    with pytest.raises(BadRequest, match="one each"):
        policy.learn(made, np.ones(3))
    with pytest.raises(NotFound, match="replay the log"):
        policy.at(9)


@pytest.mark.parametrize("wrong", [{"noise": -1.0}, {"least": 0}, {"horizon": 0}, {"drops": True}])
def test_bad_settings_are_refused(wrong):
    with pytest.raises(BadRequest):
        DatsConfig(**wrong)


def test_balanced_rewards_count_by_how_unlikely_their_choice_was():
    """Each choice counts 1 / π in the sums of the linear arms, so those of a title add up to its decisions, on average:
    one request 4,000 times, each title 4,000, within 5 standard errors: sqrt(4,000 (1 / π - 1)).
    """
    policy = arms()
    made = policy.decide(asked(2).take(np.ones(4_000, np.int64)), np.random.default_rng(0))
    weights = balanced(made, 400.0)
    np.testing.assert_allclose(weights, np.minimum(np.exp(-made.choices.log_probs), 400.0))
    error = np.sqrt(4_000 * (1 / policy.probabilities(asked(2).take(np.array([1]))).probs - 1))
    policy.learn(made, np.zeros(4_000), weights)
    assert error.max() < 800
    assert (np.abs(policy._mind.posterior.products[:, 0] - 4_000) < 5 * error).all()
    assert balanced(made, 3.0).max() == 3.0


def test_who_decides_while_it_learns_has_the_version_that_was_known():
    decided = []

    class Meanwhile(DatsConfig):
        def checked(self, known, allowed):
            decided.append(policy.decide(asked(20), np.random.default_rng(0)))
            return known

    policy = dats(Meanwhile())
    taught(policy, 2)
    for version, made in enumerate(decided):
        assert made.makers[0].posterior == version
        np.testing.assert_allclose(policy.at(version).log_prob(made), made.choices.log_probs, atol=1e-9)

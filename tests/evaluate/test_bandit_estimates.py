"""Every estimator of one bandit log, in a world whose truth is a sum; and the reward model behind them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from matinee.errors import BadData
from matinee.evaluate.additive_rewards import FOLDS, AdditiveRewards
from matinee.evaluate.bandit_estimates import SETTINGS, effective, estimates
from matinee.maths import off_policy

ROUNDS, ACTIONS, POSITIONS = 6_000, 6, 2
ALPHA = np.array([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0])
GAMMA = np.array([0.3, -0.3])
LOGGED = np.array([0.3, 0.25, 0.2, 0.1, 0.1, 0.05])


def chances(context, positions):
    """(rounds, actions) of a reward: additive in logits, so that the model can be right."""
    return expit(-1.0 + context[:, :1] + GAMMA[positions, None] + ALPHA)


def log(rounds=ROUNDS, seed=0):
    rng = np.random.default_rng(seed)
    context = rng.integers(2, size=(rounds, 1)).astype(float)
    action, position = rng.choice(ACTIONS, rounds, p=LOGGED), rng.integers(POSITIONS, size=rounds)
    chance = chances(context, position)
    reward = (rng.random(rounds) < chance[np.arange(rounds), action]).astype(float)
    feedback = {"n_rounds": rounds, "n_actions": ACTIONS, "action": action, "position": position}
    return {**feedback, "reward": reward, "pscore": LOGGED[action], "context": context}, chance


def target(rounds=ROUNDS):
    """The log's distribution from behind, at the first position; uniform at the second."""
    likely = np.stack([LOGGED[::-1], np.full(ACTIONS, 1 / ACTIONS)], axis=1)
    return np.broadcast_to(likely, (rounds, ACTIONS, POSITIONS))


def test_every_estimator_finds_the_truth_of_its_log():
    feedback, chance = log()
    found = estimates(feedback, target(), np.random.default_rng(0))
    likely = target()[np.arange(ROUNDS), :, feedback["position"]]
    truth = float((likely * chance).sum(axis=1).mean())
    assert list(found) == ["IPS", "SNIPS", "DM", "DR", "SNDR", "Switch-DR", "DRos"]
    for name, one in found.items():
        assert one.value.value == pytest.approx(truth, abs=0.04), name
        unbiased = name in ("IPS", "SNIPS", "DR", "SNDR")
        assert not unbiased or one.value.low < truth < one.value.high, name
        assert np.isnan(one.setting) == (name not in ("Switch-DR", "DRos"))
    assert {found["Switch-DR"].setting, found["DRos"].setting} <= set(SETTINGS)
    widths = {name: one.value.high - one.value.low for name, one in found.items()}
    assert widths["DR"] < widths["IPS"]
    squares = ((LOGGED[::-1] ** 2 / LOGGED).sum() + (1 / ACTIONS**2 / LOGGED).sum()) / 2
    assert effective(feedback, target()) == pytest.approx(ROUNDS / squares, rel=0.1)


def test_they_are_the_estimators_of_the_maths():
    feedback, _ = log(600, seed=1)
    found = estimates(feedback, target(600), np.random.default_rng(3))
    model = AdditiveRewards.fit(feedback, np.random.default_rng(3))
    action, at = feedback["action"], feedback["position"]
    weights = target(600)[np.arange(600), action, at] / feedback["pscore"]
    baseline = model.expected(target(600), at)
    values = off_policy.dr(weights, feedback["reward"], model.of(action), baseline)
    assert found["DR"].value.value == pytest.approx(values.mean(), abs=1e-12)
    assert found["DM"].value.value == pytest.approx(baseline.mean(), abs=1e-12)
    every = np.stack([model.of(np.full(600, k)) for k in range(ACTIONS)], axis=1)
    likely = target(600)[np.arange(600), :, at]
    np.testing.assert_allclose(baseline, (likely * every).sum(axis=1), atol=1e-12)


def test_the_model_finds_the_chances_it_was_made_for():
    """The rarest action was chosen 300 times, 200 of them in each fit: a standard error of .035 for its chance."""
    feedback, chance = log(seed=2)
    model = AdditiveRewards.fit(feedback, np.random.default_rng(0))
    for k in range(ACTIONS):
        off = model.of(np.full(ROUNDS, k)) - chance[:, k]
        assert np.abs(off).max() < 0.12, k


def test_no_round_is_judged_by_a_model_that_saw_it():
    feedback, _ = log(300, seed=3)
    model = AdditiveRewards.fit(feedback, np.random.default_rng(0))
    own = model.folds == model.folds[0]
    reward = np.where(own, 1 - feedback["reward"], feedback["reward"])
    other = AdditiveRewards.fit({**feedback, "reward": reward}, np.random.default_rng(0))
    action = feedback["action"]
    np.testing.assert_array_equal(model.of(action)[own], other.of(action)[own])
    assert (model.of(action)[~own] != other.of(action)[~own]).all()
    assert np.bincount(model.folds).tolist() == [100] * FOLDS


def test_rewards_that_are_no_chances_are_refused():
    feedback, _ = log(30)
    with pytest.raises(BadData, match=r"rewards go from 0.0 to 5.0; divide them"):
        estimates({**feedback, "reward": 5 * feedback["reward"]}, target(30), np.random.default_rng(0))


def test_context_and_position_may_be_left_out():
    feedback, _ = log(300, seed=4)
    bare = {**feedback, "context": None, "position": None}
    found = estimates(bare, target(300)[:, :, :1], np.random.default_rng(0))
    assert found["DR"].value.low < found["DR"].value.value < found["DR"].value.high

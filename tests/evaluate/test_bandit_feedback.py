"""Dictionaries of the Open Bandit Pipeline, and replay of uniform logs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.errors import BadData
from matinee.evaluate.bandit_feedback import Contexts, decisions_of, feedback_of, read_feedback, weights_and_rewards
from matinee.evaluate.replay import replay
from matinee.history import Histories
from matinee.maths import off_policy
from matinee.policies.disjoint import Disjoint, DisjointPrior
from matinee.policies.posterior_arms import PosteriorArms
from matinee.policies.uniform import Uniform
from matinee.testing import make_catalog

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "obp_estimates.json").read_text())["single"]
CATALOG = make_catalog(5)


def golden_feedback():
    case = {name: np.array(one) for name, one in GOLDEN["case"].items()}
    rounds, actions = case["logged"].shape
    pscore = case["logged"][np.arange(rounds), case["action"]]
    feedback = {"n_rounds": rounds, "n_actions": actions, "action": case["action"], "reward": case["reward"]}
    return {**feedback, "pscore": pscore, "position": None, "context": None}, case["target"][:, :, None]


def uniform_log(rounds=4_000, seed=0):
    """Titles drawn uniformly; title k earns k / 10, as a coin."""
    rng = np.random.default_rng(seed)
    requests = Requests.of_histories(Histories.empty(rounds))
    decisions = Uniform(CATALOG).decide(requests, rng)
    return decisions, (rng.random(rounds) < decisions.choices.actions / 10).astype(float)


class Always:
    """A policy of one title, told of by what it heard."""

    def __init__(self, item):
        self.item, self.heard = item, []

    def decide(self, requests, rng):
        decisions = Uniform(CATALOG).decide(requests, rng)
        chosen = np.full(len(requests), self.item, np.int32)
        return replace(decisions, choices=replace(decisions.choices, actions=chosen))

    def log_prob(self, decisions):
        return np.where(decisions.choices.actions == self.item, 0.0, -np.inf)


class Learning(Always):
    posterior = 0

    def learn(self, decisions, rewards):
        self.heard += decisions.choices.actions.tolist()

    def at(self, posterior):
        return self

    def save(self, folder):
        pass


def test_their_dictionary_gives_their_estimates():
    weights, rewards = weights_and_rewards(*golden_feedback())
    for name, values in (("ips", off_policy.ips(weights, rewards)), ("snips", off_policy.snips(weights, rewards))):
        assert values.mean() == pytest.approx(GOLDEN["values"][name], abs=1e-10)


def test_our_decisions_go_there_and_back():
    decisions, rewards = uniform_log(50)
    feedback = feedback_of(decisions, rewards)
    assert (feedback["n_rounds"], feedback["n_actions"]) == (50, 5)
    weights, back = weights_and_rewards(feedback, np.full((50, 5, 1), 0.2))
    np.testing.assert_allclose(weights, 1.0)
    np.testing.assert_array_equal(back, rewards)


def test_their_dictionary_becomes_decisions_and_comes_back_unchanged():
    feedback, _ = golden_feedback()
    feedback["position"] = np.arange(60) % 3
    decisions, rewards = decisions_of(feedback)
    back = feedback_of(decisions, rewards)
    for name in ("n_rounds", "n_actions", "action", "position", "reward"):
        np.testing.assert_array_equal(back[name], feedback[name])
    np.testing.assert_allclose(back["pscore"], feedback["pscore"], rtol=1e-12)


def test_files_of_the_open_bandit_dataset_are_read_as_the_pipeline_reads_them(tmp_path):
    """Rounds by time, positions from 0, one indicator for each value of a feature but the least."""
    (tmp_path / "all.csv").write_text(
        ",timestamp,item_id,position,click,propensity_score,user_feature_0,user_feature_1\n"
        "0,2019-11-24 00:00:02,3,3,1,0.25,b,x\n"
        "1,2019-11-24 00:00:01,0,1,0,0.5,a,x\n2,2019-11-24 00:00:03,1,2,0,0.25,c,y\n"
    )
    (tmp_path / "items.csv").write_text(
        ",item_id,item_feature_0,item_feature_1,item_feature_2,item_feature_3\n0,0,-0.5,q,p,a\n1,1,0.5,p,p,b\n"
    )
    found = read_feedback(tmp_path / "all.csv", tmp_path / "items.csv")
    assert (found["n_rounds"], found["n_actions"]) == (3, 4)
    assert found["action"].tolist() == [0, 3, 1]
    assert found["position"].tolist() == [0, 2, 1]
    assert found["reward"].tolist() == [0, 1, 0]
    assert found["pscore"].tolist() == [0.5, 0.25, 0.25]
    assert found["context"].tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 1]]
    assert found["action_context"].tolist() == [[1, 0, 0, -0.5], [0, 0, 1, 0.5]]
    with pytest.raises(BadData, match="lacks timestamp, position, click, propensity_score"):
        read_feedback(tmp_path / "items.csv")


def test_a_learner_replays_contexts_round_by_round():
    """Members of two kinds like one title each; what hears of contexts tells them apart."""
    rng, rounds = np.random.default_rng(5), 3_000
    kinds = rng.integers(2, size=rounds)
    decisions, _ = uniform_log(rounds)
    requests = replace(decisions.requests, times=np.arange(rounds))
    rewards = (decisions.choices.actions == kinds).astype(float)
    contexts = Contexts(np.eye(2)[kinds])
    features = contexts.features(len(CATALOG), 1)
    np.testing.assert_allclose(
        features.members(requests)[:, 1] * (2 * kinds - 1), features.members(requests)[0, 1] * (2 * kinds[0] - 1)
    )
    knowledge = Disjoint.nothing(len(CATALOG), 2, DisjointPrior(0.2, 0.5, 0.4))
    policy = PosteriorArms("linear", CATALOG, features, knowledge)
    found = replay(policy, replace(decisions, requests=requests), rewards, np.random.default_rng(0))
    assert found.learned
    last = np.flatnonzero(found.matched)[-200:]
    assert rewards[last].mean() > 0.9  # without contexts, half of them at most


def test_dictionaries_that_lack_something_are_refused():
    feedback, target = golden_feedback()
    with pytest.raises(BadData, match="lacks pscore"):
        weights_and_rewards({**feedback, "pscore": None}, target)
    with pytest.raises(BadData, match="no probability above 0"):
        weights_and_rewards({**feedback, "pscore": np.zeros(60)}, target)
    with pytest.raises(BadData, match=r"60 rounds holds columns of shape \[\(59,\), \(60,\)\]"):
        weights_and_rewards({**feedback, "action": feedback["action"][1:]}, target)
    with pytest.raises(BadData, match=r"give \(60, 5, positions\)"):
        weights_and_rewards(feedback, target[:, :4])


def test_replay_of_what_does_not_learn_finds_its_value():
    decisions, rewards = uniform_log()
    found = replay(Always(3), decisions, rewards, np.random.default_rng(1))
    assert found.matched.mean() == pytest.approx(0.2, abs=0.03)
    assert found.value.low < 0.3 < found.value.high
    assert not found.learned
    weights = off_policy.weights_of(Always(3).log_prob(decisions), decisions.choices.log_probs)
    assert off_policy.snips(weights, rewards).mean() == pytest.approx(found.value.value)


def test_replay_without_a_reward_is_not_sure_of_none():
    """0 of about 60 matched: the upper end is near 3 / 60, where 95 % of such replays would have met a reward."""
    decisions, rewards = uniform_log(300)
    rewards[decisions.choices.actions == 3] = 0.0
    found = replay(Always(3), decisions, rewards, np.random.default_rng(3))
    assert found.value.value == 0.0
    assert found.value.high == pytest.approx(3 / found.matched.sum(), rel=0.2)


def test_replay_lets_a_learner_hear_of_its_own_choices_alone():
    decisions, rewards = uniform_log(500)
    policy = Learning(2)
    found = replay(policy, decisions, rewards, np.random.default_rng(2))
    assert found.learned
    assert policy.heard == [2] * int(found.matched.sum())


def test_replay_refuses_a_log_that_is_not_uniform():
    decisions, rewards = uniform_log(10)
    choices = replace(decisions.choices, log_probs=np.log(np.append(0.2, np.full(9, 0.4))))
    with pytest.raises(BadData, match=r"9 of 10 decisions were not uniform"):
        replay(Always(1), replace(decisions, choices=choices), rewards, np.random.default_rng(0))

"""The linear arms: they draw from the very distribution that they log, learn, and find what is best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arm_worlds import TITLES, Points, arms, asked
from scipy import stats

from matinee.decision import Enumerates, Learns, Policy, Uncertain
from matinee.errors import BadRequest, NotFound
from matinee.maths.best_of_normals import probability_of_best
from matinee.maths.ragged import Ragged
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import Features
from matinee.policies.posterior import Posterior
from matinee.testing import check_policy, make_catalog

GREEDY = ArmsConfig(sampling=False)


def taught(policy: LinearArms, batches: int = 4, seed: int = 0) -> LinearArms:
    """Title 3 is worth .8, title 4 is worth .5, others .1; a third is never looked at."""
    rng, worth = np.random.default_rng(seed), np.full(len(policy.catalog), 0.1)
    worth[3:5] = 0.8, 0.5
    for _ in range(batches):
        made = policy.decide(asked(200), rng)
        rewards = (rng.random(len(made.titles)) < worth[made.titles]).astype(float)
        policy.learn(made, np.where(rng.random(len(rewards)) < 1 / 3, np.nan, rewards))
    return policy


@pytest.mark.parametrize("config", [ArmsConfig(), GREEDY, ArmsConfig(floor=1.0)])
def test_conformance(config):
    exclude = Ragged.of([[k % TITLES] for k in range(50)])
    check_policy(lambda: taught(arms(config)), make_catalog(TITLES), asked())
    check_policy(lambda: taught(arms(config)), make_catalog(TITLES), asked(exclude=exclude))


def test_it_offers_all_that_a_policy_may():
    for contract in (Policy, Enumerates, Learns, Uncertain):
        assert isinstance(arms(), contract)


@pytest.mark.parametrize("config", [ArmsConfig(floor=0.1), replace(GREEDY, floor=0.1)])
def test_titles_are_drawn_as_often_as_logged(config):
    """40,000 draws of one request; a chi-square test that errs once in a thousand seeds, seed fixed."""
    policy = taught(arms(config), 1)
    one = asked(2).take(np.array([1]))
    many = one.take(np.zeros(40_000, np.int64))
    probs = policy.probabilities(one)
    made = policy.decide(many, np.random.default_rng(2))
    expected = probs.probs
    assert (expected > 0).all()
    np.testing.assert_allclose(np.exp(made.choices.log_probs), expected[made.titles], rtol=1e-9)
    assert stats.chisquare(np.bincount(made.titles, minlength=TITLES), 40_000 * expected).pvalue > 0.001


def test_probabilities_are_those_of_being_the_best_and_a_floor_that_keeps_their_order():
    policy = taught(arms(ArmsConfig(floor=0.05)), 1)
    requests = asked(6)
    means, deviations = policy.belief(requests)
    made = policy.probabilities(requests)
    for b in range(6):
        best = probability_of_best(means[b], deviations[b])
        np.testing.assert_allclose(made.probs[b * TITLES : (b + 1) * TITLES], 0.05 / TITLES + 0.95 * best, atol=1e-5)
    assert made.probs.min() >= 0.05 / TITLES


def test_sampling_finds_the_best_title_and_greedy_differs_from_it_in_one_field():
    sampled, greedy = taught(arms(), 12), taught(arms(GREEDY), 12)
    assert sampled.decide(asked(500), np.random.default_rng(0)).titles.tolist().count(3) > 450
    assert greedy.probabilities(asked(1)).probs.max() == pytest.approx(0.99 + 0.01 / TITLES)
    assert replace(ArmsConfig(), sampling=False) == GREEDY


def test_a_batch_answers_as_each_alone():
    policy, requests = taught(arms()), asked(40)
    made = policy.decide(requests, np.random.default_rng(3))
    for b in (0, 7, 39):
        one = policy.log_prob(made.take(np.array([b])))
        np.testing.assert_allclose(one, made.choices.log_probs[b : b + 1], atol=1e-12)


def test_chunks_on_threads_are_the_same_decisions(monkeypatch):
    policy, requests = taught(arms()), asked(50)
    whole = policy.decide(requests, np.random.default_rng(3))
    monkeypatch.setattr("matinee.policies.thompson.CHUNK", 7)
    parts = policy.decide(requests, np.random.default_rng(3))
    assert whole.titles.tolist() == parts.titles.tolist()
    np.testing.assert_allclose(whole.choices.log_probs, parts.choices.log_probs)


def test_older_versions_answer_until_they_are_forgotten():
    policy = arms()
    made = policy.decide(asked(30), np.random.default_rng(0))
    taught(policy, 3)
    assert made.makers[0].posterior == 0
    assert policy.posterior == 3
    again = policy.at(0)
    np.testing.assert_allclose(again.log_prob(made), made.choices.log_probs, atol=1e-12)
    assert np.abs(policy.log_prob(made) - made.choices.log_probs).max() > 0.1
    taught(policy, 40)
    with pytest.raises(NotFound, match="version 0"):
        policy.at(0)


def test_titles_enter_with_what_the_others_taught():
    policy = taught(arms())
    learned = policy.at(policy.posterior)
    grown = arms(titles=TITLES + 2, learned=learned._mind.posterior)
    before, after = policy.belief(asked(5)), grown.belief(asked(5))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other[:, :TITLES])
    assert (after[1][:, TITLES:] > 0.09).all()
    assert (grown.probabilities(asked(5)).probs > 0).all()


def test_what_was_excluded_or_is_no_single_title_was_impossible():
    policy = arms()
    made = policy.decide(asked(5), np.random.default_rng(0))
    hidden = replace(made, requests=replace(made.requests, exclude=Ragged.of(made.titles[:, None].tolist())))
    assert np.isneginf(policy.log_prob(hidden)).all()
    none = asked(2, candidates=Ragged.of([[], [1]]))
    silent = policy.decide(none, np.random.default_rng(0))
    assert np.diff(silent.choices.offsets).tolist() == [0, 1]
    assert silent.eligible.tolist() == [0, 1]


def test_bad_arguments_are_refused():
    made = arms().decide(asked(5), np.random.default_rng(0))
    with pytest.raises(BadRequest, match="one each"):
        arms().learn(made, np.zeros(3))
    with pytest.raises(BadRequest, match="floor"):
        ArmsConfig(floor=0.0)
    with pytest.raises(BadRequest, match="posterior of shape"):
        arms(learned=Posterior.nothing(TITLES, 9))


def test_features_are_one_and_directions_that_do_not_move_when_titles_come():
    points = Points()
    few, more = Features.of(points, TITLES, 3), Features.of(points, TITLES + 4, 3)
    np.testing.assert_allclose(few.axes, more.axes)
    np.testing.assert_allclose(more.titles[:TITLES], few.titles)
    assert more.titles[TITLES:].tolist() == [[1.0, 0.0, 0.0, 0.0]] * 4
    assert more.doubts.tolist() == [0.0] * TITLES + [1.0] * 4
    members = few.members(asked(6))
    np.testing.assert_allclose(np.linalg.norm(members[:, 1:], axis=1), [0, 1, 1, 0, 1, 1])
    assert (members[:, 0] == 1).all()
    assert np.mean(np.sum(few.titles[:, 1:] ** 2, axis=1)) == pytest.approx(1)


def test_the_random_bits_are_those_of_the_version():
    """One seed: the same bits until something is learned, others then, and the first ones again of that version."""
    made, requests = arms(), asked(200)
    first = made.decide(requests, np.random.default_rng(7))
    assert (made.decide(requests, np.random.default_rng(7)).bits == first.bits).all()
    made.learn(first, np.full(len(first.choices.actions), np.nan))
    later = made.decide(requests, np.random.default_rng(7))
    assert (later.bits != first.bits).all()
    assert (made.at(0).decide(requests, np.random.default_rng(7)).titles == first.titles).all()
    agree = np.mean(later.titles == first.titles)
    assert agree < 0.5, "nothing was learned, yet they choose alike"


def test_a_title_that_is_predicted_is_doubted_by_what_it_lacks_of_the_mean_length():
    points = Points()
    predicted = np.vstack([np.full((TITLES, 4), 9.0), 0.5 * points.title_vectors[:2], np.zeros((1, 4))])
    told = Features.of(points, TITLES + 3, 3, predicted)
    np.testing.assert_allclose(told.titles[:TITLES], Features.of(points, TITLES, 3).titles)
    np.testing.assert_allclose(told.titles[TITLES : TITLES + 2, 1:], 0.5 * told.titles[:2, 1:], rtol=1e-6)
    lengths = np.sum(told.titles[TITLES:, 1:] ** 2, axis=1)
    np.testing.assert_allclose(told.doubts[TITLES:], np.maximum(1.0 - lengths, 0.0))
    assert told.doubts[-1] == 1.0
    assert not told.doubts[:TITLES].any()


def test_a_vector_of_next_to_nothing_is_none():
    points = Points()
    points.title_vectors[5] = 1e-12
    assert np.flatnonzero(Features.of(points, TITLES, 3).doubts).tolist() == [5]

"""What learns from a thinned log: a decision kept at 1/2 teaches as two, and on average it teaches the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arm_worlds import SIZE, TITLES, Points, arms, asked
from test_presented import of_title, presented

from matinee.data.log.thinning import thinned
from matinee.decision import Decisions, as_one
from matinee.decision.columns import Columns
from matinee.errors import BadData, BadRequest
from matinee.history import Histories
from matinee.policies.dats import Dats
from matinee.policies.disjoint import Disjoint
from matinee.policies.features import Features
from matinee.policies.independent import IndependentArms
from matinee.policies.logistic import Logistic
from matinee.policies.posterior_arms import PosteriorArms
from matinee.policies.slates import SlateArms, SlateConfig
from matinee.policies.uniform import Uniform
from matinee.profile import Profile
from matinee.testing import make_catalog

CATALOG = make_catalog(TITLES)
FEATURES = Features.of(Points(), TITLES, 3)


def whole(requests):
    return np.zeros(len(requests), np.int64)


LEARNERS = {
    "independent": lambda: IndependentArms("a", CATALOG),
    "linear": arms,
    "logistic": lambda: PosteriorArms("a", CATALOG, FEATURES, Logistic.nothing(TITLES, SIZE, SIZE)),
    "disjoint": lambda: PosteriorArms("a", CATALOG, FEATURES, Disjoint.nothing(TITLES, SIZE)),
    "slates": lambda: SlateArms("a", CATALOG, SlateConfig(size=4), whole, 1),
}


def halved(decisions: Decisions) -> Decisions:
    return replace(decisions, keep_probability=np.full(len(decisions), 0.5))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_decision_kept_at_one_half_teaches_as_two(name):
    rng, requests = np.random.default_rng(0), asked(60)
    once, twice, alone = (LEARNERS[name]() for _ in range(3))
    made = once.decide(requests, rng)
    rewards = (rng.random(len(made.titles)) < 0.3).astype(float)
    once.learn(halved(made), rewards)
    twice.learn(as_one([made, made]), np.tile(rewards, 2))
    alone.learn(made, rewards)
    for found, wanted in zip(once.belief(requests), twice.belief(requests), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-7)
    assert np.abs(once.belief(requests)[1] - alone.belief(requests)[1]).max() > 1e-3, "it is surer than of one"


def test_pictures_and_reasons_learn_so_too():
    made = of_title(2, [[0]] * 20)
    rewards = np.where(made.billboards, np.arange(len(made.choices.actions)) % 2, np.nan)
    once, twice = presented(), presented()
    once.learn(halved(made), rewards)
    twice.learn(as_one([made, made]), np.tile(rewards, 2))
    assert once.arms.learned.ways == twice.arms.learned.ways != {}


def test_adaptively_weighted_means_refuse_what_is_no_longer_whole():
    policy = Dats("dats", CATALOG)
    made = policy.decide(asked(5), np.random.default_rng(0))
    with pytest.raises(BadRequest, match="of a thinned log"):
        policy.learn(halved(made), np.ones(5))
    policy.learn(made, np.ones(5))


def test_a_probability_that_cannot_be_is_refused():
    made = arms().decide(asked(2), np.random.default_rng(0))
    for wrong in (0.0, -1.0, 1.5, np.nan):
        with pytest.raises(BadData, match="decision 1 was kept with probability"):
            replace(made, keep_probability=np.array([0.5, wrong]))


def test_parts_that_were_thinned_differently_join():
    made = arms().decide(asked(2), np.random.default_rng(0))
    assert as_one([made, halved(made)]).stands_for.tolist() == [1, 1, 2, 2]
    assert not as_one([made, made]).thinned


def old_and_new(n: int = 800) -> tuple[Decisions, np.ndarray]:
    """Four decisions for each of 200 members, titles by chance; in the old half title 3 is worth .8, else .1."""
    rng, users = np.random.default_rng(1), [f"m{k % (n // 4)}" for k in range(n)]
    requests = replace(asked(n), times=np.arange(n), histories=Histories.empty(n))
    named = requests.of_histories(requests.histories, requests.times, [Profile(user) for user in users])
    made = Uniform(CATALOG).decide(named, rng)
    worth = np.where((made.titles == 3) & (np.arange(n) < n // 2), 0.8, 0.1)
    return made, (rng.random(n) < worth).astype(float)


def test_the_posterior_is_the_whole_logs_on_average():
    """The old half is thinned at .2 by 100 seeds. Means of the two sums of each title lie within 4.5 standard errors of
    the whole log's, which fails once in 6,000 runs of 24 sums; sums without weights are off by more.
    """
    made, rewards = old_and_new()
    frame, n = Columns.of(made).frame(), len(made)
    at, old = {name: k for k, name in enumerate(made.ids)}, np.arange(n) < n // 2
    told, unweighed, believed = [], [], []
    full = arms()
    full.learn(made, rewards)
    for seed in range(100):
        left = thinned(frame.filter(old), 0.2, seed)
        rows = np.concatenate([[at[name] for name in left["decision_id"]], np.flatnonzero(~old)]).astype(np.int64)
        keep = np.where(old[rows], 0.2, 1.0)
        policy, naive = arms(), IndependentArms("naive", CATALOG)
        policy.learn(replace(made.take(rows), keep_probability=keep), rewards[rows])
        naive.learn(made.take(rows), rewards[rows])
        told.append(policy.told)
        unweighed.append([naive._mind.told.counts, naive._mind.told.sums])
        believed.append(policy.belief(asked(1))[0][0])
    told, unweighed = np.array(told), np.array(unweighed)
    error = told.std(axis=0) / 10
    assert (np.abs(told.mean(axis=0) - np.array(full.told)) <= 4.5 * error + 1e-9).all()
    assert (np.abs(unweighed.mean(axis=0) - np.array(full.told)) > 10 * unweighed.std(axis=0) / 10)[0].all()
    truth = full.belief(asked(1))[0][0]
    np.testing.assert_allclose(np.mean(believed, axis=0), truth, atol=0.03)

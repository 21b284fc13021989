"""Rules that turn scores into distributions: known answers, and as policies."""

from __future__ import annotations

import numpy as np
import pytest
from arm_worlds import TITLES, asked

from matinee.errors import BadRequest
from matinee.policies.rules import Boltzmann, EpsilonGreedy, SquareCB
from matinee.policies.scored import Scored
from matinee.testing import check_policy, make_catalog

RULES = [EpsilonGreedy(0.1), Boltzmann(0.2), SquareCB(20.0)]
ALL = np.ones((1, 3), np.bool_)


def scores(requests) -> np.ndarray:
    lengths = np.diff(requests.histories.offsets)
    return 0.5 + 0.4 * np.sin(np.arange(TITLES) * (1.0 + lengths[:, None]))


@pytest.mark.parametrize("rule", [*RULES, EpsilonGreedy(1.0)])
def test_conformance(rule):
    catalog = make_catalog(TITLES)
    check_policy(lambda: Scored("scored", "none", catalog, scores, rule), catalog, asked())


def test_square_cb_known_answer():
    """gamma = 10: gaps of .2 and .4 among three."""
    probs = SquareCB(10.0)(np.array([[0.9, 0.7, 0.5]]), ALL)
    np.testing.assert_allclose(probs, [[1 - 1 / 5 - 1 / 7, 1 / 5, 1 / 7]])
    assert np.round(probs, 4).tolist() == [[0.6571, 0.2, 0.1429]]


def test_square_cb_answers_batches_as_each_alone():
    some = np.random.default_rng(0).random((7, 5))
    whole = SquareCB(10.0)(some, np.ones((7, 5), np.bool_))
    for b in range(7):
        np.testing.assert_allclose(SquareCB(10.0)(some[b : b + 1], np.ones((1, 5), np.bool_))[0], whole[b])


def test_epsilon_greedy_and_boltzmann_by_arithmetic():
    some = np.array([[0.2, 0.8, 0.8]])
    np.testing.assert_allclose(EpsilonGreedy(0.3)(some, ALL), [[0.1, 0.8, 0.1]])
    weights = np.exp([1.0, 4.0, 4.0])
    np.testing.assert_allclose(Boltzmann(0.2)(some, ALL)[0], weights / weights.sum())
    assert Boltzmann(1e-3)(np.array([[1e6, -1e6, 0.0]]), ALL).tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("rule", RULES)
def test_what_is_not_allowed_has_nothing_and_sums_are_one(rule):
    rng = np.random.default_rng(1)
    allowed = rng.random((40, TITLES)) < 0.4
    allowed[3] = False
    probs = rule(rng.normal(size=(40, TITLES)), allowed)
    assert (probs[~allowed] == 0).all()
    assert (probs >= 0).all()
    np.testing.assert_allclose(probs.sum(axis=1), allowed.any(axis=1))


@pytest.mark.parametrize("make", [lambda: EpsilonGreedy(1.5), lambda: Boltzmann(0.0), lambda: SquareCB(-1.0)])
def test_bad_settings_are_refused(make):
    with pytest.raises(BadRequest):
        make()

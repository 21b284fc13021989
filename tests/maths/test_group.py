"""Choosing for several: known answers of each rule, what no rule may do, and shares that draw level over nights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.maths.group import approval, average, least_misery, turns

EQUAL = np.array([0.5, 0.5])
WISHES = np.array([[1.0, 0.2, 0.6], [0.0, 0.9, 0.6]])


def test_known_answers():
    """Ada wishes (1, .2, .6), Ben (0, .9, .6): the average takes either's best, least misery what both can bear."""
    np.testing.assert_allclose(average(WISHES, EQUAL), [0.5, 0.55, 0.6])
    np.testing.assert_allclose(least_misery(WISHES, EQUAL), [0.0, 0.2, 0.6])
    approves = WISHES >= 0.6
    np.testing.assert_allclose(approval(WISHES, EQUAL, approves), [(0.5 + 0.5) / 2, (0.5 + 0.45) / 2, (1 + 0.6) / 2])


def test_whoever_had_less_weighs_more():
    np.testing.assert_allclose(turns(np.array([0.0, 3.0])), [0.8, 0.2])
    np.testing.assert_allclose(turns(np.array([0.0, 3.0]), 0.5), [2 / 3, 1 / 3])
    np.testing.assert_allclose(turns(np.array([0.0, 3.0]), 0.0), EQUAL)
    ben = np.array([0.2, 0.8])
    assert average(WISHES, ben).argmax() == average(WISHES, ben)[1:].argmax() + 1, "not what only Ada likes"
    np.testing.assert_allclose(least_misery(np.array([[0.5], [0.4]]), ben), [0.4 / 1.6])


def test_wishes_without_weights_are_refused():
    with pytest.raises(AssertionError, match="2 people have wishes, 3 have weights"):
        average(WISHES, np.full(3, 1 / 3))
    with pytest.raises(AssertionError, match="what people got is 0 or more"):
        turns(np.array([-0.1, 1.0]))


@st.composite
def groups(draw):
    people, titles = draw(st.integers(1, 5)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weights = rng.random(people) + 0.05
    return rng.random((people, titles)), weights / weights.sum()


@given(groups())
def test_no_rule_prefers_what_nobody_prefers(group):
    """Pareto: a title that everybody wishes more never has the lower value; the best of the average is undominated."""
    wishes, weights = group
    better = (wishes[:, :, None] >= wishes[:, None, :]).all(axis=0)
    approves = wishes >= 0.5
    for value in (average(wishes, weights), least_misery(wishes, weights), approval(wishes, weights, approves)):
        assert (value[:, None] >= value[None, :] - 1e-12)[better].all()
        assert ((value >= 0) & (value <= 1 + 1e-12)).all()
    best = average(wishes, weights).argmax()
    assert not (wishes > wishes[:, [best]]).all(axis=0).any()


@given(groups())
def test_more_approval_comes_before_more_love(group):
    wishes, weights = group
    approves = wishes >= 0.5
    value, support = approval(wishes, weights, approves), weights @ approves
    assert (value <= support + 1e-12).all()
    assert (value >= support / 2 - 1e-12).all()


def nights(wishes: np.ndarray, fairness: float, n: int = 200) -> np.ndarray:
    """(people,) what each got a night when every night brings the same titles."""
    had = np.zeros(len(wishes))
    for _ in range(n):
        had += wishes[:, average(wishes, turns(had, fairness)).argmax()]
    return had / n


def test_over_many_nights_shares_draw_level():
    """Three who wish different titles get a third each, one whose wish everybody half likes gets no more: without
    memory the first wins every night."""
    np.testing.assert_allclose(nights(np.eye(3), 1.0), 1 / 3, atol=0.01)
    np.testing.assert_allclose(nights(np.eye(3), 0.0), [1, 0, 0])
    uneven = np.array([[1.0, 0.0], [0.3, 1.0]])
    np.testing.assert_allclose(nights(uneven, 0.0), [1.0, 0.3])
    assert nights(uneven, 1.0).min() > 0.48, "who gave in has their night"


def test_turns_find_the_fairest_shares():
    """Proportional fairness: sum log of the shares is largest. Of (1, 0), (.3, 1) a share x of the first gives
    log x + log(1 - .7 x), largest at x = 1 / 1.4 (Kelly 1998)."""
    x = 1 / 1.4
    np.testing.assert_allclose(nights(np.array([[1.0, 0.0], [0.3, 1.0]]), 1.0, 4_000), [x, 1 - 0.7 * x], atol=0.002)

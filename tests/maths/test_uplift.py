"""Uplift: closed forms of the level of a budget, effects of known worlds, and the area of a Qini curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.maths.uplift import Level, hats, level_of, pseudo_effects, qini, qini_coefficient


@pytest.mark.parametrize(
    ("values", "budget", "level"),
    [
        ([0.5, 0.3, 0.1], 1, Level(0.3, 0.0)),
        ([0.5, 0.3, 0.1], 1.5, Level(0.3, 0.5)),
        ([0.5, 0.3, 0.3, 0.3, 0.1], 2, Level(0.3, 1 / 3)),
        ([0.5, -0.3, 0.0], 2, Level(0.0, 0.0)),
        ([-1.0, -2.0], 1, Level(0.0, 0.0)),
        ([0.4, 0.4], 0, Level(0.4, 0.0)),
    ],
    ids=["one of three", "and a half", "ties share", "no more than help", "none helps", "no budget"],
)
def test_the_level_of_a_budget(values, budget, level):
    found = level_of(np.array(values), budget)
    assert found.price == level.price
    assert found.at_price == pytest.approx(level.at_price)


@settings(max_examples=50)
@given(st.lists(st.integers(-5, 5), max_size=30), st.floats(0, 40))
def test_expected_sends_are_the_budget_or_all_that_help(values, budget):
    each = np.array(values, np.float64) / 10
    sends = level_of(each, budget).chances(each).sum()
    assert sends == pytest.approx(min(budget, np.count_nonzero(each > 0)))


def test_hats_are_linear_between_knots_and_level_outside():
    rows = hats(np.array([-1.0, 0.0, 0.25, 1.0, 3.0, 9.0]), np.array([0.0, 1.0, 5.0]))
    assert rows.tolist() == [[1, 0, 0], [1, 0, 0], [0.75, 0.25, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]]


@pytest.mark.parametrize("wrong", [0.0, 0.7, -3.0])
def test_pseudo_effects_mean_the_effect_whatever_the_models_say(wrong):
    """The four cases of (sent, outcome), each as likely as it is: P(y | silent) = .3, P(y | sent) = .8, e = .25."""
    sent, outcome = np.array([True, True, False, False]), np.array([1.0, 0.0, 1.0, 0.0])
    likely = np.array([0.25 * 0.8, 0.25 * 0.2, 0.75 * 0.3, 0.75 * 0.7])
    guess = np.full(4, wrong)
    effects = pseudo_effects(sent, np.full(4, 0.25), outcome, guess, guess + 0.1)
    assert likely @ effects == pytest.approx(0.5)


def test_a_certain_decision_tells_no_effect():
    one = np.ones(1)
    with pytest.raises(AssertionError, match="certain"):
        pseudo_effects(np.array([True]), one, one, one, one)


def test_qini_of_four_members():
    """Half are sent. In falling order: a sent return (+1 / .5), a silent return (-2), a sent none, a silent none."""
    curve = qini(
        np.array([4.0, 3.0, 2.0, 1.0]),
        np.array([True, False, True, False]),
        np.full(4, 0.5),
        np.array([1.0, 1.0, 0.0, 0.0]),
    )
    assert curve.tolist() == [0.0, 0.5, 0.0, 0.0, 0.0]
    assert qini_coefficient(curve) == pytest.approx(0.5 * 0.25)


def test_a_better_order_has_more_area_and_the_turned_one_as_much_less():
    """Effects 1 and 0, half of the members each, sent for sure in expectation: areas 1/8 above and below the line."""
    effect = np.repeat([1.0, 0.0], 500)
    best = np.append(0.0, np.cumsum(effect)) / 1000
    worst = np.append(0.0, np.cumsum(effect[::-1])) / 1000
    assert qini_coefficient(best) == pytest.approx(1 / 8, abs=1e-3)
    assert qini_coefficient(worst) == pytest.approx(-1 / 8, abs=1e-3)

"""Exponential and logarithm against the standard library's, within the stated errors."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.maths.exponentials import exp, log


@settings(max_examples=500, deadline=None)
@given(st.floats(1e-300, 1e300))
def test_log(x):
    assert abs(log(x) - math.log(x)) <= 1e-15 * max(1.0, abs(math.log(x)))


@settings(max_examples=500, deadline=None)
@given(st.floats(0.99, 1.01))
def test_log_near_one_has_no_absolute_error_of_its_own(x):
    assert log(x) == pytest.approx(math.log(x), rel=1e-12, abs=1e-18)


@settings(max_examples=500, deadline=None)
@given(st.floats(-700, 699))
def test_exp(x):
    assert exp(x) == pytest.approx(math.exp(x), rel=1e-12, abs=0.0)


def test_what_is_far_below_counts_as_nothing():
    assert 0.0 <= exp(-math.inf) < 1e-303
    assert 0.0 <= exp(-1e9) < 1e-303

"""The paired test: exact on few members, right false positive rate, and power; Holm's correction by hand."""

import tracemalloc

import numpy as np
import pytest

from matinee.maths import significance
from matinee.maths.significance import holm, sign_flip_test

RNG = np.random.default_rng(0)


def test_few_members_are_answered_exactly():
    differences = np.array([[1.0, 1, 0], [2, -2, 0], [3, 3, 0]])
    # column 0: only +++ and --- reach |6|; column 1: |1-2+3| = 2 is reached by 6 of 8 patterns (|6|, |4| and |2| twice)
    assert sign_flip_test(differences, RNG) == pytest.approx([2 / 8, 6 / 8, 1])


def test_random_patterns_agree_with_all_of_them():
    """|p - exact| within 5 binomial standard errors."""
    differences = np.random.default_rng(1).normal(0.4, 1, (12, 3))
    exact = sign_flip_test(differences, RNG, draws=2**12)
    sampled = sign_flip_test(differences, np.random.default_rng(2), draws=4_000)
    assert (np.abs(sampled - exact) <= 5 * np.sqrt(exact * (1 - exact) / 4_000) + 1 / 4_000).all()


def test_same_seed_same_answer_and_never_zero():
    differences = np.random.default_rng(3).normal(5, 1, (100, 1))
    one, two = (sign_flip_test(differences, np.random.default_rng(9), draws=999) for _ in range(2))
    assert one == two
    assert one == pytest.approx([1 / 1000])


@pytest.mark.parametrize("members", [21, 150])
@pytest.mark.parametrize("patterns", [4, 36, 1_000])
def test_the_memory_allowed_changes_no_answer(monkeypatch, members, patterns):
    differences = np.random.default_rng(3).normal(0.05, 1, (members, 2))
    expected = sign_flip_test(differences, np.random.default_rng(9), draws=999)
    monkeypatch.setattr(significance, "BYTES", patterns * (9 * members + 17 * 2))
    assert sign_flip_test(differences, np.random.default_rng(9), draws=999).tolist() == expected.tolist()


def test_memory_does_not_grow_with_the_members():
    """30,000 members, 600 patterns: 9 bytes a sign would be 162 MB at once."""
    differences = np.random.default_rng(3).normal(0, 1, (30_000, 2))
    tracemalloc.start()
    sign_flip_test(differences, np.random.default_rng(9), draws=600)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.1 * significance.BYTES


def test_false_positive_rate_is_the_level():
    """2,000 skewed, mostly-zero worlds without a difference: p < 0.05 in 5 %, within 4 standard errors."""
    rng = np.random.default_rng(4)
    hits = rng.random((2, 200, 2_000)) < 0.15
    p = sign_flip_test(hits[0].astype(float) - hits[1], rng, draws=1_000)
    error = 4 * (0.05 * 0.95 / 2_000) ** 0.5
    assert (p < 0.05).mean() <= 0.05 + error
    assert (p < 0.05).mean() >= 0.03  # discrete data make the test a little cautious


def test_a_real_difference_is_found():
    differences = np.random.default_rng(5).normal(0.5, 1, (200, 50))
    assert (sign_flip_test(differences, RNG, draws=1_000) < 0.05).all()


def test_a_difference_without_a_value_says_nothing():
    """Column 0 is 1, 2, 3 with a gap: +++ and --- of 8 reach 6. Column 1 has no value at all, column 2 no gap."""
    gap = np.nan
    differences = np.array([[1.0, gap, 1], [gap, gap, 2], [2, gap, -4], [3, gap, 8]])
    expected = pytest.approx([2 / 8, gap, sign_flip_test(differences[:, 2:], RNG)[0]], nan_ok=True)
    assert sign_flip_test(differences, RNG) == expected
    sampled = sign_flip_test(differences, np.random.default_rng(7), draws=15)  # fewer than the 16 patterns
    assert 0 < sampled[0] < 1
    assert np.isnan(sampled[1])


def test_many_gaps_do_not_make_a_difference_clear():
    """Three differences among 200 members: p is 2 / 8 within 5 standard errors of 4,000 patterns."""
    differences = np.full((200, 1), np.nan)
    differences[[5, 50, 150], 0] = 1.0, 2.0, 3.0
    error = 5 * (0.25 * 0.75 / 4_000) ** 0.5
    assert sign_flip_test(differences, RNG, draws=4_000) == pytest.approx([2 / 8], abs=error)


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([3 * 0.01, 2 * 0.03, 2 * 0.03])
    assert holm(np.array([0.5, 0.9])) == pytest.approx([1, 1])
    assert holm(np.array([0.02])) == pytest.approx([0.02])
    untested = np.nan
    assert holm(np.array([untested, 0.03, 0.02])) == pytest.approx([untested, 2 * 0.02, 2 * 0.02], nan_ok=True)
    assert np.isnan(holm(np.array([untested]))).all()


def test_holm_keeps_the_family_wise_error():
    """10 true nulls, 4,000 worlds: any rejection in at most 5 %, within 4 standard errors."""
    p = np.random.default_rng(6).random((4_000, 10))
    rejected = np.array([(holm(row) < 0.05).any() for row in p])
    assert rejected.mean() <= 0.05 + 4 * (0.05 * 0.95 / 4_000) ** 0.5

"""Bootstrap intervals: the right answer on average, as often as they promise, and fast."""

import time

import numpy as np
import pytest

from matinee.maths import intervals as iv


def test_every_resample_draws_as_many_members_as_there_are():
    weights = iv.bootstrap_weights(37, 50, np.random.default_rng(0))
    assert weights.shape == (50, 37)
    assert (weights.sum(axis=1) == 37).all()


def test_weights_have_the_moments_of_the_multinomial():
    """Mean 1 and variance 1 - 1/n, within 5 standard errors of 400,000 entries."""
    n = 40
    weights = iv.bootstrap_weights(n, 10_000, np.random.default_rng(1))
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(1 - 1 / n, abs=5 * 2**0.5 / weights.size**0.5)


def test_means_leave_missing_values_out():
    values = np.array([[1.0, np.nan], [2.0, 4.0], [6.0, np.nan]])
    weights = np.array([[1.0, 1, 1], [3, 0, 0]])
    expected = [[(1 + 2 + 6) / 3, 4], [1, np.nan]]
    assert iv.resampled_means(values, weights) == pytest.approx(np.array(expected), nan_ok=True)


def test_percentiles_are_the_middle():
    draws = np.column_stack([np.arange(101.0), np.full(101, np.nan)])
    low, high = iv.percentile_interval(draws, level=0.9)
    assert low == pytest.approx([5, np.nan], nan_ok=True)
    assert high == pytest.approx([95, np.nan], nan_ok=True)


def test_the_interval_of_a_share_is_centred_and_cut_to_where_shares_lie():
    low, high = iv.share_interval(np.array([0.5, 1.0, 0.01]), np.array([0.1, 0.012, 0.02]))
    assert low == pytest.approx([0.5 - iv.NORMAL_95 * 0.1, 1 - iv.NORMAL_95 * 0.012, 0])
    assert high == pytest.approx([0.5 + iv.NORMAL_95 * 0.1, 1, 0.01 + iv.NORMAL_95 * 0.02])


@pytest.mark.parametrize(("members", "rate"), [(300, 0.1), (100, 0.3)])
def test_intervals_hold_the_truth_as_often_as_they_say(members, rate):
    """Hit rates of known probability; 1,500 worlds. A right 95 % interval falls outside 92.5..97 % once in 1e5."""
    rng = np.random.default_rng(2)
    worlds = (rng.random((members, 1_500)) < rate).astype(float)
    draws = iv.resampled_means(worlds, iv.bootstrap_weights(members, 1_000, rng))
    low, high = iv.percentile_interval(draws)
    assert 0.925 <= ((low <= rate) & (rate <= high)).mean() <= 0.97


def test_a_thousand_draws_of_a_thousand_members_take_milliseconds():
    rng, values = np.random.default_rng(3), np.random.default_rng(4).random((1_000, 8))
    times = []
    for _ in range(5):
        start = time.process_time()
        iv.percentile_interval(iv.resampled_means(values, iv.bootstrap_weights(1_000, 1_000, rng)))
        times.append(time.process_time() - start)
    assert min(times) < 0.3

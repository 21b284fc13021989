"""Bands that hold under peeking, Welch, CUPED and sample ratios: golden numbers, known answers, error rates."""

import json
from pathlib import Path

import numpy as np
import pytest

from matinee.maths.sequential import (
    Moments,
    cuped,
    mixture_p,
    mixture_radius,
    moments,
    narrowest_at,
    ratio_log_e,
    ratio_p,
    welch,
    welch_p,
    welch_radius,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "experiments.json").read_text())
ARM, BEFORE, DURING = (np.array(GOLDEN["accounts"][name]) for name in ("arm", "before", "during"))


def difference(values):
    return welch(moments(values[ARM == 1]), moments(values[ARM == 0]))


def agrees(values, told):
    found = difference(values)
    radius = welch_radius(found)
    said = [found.value, found.value - radius, found.value + radius, welch_p(found)]
    names = ("effect_size", "effect_size_ci_lower", "effect_size_ci_upper", "pvalue")
    assert said == pytest.approx([told[name] for name in names], rel=1e-9)


def test_welch_as_tea_tasting_says():
    agrees(DURING, GOLDEN["welch"])


def test_cuped_near_tea_tasting():
    """Same estimate; its interval counts one degree of freedom more or less, so it agrees to a few thousandths."""
    found, told = difference(cuped(DURING, BEFORE)), GOLDEN["cuped"]
    assert found.value == pytest.approx(told["effect_size"], rel=1e-9)
    assert found.value + welch_radius(found) == pytest.approx(told["effect_size_ci_upper"], rel=5e-3)


def test_the_band_as_confseq_says():
    """|sum| at variance v, tuned for v = 100 by confseq's own approximation of the best rho."""
    told = GOLDEN["band"]
    v = np.array(told["v"])
    rho = told["v_opt"] / (2 * np.log(1 / 0.05) + np.log(1 + 2 * np.log(1 / 0.05)))
    assert mixture_radius(np.sqrt(v), v / rho) == pytest.approx(told["radius"], rel=1e-9)


def test_the_sample_ratio_as_ssrm_test_says():
    told = GOLDEN["ratio"]
    shares = np.array(told["shares"])
    said = [ratio_log_e(np.array(one), shares, told["concentration"]) for one in told["counts"]]
    assert said == pytest.approx(told["log_e"], abs=1e-8)


def test_welch_by_hand():
    found = welch(Moments(*np.array([4.0, 3.0, 8.0])), Moments(*np.array([2.0, 1.0, 2.0])))
    assert found.value == 2
    assert found.deviation == pytest.approx(np.sqrt(8 / 4 + 2 / 2))
    assert found.freedom == pytest.approx(3**2 / (2**2 / 3 + 1**2 / 1))


def test_what_never_varies_is_told_apart_by_any_difference():
    same, other = moments(np.ones(5)), moments(np.full(5, 2.0))
    assert welch_p(welch(same, same)) == 1
    assert welch_p(welch(other, same)) == 0


def test_the_band_is_narrowest_where_it_is_said_to_be():
    at = narrowest_at()
    around = mixture_radius(np.ones(3), at * np.array([0.98, 1.0, 1.02]))
    assert around[1] < min(around[0], around[2])


def test_the_p_value_is_alpha_where_the_band_ends_at_zero():
    information = np.array([0.1, 1.0, 8.0, 300.0])
    radius = mixture_radius(np.ones(4), information, level=0.9)
    assert mixture_p(radius, information) == pytest.approx([0.1] * 4)
    assert mixture_p(np.zeros(4), information) == pytest.approx([1] * 4)


def test_peeking_at_aa_streams_raises_few_false_alarms():
    """2,000 streams looked at every 10 accounts up to 5,000: the z-test errs on .47 of them, the band on 5 % at most.

    Seed 8; the standard error of a share of 2,000 near .47 is .011.
    """
    rng, looks = np.random.default_rng(8), np.arange(10, 5_001, 10)
    band = z_test = 0
    for _ in range(2_000):
        sums = np.cumsum(rng.standard_normal(5_000))[looks - 1]
        means, deviation = sums / looks, 1 / np.sqrt(looks)
        band += (np.abs(means) > mixture_radius(deviation, looks * narrowest_at() / 2_000)).any()
        z_test += (np.abs(means) > 1.96 * deviation).any()
    assert band / 2_000 <= 0.05
    assert z_test / 2_000 == pytest.approx(0.47, abs=0.035)


def test_cuped_keeps_the_mean_and_takes_the_share_of_variance_that_was_known():
    """Correlation .8: the variance becomes 1 - .8^2 = .36 of what it was, within .02 at 20,000 accounts."""
    rng = np.random.default_rng(2)
    before = rng.standard_normal(20_000)
    values = 0.8 * before + 0.6 * rng.standard_normal(20_000) + 3
    adjusted = cuped(values, before)
    assert adjusted.mean() == pytest.approx(values.mean())
    assert adjusted.var() / values.var() == pytest.approx(0.36, abs=0.02)


def test_cuped_of_a_past_that_tells_nothing_changes_nothing():
    values = np.array([1.0, 2.0, 5.0])
    assert cuped(values, np.full(3, 7.0)).tolist() == values.tolist()


def test_the_sample_ratio_by_hand():
    counts, shares = np.array([60, 40]), np.array([0.5, 0.5])
    assert ratio_p(counts, shares) == pytest.approx(0.0455, abs=1e-4)  # chi-square 4 on 1 degree of freedom
    # uniform prior Beta(1, 1): 1! 0! ... = B(1 + 2, 1 + 1) / B(1, 1) / .5^3 of one order of 2 and 1
    assert np.exp(ratio_log_e(np.array([2, 1]), shares, 2.0)) == pytest.approx((1 / 12) / 0.5**3)


def test_the_sample_ratio_alarms_on_a_planted_imbalance_and_seldom_else():
    """.5 to .5 looked at after every 100 of 20,000 accounts: at most 5 % of 500 even streams, all of 500 with .47."""
    rng, shares = np.random.default_rng(4), np.array([0.5, 0.5])

    def alarms(share):
        raised = 0
        for _ in range(500):
            ones = np.cumsum(rng.binomial(100, share, 200))
            every = 100 * np.arange(1, 201)
            raised += any(
                ratio_log_e(np.array([a, n - a]), shares) > np.log(20) for a, n in zip(ones, every, strict=True)
            )
        return raised / 500

    assert alarms(0.5) <= 0.05
    assert alarms(0.47) > 0.99

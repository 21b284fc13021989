"""Waves against red noise: closed forms, the level under the null, the power under a wave."""

import numpy as np
import pytest
from scipy.signal import lfilter

from matinee.maths import spectra
from matinee.maths.beyond_accuracy import overlap, repeats

N, STREAMS = 52, 1_000
COLUMNS = spectra.design(N)


@pytest.fixture(scope="module")
def null():
    return spectra.RedNoise.drawn(COLUMNS, np.random.default_rng(0))


def noise(rho: float, seed: int = 1) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((STREAMS, N + 200))
    return lfilter([1.0], [1.0, -rho], drawn, axis=1)[:, 200:]


def found(series):
    return spectra.waves(spectra.without(series, COLUMNS))


def test_a_whole_wave_has_all_its_power_at_its_frequency():
    """x = a cos(2 pi 8 t / n) has |sum x e^(-iwt)|^2 / n = n a^2 / 4 there, and nothing at other whole waves."""
    t = np.arange(64)
    power = spectra.periodogram(3.0 * np.cos(2 * np.pi * 8 * t / 64))
    whole = power[:: spectra.FINE]
    assert whole[8 - spectra.FEWEST] == pytest.approx(64 * 9 / 4)
    assert np.delete(whole, 8 - spectra.FEWEST) == pytest.approx(0, abs=1e-9)
    assert 2 * np.pi / spectra.frequencies(64)[(8 - spectra.FEWEST) * spectra.FINE] == pytest.approx(8.0)


def test_level_line_and_season_are_taken_out():
    t = np.arange(70)
    left = spectra.without(2.0 + 0.1 * t + np.tile([0, 1, 5, 2, 8, 1, 3], 10), spectra.design(70, 7))
    assert left == pytest.approx(0, abs=1e-9)


def test_the_red_spectrum_is_that_of_its_autocorrelations():
    """S(w) = sum over lags of rho^|k| cos(w k)."""
    at, lags = np.array([0.3, 1.0, 2.5]), np.arange(1, 200)
    by_lags = 1 + 2 * (0.6**lags * np.cos(at[:, None] * lags)).sum(axis=1)
    assert spectra.red_spectrum(np.array(0.6), at) == pytest.approx(by_lags)


def test_lag_one_of_turns_and_of_nothing():
    assert spectra.lag_one(np.array([[1.0, -1, 1, -1], [0, 0, 0, 0]])) == pytest.approx([-3 / 4, 0])


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8, 0.9])
def test_red_noise_has_no_wave_growth_or_trend(null, rho):
    """At 5 % at most 8 % of 1,000: the level, the doubt of rho, two standard errors. At 1 % at most 2 %."""
    series = noise(rho)
    told = found(series)
    residuals = spectra.without(series, COLUMNS)
    for p in (
        null.p_wave(told),
        null.p_growth(spectra.growth(residuals), told),
        null.p_trend(spectra.trend(series, COLUMNS)[1], told),
    ):
        assert (p < 0.05).mean() < 0.08
        assert (p < 0.01).mean() < 0.02


def test_a_white_null_takes_drift_for_waves():
    """Why the null is red: Fisher's g of 26 ordinates is above .221 in 5 % of white series, (1 - g)^25 26 = .05, but in
    more than half of those of rho = .8.
    """
    power = np.abs(np.fft.rfft(spectra.without(noise(0.8), COLUMNS))[:, 1:]) ** 2
    assert (power.max(axis=1) / power.sum(axis=1) > 0.221).mean() > 0.5


@pytest.mark.parametrize("period", [3.0, 6.0, 9.0])
def test_a_wave_is_found_with_its_period(null, period):
    """Of twice the deviation of the noise, in 98 % at p < .01; the period within a tenth."""
    phases = 2 * np.pi * np.random.default_rng(2).random((STREAMS, 1))
    told = found(noise(0.0) + 2.0 * np.cos(2 * np.pi * np.arange(N) / period + phases))
    assert (null.p_wave(told) < 0.01).mean() > 0.98
    assert np.mean(np.abs(told.period / period - 1) < 0.1) > 0.98


def test_a_swing_from_step_to_step_is_a_wave_of_two(null):
    told = found(noise(0.0) + 1.5 * (-1.0) ** np.arange(N))
    assert (null.p_wave(told) < 0.01).mean() > 0.98
    assert np.median(told.period) == pytest.approx(2.0)


def test_growing_variance_is_found(null):
    series = noise(0.0) * np.linspace(0.5, 3.0, N)
    p = null.p_growth(spectra.growth(spectra.without(series, COLUMNS)), found(series))
    assert (p < 0.05).mean() > 0.9


def test_a_trend_is_its_change_over_the_whole():
    series = np.stack([np.linspace(0, 1, N), np.zeros(N)]) + 1e-6 * noise(0.0)[:2]
    change, errors = spectra.trend(series, COLUMNS)
    assert change == pytest.approx([N / (N - 1), 0], abs=1e-4)
    assert errors[0] > 1e3


@pytest.mark.parametrize("period", [2.0, 7.0])
def test_the_local_amplitude_is_that_of_the_wave(period):
    local = spectra.amplitudes(0.3 * np.cos(2 * np.pi * np.arange(140) / period), period)
    assert local[40:100] == pytest.approx(0.3, abs=0.02)


def test_repeats_and_overlap_are_shares_of_pairs():
    """Showings a, a, b, c: one of six pairs. Two of three members saw a, one b: 2 / (2 x 3)."""
    assert repeats(np.array([2.0, 1.0, 1.0])) == pytest.approx(1 / 6)
    assert overlap(np.array([2.0, 1.0, 0.0]), np.array(3.0)) == pytest.approx(2 / 6)
    assert overlap(np.array([3.0, 3.0]), np.array(3.0)) == pytest.approx(1.0)
    assert repeats(np.array([1.0, 0.0])) == overlap(np.array([1.0]), np.array(1.0)) == 0.0

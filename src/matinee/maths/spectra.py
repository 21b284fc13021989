"""Swings in series: is there a period, growth or a trend that red noise, AR(1), would not have by chance?

A series (n,) is compared with x_t = rho x_(t-1) + e_t, 0 <= rho < 1: drifts of its own keep no beat, and against white
noise nearly every drift looks like one. rho is what is left at lag one once the strongest wave is taken out; null
distributions are simulated (a parametric bootstrap), each draw treated as the series is. What swings from one step to
the next, rho < 0, is no red noise and counts as a wave. Mann and Lees, "Robust estimation of background noise and
signal detection in climatic time series", 1996; Davison and Hinkley, "Bootstrap Methods", 1997, chapter 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from scipy.signal import lfilter

from matinee.maths.arrays import Doubles

RHOS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 0.9])
DRAWS = 2_000
WARM_UP = 64  # steps before a simulated series begins
FINE = 4  # frequencies looked at for each whole wave, so that none falls between two
FEWEST = 4  # waves in a series, below which it is a drift that turned


class Waves(NamedTuple):
    """Of each series (series,): how far its strongest wave stands out of red noise, its `period` in steps, and `rho`
    of the rest.
    """

    peaks: Doubles
    period: Doubles
    rho: Doubles


def design(n: int, season: int = 1) -> Doubles:
    """(n, columns) what is taken out of series before they are looked at: level, line, and a `season` of so many
    steps, such as 7 for days.
    """
    steps = np.arange(n)
    seasons = (steps[:, None] % season == np.arange(1, season)).astype(np.float64)
    return np.column_stack([np.ones(n), steps / n - 0.5, seasons])


def without(series: Doubles, columns: Doubles) -> Doubles:
    """(..., n) the residuals of `series` (..., n) after a least-squares fit of `columns` (n, k)."""
    assert series.shape[-1] == len(columns), f"series {series.shape} on columns {columns.shape}"
    basis = np.linalg.qr(columns)[0]
    return np.asarray(series - (series @ basis) @ basis.T)


def frequencies(n: int) -> Doubles:
    """w, radians a step: from `FEWEST` waves in n steps to a wave in two, `FINE` of them for each whole wave."""
    return np.asarray(2 * np.pi * np.arange(FINE * FEWEST, FINE * n // 2 + 1) / (FINE * n))


def periodogram(series: Doubles) -> Doubles:
    """(..., frequencies) |sum_t x_t e^(-i w t)|^2 / n of series (..., n) at the `frequencies` of n."""
    n = series.shape[-1]
    return np.asarray(np.abs(np.fft.rfft(series, FINE * n, axis=-1)[..., FINE * FEWEST :]) ** 2 / n)


def lag_one(series: Doubles) -> Doubles:
    """(...,) the autocorrelation at lag one of series of mean 0 (..., n); 0 for a constant."""
    power = np.square(series).sum(axis=-1)
    found = (series[..., 1:] * series[..., :-1]).sum(axis=-1)
    return np.asarray(np.divide(found, power, out=np.zeros_like(found), where=power > 0))


def red_spectrum(rho: Doubles, at: Doubles) -> Doubles:
    """(..., frequencies) the spectrum of AR(1) of variance 1, (1 - rho^2) / (1 - 2 rho cos w + rho^2), w = `at`."""
    assert at.ndim == 1, f"frequencies {at.shape}"
    rho = np.asarray(rho)[..., None]
    return np.asarray((1 - rho**2) / (1 - 2 * rho * np.cos(at) + rho**2))


def waves(residuals: Doubles) -> Waves:
    """The strongest wave of each of `residuals` (series, n) against the red noise of the rest.

    `peaks`: its ordinate over the red spectrum, in units of the mean of all that are not beside it: 1 on average where
    there is only noise.
    """
    at = frequencies(residuals.shape[1])
    ordinates, rows = periodogram(residuals), np.arange(len(residuals))
    strongest = (ordinates / red_spectrum(_red(lag_one(residuals)), at)).argmax(axis=1)
    rho = _red(lag_one(_without_wave(residuals, at[strongest])))
    ratios = ordinates / red_spectrum(rho, at)
    strongest = ratios.argmax(axis=1)
    apart = np.abs(np.arange(len(at)) - strongest[:, None]) > FINE
    others = (ratios * apart).sum(axis=1) / apart.sum(axis=1)
    peaks = ratios[rows, strongest]
    peaks = np.divide(peaks, others, out=np.zeros_like(peaks), where=others > 0)
    return Waves(peaks, 2 * np.pi / at[strongest], rho)


def amplitudes(residuals: Doubles, period: float) -> Doubles:
    """(n,) the local amplitude of the wave of this `period` in one series (n,), over four of its periods around."""
    n = len(residuals)
    turned = residuals * np.exp(-2j * np.pi * np.arange(n) / period)
    width = min(n, max(4, round(4 * period)))
    mean = np.convolve(turned, np.ones(width), "same") / np.convolve(np.ones(n), np.ones(width), "same")
    return np.asarray(np.abs(mean) * (1.0 if period < 2.0 + 2.0 / n else 2.0))


def growth(residuals: Doubles) -> Doubles:
    """(series,) the slope over the whole of the log of the variance in windows of a quarter of the steps."""
    width = max(4, residuals.shape[1] // 4)
    sums = np.cumsum(np.pad(np.square(residuals), ((0, 0), (1, 0))), axis=1)
    spread = np.log(np.maximum((sums[:, width:] - sums[:, :-width]) / width, 1e-300))
    across = np.linspace(-0.5, 0.5, spread.shape[1])
    return np.asarray(spread @ across / (across @ across))


def trend(series: Doubles, columns: Doubles) -> tuple[Doubles, Doubles]:
    """(series,) the change over the whole of each of `series` (series, n), and it in units of its standard error as if
    noise were white; `columns` as of `design`.
    """
    assert series.shape == (len(series), len(columns)), f"series {series.shape} on columns {columns.shape}"
    fit, *_ = np.linalg.lstsq(columns, series.T, rcond=None)
    left = np.square(series.T - columns @ fit).sum(axis=0) / (len(columns) - columns.shape[1])
    error = np.sqrt(left * np.linalg.inv(columns.T @ columns)[1, 1])
    return fit[1], np.divide(fit[1], error, out=np.zeros_like(error), where=error > 0)


@dataclass(frozen=True)
class RedNoise:
    """What red noise of a length does by chance, for each of `RHOS`: the mean `rho` that is seen (rhos,), and sorted
    `peaks`, `growths` and `trends` (rhos, draws).
    """

    columns: Doubles
    rho: Doubles
    peaks: Doubles
    growths: Doubles
    trends: Doubles

    @classmethod
    def drawn(cls, columns: Doubles, rng: np.random.Generator, draws: int = DRAWS) -> Self:
        """Simulated, `draws` series for each rho, from which `columns` (n, k) are taken out."""
        seen, found = [], []
        noise = rng.standard_normal((draws, len(columns) + WARM_UP))
        for rho in RHOS:
            series = lfilter([1.0], [1.0, -rho], noise, axis=1)[:, WARM_UP:]
            residuals = without(series, columns)
            told = waves(residuals)
            seen.append(told.rho.mean())
            found.append([told.peaks, growth(residuals), trend(series, columns)[1]])
        peaks, growths, trends = np.sort(np.array(found), axis=2).transpose(1, 0, 2)
        return cls(columns, np.maximum.accumulate(seen), peaks, growths, trends)

    def p_wave(self, told: Waves) -> Doubles:
        """(series,) how likely red noise has a wave that stands out as far."""
        return self._above(self.peaks, told.peaks, told.rho)

    def p_growth(self, growths: Doubles, told: Waves) -> Doubles:
        """(series,) how likely its variance grows as much."""
        return self._above(self.growths, growths, told.rho)

    def p_trend(self, trends: Doubles, told: Waves) -> Doubles:
        """(series,) how likely it rises as far, in standard errors as if noise were white."""
        return self._above(self.trends, trends, told.rho)

    def _above(self, null: Doubles, values: Doubles, seen: Doubles) -> Doubles:
        """The largest share of draws at least as large, over the rhos that may well have shown what is `seen`."""
        reached = np.stack([null.shape[1] - np.searchsorted(one, values) for one in null])
        apart = np.abs(self.rho[:, None] - seen)
        likely = apart <= np.maximum(2.0 / np.sqrt(len(self.columns)), apart.min(axis=0))
        return np.asarray((1.0 + np.where(likely, reached, 0).max(axis=0)) / (1.0 + null.shape[1]))


def _red(rho: Doubles) -> Doubles:
    return np.clip(rho, 0.0, 0.99)


def _without_wave(residuals: Doubles, at: Doubles) -> Doubles:
    """The residuals (series, n) without their wave of frequency `at` (series,), by least squares."""
    turns = at[:, None] * np.arange(residuals.shape[1])
    both = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    gram = both @ both.transpose(0, 2, 1) + 1e-9 * np.eye(2)
    weights = np.linalg.solve(gram, both @ residuals[:, :, None])
    return np.asarray(residuals - (weights.transpose(0, 2, 1) @ both)[:, 0])

"""Feedback loops in a service's own log: do shares of genres swing, does the choice narrow, do members see the same?

Time is cut into days or, where models are retrained weekly or less often, weeks. Alarms share `ALPHA`: in a service
without a loop at most that share of reports has any.

A thinned log kept some accounts whole: within a step, shares of genres, repeats and overlap are those of a sample of
members, unbiased without weights, and chance is that of what is there. Coverage and inequality move with the number of
showings; they are not told of steps of which some were thinned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy import sparse

from matinee.catalog import Catalog
from matinee.data.genres import genre_shares
from matinee.data.shown_choices import STANDS_FOR, thinned_until
from matinee.events import DAY
from matinee.maths import spectra
from matinee.maths.arrays import Doubles
from matinee.maths.beyond_accuracy import coverage, gini, overlap, repeats
from matinee.maths.significance import holm
from matinee.maths.spectra import RedNoise

LEAST, MOST = 42, 182  # days, or weeks, that are needed and that are looked at
WEEKS = 7.0  # days between trainings from which weeks are looked at, where there are enough
SHOWN = 100  # titles shown, below which a day or week counts as missing
PRESENT = 0.9  # share of days or weeks that may not be missing
RARE = 0.01  # share of what was shown, below which a genre is not followed
ALPHA = {"swing": 0.03, "growth": 0.01, "narrowing": 0.005, "sameness": 0.005}  # of a whole report, 0.05
MATERIAL = 0.1  # relative change, below which a trend is no alarm
NEW_DAYS, LATELY = 60, 28  # days since it arrived during which a title is new, and of which its showings count
STARVED = 0.1  # of an even share of what was shown, below which a new title is starved
NEAR = 0.2  # of once or twice the time between trainings


class Kind(StrEnum):
    """What an alarm says."""

    SWING = "swing"
    GROWTH = "growth"
    NARROWING = "narrowing"
    SAMENESS = "sameness"


@dataclass(frozen=True, slots=True)
class Alarm:
    """`kind`; `genres` that it is about, the strongest first; the day (ISO) `since` when; `p`, corrected for genres.

    `size`: of a swing the amplitude relative to the genre's share; of growth the factor of the variance from the first
    to the last quarter; of a trend the relative change over the time looked at. `period` in days, and whether it is
    `near_training`: within a fifth of once or twice the time between trainings.
    """

    kind: Kind
    genres: tuple[str, ...]
    since: str
    p: float
    size: float
    period: float | None = None
    near_training: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """A measure of exposure in the first and the last quarter of the time."""

    name: str
    about: str
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Loops:
    """What the log says of feedback loops. `steps` of `step_days` from `since` to `until` (ISO days) were looked at;
    fewer than `needed` tell nothing, then there are no alarms. `training_days`: median time between trainings, None
    where models did not change. `dispersion`: variance of genres' shares, in units of what chance gives independent
    titles; `lag_one`: their correlation from one step to the next, below 0 where each step turns the last one around.
    `genres` names, with `shares` of the course (steps, genres). `new` titles arrived in the last `NEW_DAYS`, of which
    `starved` were shown less than `STARVED` times an even share lately.
    """

    steps: int
    step_days: int
    needed: int
    since: str | None
    until: str | None
    training_days: float | None
    alarms: tuple[Alarm, ...] = ()
    levels: tuple[Level, ...] = ()
    dispersion: float = float("nan")
    lag_one: float = float("nan")
    genres: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    shares: tuple[tuple[float, ...], ...] = ()
    new: int = 0
    starved: int = 0

    @property
    def told(self) -> bool:
        """Whether there is enough to tell anything."""
        return self.steps >= self.needed


class Exposure(NamedTuple):
    """What was shown step by step: `shown` titles (steps,), `genres` (steps, genres) with a title's genres sharing it,
    and of the titles `repeats`, `overlap`, `coverage` and `gini` (steps,). Of a missing step `shown` is 0, these NaN.
    """

    shown: Doubles
    genres: Doubles
    repeats: Doubles
    overlap: Doubles
    coverage: Doubles
    gini: Doubles


MEASURES = {  # the measures of exposure that are followed
    "repeats": "chance that two showings are of one title",
    "overlap": "share of a member's titles that another member, drawn at random, was shown too",
    "coverage": "share of the catalogue shown in a step",
    "gini": "inequality of exposure over titles in a step, 0 = equal",
}
BY_NUMBER = ("coverage", "gini")  # of them, those that move with the number of showings


def loops_of(shown: pl.DataFrame, catalog: Catalog, rng: np.random.Generator) -> Loops:
    """Alarms out of titles that were shown (`data.shown_choices.SHOWN`), those of the latest `MOST` days or weeks.

    `rng` draws the null distributions.
    """
    new, starved = starved_of(shown, catalog)
    return replace(_looped(shown, catalog, rng), new=new, starved=starved)


def starved_of(shown: pl.DataFrame, catalog: Catalog) -> tuple[int, int]:
    """How many titles are new at the end of what was `shown`, and how many of them hardly anybody was shown lately.

    A title counts once it has been there for half of `LATELY`; an even share is what was shown lately / titles.
    """
    if shown.is_empty():
        return 0, 0
    now = int(shown["time"].to_numpy().max())
    new = (catalog.arrived > now - NEW_DAYS * DAY) & (catalog.arrived < now - LATELY // 2 * DAY)
    lately = shown.filter(pl.col("time") > now - LATELY * DAY).select("item", often=STANDS_FOR)
    counts = np.bincount(lately["item"].to_numpy(), lately["often"].to_numpy(), len(catalog))
    return int(new.sum()), int((counts[new] < STARVED * counts.sum() / len(catalog)).sum())


def _looped(shown: pl.DataFrame, catalog: Catalog, rng: np.random.Generator) -> Loops:
    training = training_days(shown)
    days = shown["time"].to_numpy() // DAY
    span = int(days.max() - days.min() + 1) if len(days) else 0
    width = 7 if training is not None and training >= WEEKS and span >= 7 * LEAST else 1
    steps = min(span // width, MOST)
    if steps < LEAST:
        since, until = (_day(int(days.min())), _day(int(days.max()))) if len(days) else (None, None)
        return Loops(steps, width, LEAST, since, until, training)
    first = int(days.max()) + 1 - steps * width
    lately = shown.filter(days >= first)
    exposure = exposure_of(lately, catalog, first, width, steps)
    null = RedNoise.drawn(spectra.design(steps, 7 if width == 1 else 1), rng)
    found = detect(exposure, catalog.genres, null, first, width, training)
    if not thinned_until(lately):
        return found
    return replace(found, levels=tuple(one for one in found.levels if one.name not in BY_NUMBER))


def exposure_of(shown: pl.DataFrame, catalog: Catalog, first: int, width: int, steps: int) -> Exposure:
    """The exposure of `steps` of `width` days from the day `first` (days since 1970) on."""
    step, items = (shown["time"].to_numpy() // DAY - first) // width, shown["item"].to_numpy()
    by_title = sparse.csr_matrix((np.ones(len(items)), (step, items)), (steps, len(catalog)))
    seen = pl.DataFrame({"step": step, "item": items, "user": shown["user_id"]}).filter(pl.col("user") != "").unique()
    places = seen["step"].to_numpy(), seen["item"].to_numpy()
    viewers = sparse.csr_matrix((np.ones(seen.height), places), by_title.shape)
    members = seen.group_by("step").agg(pl.col("user").n_unique())
    reached = np.zeros(steps)
    reached[members["step"].to_numpy()] = members["user"].to_numpy()
    total = np.asarray(by_title.sum(axis=1)).ravel()
    genres = np.asarray((by_title @ genre_shares(catalog)).todense())
    of_titles = np.full((4, steps), np.nan)
    for at in np.flatnonzero(total >= SHOWN):
        counts = by_title[at].toarray()[0]
        of_titles[:, at] = (
            repeats(counts),
            overlap(viewers[at].toarray()[0], reached[at]),
            coverage(counts),
            gini(counts),
        )
    return Exposure(np.where(total >= SHOWN, total, 0.0), genres, *of_titles)


def training_days(shown: pl.DataFrame) -> float | None:
    """The median days between first decisions by one artifact and the next of a policy; None without any."""
    firsts = shown.filter(pl.col("artifact") != "").group_by("policy", "artifact").agg(pl.col("time").min())
    gaps = firsts.sort("policy", "time").select(pl.col("time").diff().over("policy")).drop_nulls()["time"]
    median = gaps.median()
    return float(median) / DAY if isinstance(median, int | float) else None


def detect(
    exposure: Exposure, names: tuple[str, ...], null: RedNoise, first: int, width: int, training: float | None
) -> Loops:
    """The alarms of an exposure, against `null` of as many steps; `first`, `width` and `training` in days."""
    steps = len(exposure.shown)
    days = tuple(_day(first + width * step) for step in range(steps))
    present = exposure.shown > 0
    if present.mean() < PRESENT:
        return Loops(int(present.sum()), width, LEAST, days[0], days[-1], training)
    genres = _filled(np.where(present[:, None], exposure.genres, np.nan))
    shares = genres / np.maximum(genres.sum(axis=1, keepdims=True), 1e-9)
    followed = np.flatnonzero(shares.mean(axis=0) >= RARE)
    courses = _Courses.of(shares[:, followed].T, exposure.shown, null)
    alarms = [*_swings(courses, null), *_growths(courses, null), *_trends(exposure, null)]
    return Loops(
        steps, width, LEAST, days[0], days[-1], training,
        alarms=tuple(_alarm(one, [names[k] for k in followed], days, width, training) for one in alarms),
        levels=tuple(_levels(exposure)),
        dispersion=courses.dispersion,
        lag_one=courses.lag_one,
        genres=tuple(names[k] for k in followed),
        days=days,
        shares=tuple(map(tuple, shares[:, followed].tolist())),
    )  # fmt: skip


class _Found(NamedTuple):
    """An alarm in steps and numbers of genres."""

    kind: Kind
    genres: list[int]
    since: int
    p: float
    size: float
    period: float | None = None


class _Courses(NamedTuple):
    """Shares of genres (genres, steps), their residuals in units of their standard deviation, and `waves` in these."""

    shares: Doubles
    residuals: Doubles
    scaled: Doubles
    waves: spectra.Waves
    dispersion: float

    @classmethod
    def of(cls, shares: Doubles, shown: Doubles, null: RedNoise) -> _Courses:
        """The variance of a share p in a step that showed N titles is taken as a + p (1 - p) / N, a >= 0."""
        residuals = spectra.without(shares, null.columns)
        means = shares.mean(axis=1, keepdims=True)
        chance = means * (1 - means) / np.maximum(shown, np.median(shown[shown > 0]) / 10)
        freedom = 1 - null.columns.shape[1] / len(shown)
        variance = np.square(residuals).mean(axis=1, keepdims=True) / freedom
        more = np.maximum(variance - chance.mean(axis=1, keepdims=True), 0.0)
        scaled = residuals / np.sqrt(more + chance)
        dispersion = float((variance / chance.mean(axis=1, keepdims=True)).mean()) if len(shares) else float("nan")
        return cls(shares, residuals, scaled, spectra.waves(scaled), dispersion)

    @property
    def lag_one(self) -> float:
        """Of all genres together."""
        left = self.residuals
        return float((left[:, 1:] * left[:, :-1]).sum() / max(np.square(left).sum(), 1e-300))


def _swings(courses: _Courses, null: RedNoise) -> Iterator[_Found]:
    p = holm(null.p_wave(courses.waves))
    swinging = np.flatnonzero(p <= ALPHA["swing"])
    if not len(swinging):
        return
    order = swinging[np.argsort(-courses.waves.peaks[swinging], kind="stable")]
    best = int(order[0])
    period = float(courses.waves.period[best])
    local = spectra.amplitudes(courses.residuals[best], period)
    relative = float(np.median(local) / courses.shares[best].mean())
    yield _Found(Kind.SWING, order.tolist(), _onset(local), float(p[best]), relative, period)


def _growths(courses: _Courses, null: RedNoise) -> Iterator[_Found]:
    p = holm(null.p_growth(spectra.growth(courses.scaled), courses.waves))
    growing = np.flatnonzero(p <= ALPHA["growth"])
    if not len(growing):
        return
    order = growing[np.argsort(p[growing], kind="stable")]
    quarter = courses.scaled.shape[1] // 4
    squares = np.square(courses.scaled[order[0]])
    factor = float(squares[-quarter:].mean() / max(squares[:quarter].mean(), 1e-300))
    yield _Found(Kind.GROWTH, order.tolist(), squares.shape[0] // 2, float(p[order[0]]), factor)


def _trends(exposure: Exposure, null: RedNoise) -> Iterator[_Found]:
    for kind, course in ((Kind.NARROWING, exposure.repeats), (Kind.SAMENESS, exposure.overlap)):
        series = np.log(np.maximum(_filled(course[:, None]).T, 1e-9))
        change, errors = spectra.trend(series, null.columns)
        p = float(null.p_trend(errors, spectra.waves(spectra.without(series, null.columns)))[0])
        size = float(np.expm1(change[0]))
        if p <= ALPHA[kind] and size >= MATERIAL:
            yield _Found(kind, [], 0, p, size)


def _levels(exposure: Exposure) -> Iterator[Level]:
    quarter = len(exposure.shown) // 4
    for name, about in MEASURES.items():
        course = getattr(exposure, name)
        yield Level(name, about, float(np.nanmean(course[:quarter])), float(np.nanmean(course[-quarter:])))


def _alarm(found: _Found, names: list[str], days: tuple[str, ...], width: int, training: float | None) -> Alarm:
    period = None if found.period is None else found.period * width
    near = period is not None and training is not None and _near(period, training)
    genres = tuple(names[k] for k in found.genres)
    return Alarm(found.kind, genres, days[found.since], found.p, found.size, period, near)


def _near(period: float, training: float) -> bool:
    return any(abs(period - times * training) <= NEAR * times * training for times in (1, 2))


def _onset(local: Doubles) -> int:
    """The first step from which the amplitude is above half of its median for good, or the first at all."""
    low = np.flatnonzero(local < np.median(local) / 2)
    return int(low[-1] + 1) if len(low) and low[-1] < len(local) // 2 else int((local >= np.median(local) / 2).argmax())


def _filled(courses: Doubles) -> Doubles:
    """(steps, k) with missing steps filled along the line between their neighbours."""
    known = np.flatnonzero(np.isfinite(courses).all(axis=1))
    steps = np.arange(len(courses))
    return np.column_stack([np.interp(steps, known, column[known]) for column in courses.T])


def _day(day: int) -> str:
    return datetime.fromtimestamp(day * DAY / 1e6, UTC).date().isoformat()

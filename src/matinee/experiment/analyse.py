"""What came of an experiment: each arm against the control, day by day, with bands that hold under peeking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from matinee.events import DAY
from matinee.experiment.definition import Experiment, instant
from matinee.experiment.panel import Panel
from matinee.maths.arrays import Doubles, Int8s, Int64s
from matinee.maths.sequential import (
    LEVEL,
    Difference,
    cuped,
    mixture_p,
    mixture_radius,
    moments,
    narrowest_at,
    ratio_log_e,
    ratio_p,
    welch,
)

FIRST_LOOK = 50  # accounts that every arm has before anything is said
RATIO_LEVEL = 0.99  # of the sample-ratio check
PLANNED = 28  # days for which bands are narrowest; the same for all, as an end that moves would move the bands


class Verdict(StrEnum):
    """What the band of an arm says of it beside the control."""

    BETTER = "better than"
    WORSE = "worse than"
    OPEN = "not clearly different from"
    EARLY = "too early to compare with"


@dataclass(frozen=True, slots=True)
class ArmTotal:
    """An arm at the last look: its accounts, and its mean per account and day (as measured, without CUPED)."""

    name: str
    share: float
    accounts: int
    mean: float


@dataclass(frozen=True, slots=True)
class Course:
    """An arm less the control, a number a day (days,): per account and day, with its band; NaN before the first look.

    `p`: the least p-value so far, valid whenever somebody stops. `relative`: the last difference as a share of the
    control's mean; NaN where that is 0.
    """

    arm: str
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    p: tuple[float, ...]
    relative: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Ratio:
    """Whether accounts came in the shares asked for: `p` for one look, `always_p` however often somebody looked."""

    p: float
    always_p: float
    alarm: bool


@dataclass(frozen=True, slots=True)
class Analysis:
    """What came of an experiment until the last day of `days` (ISO dates). The first arm is the control.

    `accounts`: how many had entered by each day. `variance_left`: the share of the variance that CUPED left, 1 where
    nothing was known beforehand. `left_out`: accounts and decisions that do not count, by reason.
    """

    name: str
    surface: str
    metric: str
    level: float
    days: tuple[str, ...]
    accounts: tuple[int, ...]
    arms: tuple[ArmTotal, ...]
    courses: tuple[Course, ...]
    ratio: Ratio
    variance_left: float
    left_out: tuple[tuple[str, int], ...]


class _Look(NamedTuple):
    """One day: counts (arms,), differences to the control and their errors (arms - 1,), per account so far."""

    counts: Int64s
    means: Doubles
    found: Difference
    age: float
    variance_left: float


def analyse(experiment: Experiment, panel: Panel, metric: str, level: float = LEVEL) -> Analysis:
    """Look at a panel day by day, as if somebody had looked every day.

    With several arms beside the control the level is shared among them (Bonferroni), so that all bands together hold
    the truth on all days with probability `level`. The unit of the bands' information is set at the first look (see
    `_information`); what days add to one another may be correlated, as the same people come again: that makes the band
    wider than it must be, never too narrow (Slepian's inequality), as long as it is not negative.
    """
    looks = list(_looks(panel, len(experiment.arms)))
    shares = np.array([float(one) for one in experiment.shares])
    own = 1 - (1 - level) / (len(experiment.arms) - 1)
    last = looks[-1] if looks else _nothing(len(experiment.arms))
    age = last.age or np.nan
    totals = zip(experiment.arms, last.counts, last.means / age, strict=True)
    return Analysis(
        name=experiment.name,
        surface=experiment.surface,
        metric=metric,
        level=level,
        days=tuple(instant(experiment.start + day * DAY)[:10] for day in range(len(looks))),
        accounts=tuple(int(look.counts.sum()) for look in looks),
        arms=tuple(ArmTotal(arm.name, arm.share, int(count), float(mean)) for arm, count, mean in totals),
        courses=_courses(experiment, looks, own),
        ratio=_ratio(looks, shares / shares.sum()),
        variance_left=last.variance_left,
        left_out=tuple(panel.left_out.items()),
    )


def _looks(panel: Panel, arms: int) -> Iterator[_Look]:
    """What is known at the end of each day; totals grow, so that memory is that of the accounts."""
    totals = np.zeros(len(panel.arms))
    order = np.argsort(panel.days, kind="stable")
    ends = np.searchsorted(panel.days[order], np.arange(panel.length), side="right")
    start = 0
    for day, end in enumerate(ends):
        lines = order[start:end]
        np.add.at(totals, panel.accounts[lines], panel.values[lines])
        start = end
        there = panel.entered <= day
        age = float((day + 1 - panel.entered[there]).mean()) if there.any() else 0.0
        yield _look(totals[there], panel.before[there], panel.arms[there], arms, age)


def _look(totals: Doubles, before: Doubles, own: Int8s, arms: int, age: float) -> _Look:
    in_arm = [own == arm for arm in range(arms)]
    counts = np.array([np.count_nonzero(one) for one in in_arm])
    if counts.min() < FIRST_LOOK:
        return _nothing(arms)._replace(counts=counts, age=age)
    adjusted = cuped(totals, before)
    control, *others = [moments(adjusted[one]) for one in in_arm]
    found = [welch(one, control) for one in others]
    spread = totals.var()
    return _Look(
        counts,
        np.array([totals[one].mean() for one in in_arm]),
        Difference(*(np.array(column) for column in zip(*found, strict=True))),
        age,
        float(adjusted.var() / spread) if spread > 0 else 1.0,
    )


def _nothing(arms: int) -> _Look:
    unknown = np.full(arms - 1, np.nan)
    means = np.full(arms, np.nan)
    return _Look(np.zeros(arms, np.int64), means, Difference(unknown, unknown, unknown), 0.0, 1.0)


def _courses(experiment: Experiment, looks: list[_Look], level: float) -> tuple[Course, ...]:
    if not looks:
        return tuple(_course(arm.name, np.empty((3, 0)), np.empty(0), np.nan) for arm in experiment.arms[1:])
    values, deviations = (np.array([one.found[at] for one in looks]) for at in (0, 1))  # (days, arms - 1)
    accounts = np.array([one.counts.sum() for one in looks], np.float64)
    ages = np.array([one.age or np.nan for one in looks])
    information = _information(deviations, accounts, level)
    radius = mixture_radius(deviations, information, level)
    z = np.divide(values, deviations, out=np.zeros_like(values), where=deviations > 0)
    p = np.fmin.accumulate(mixture_p(z, information), axis=0)
    bands = np.stack([values, values - radius, values + radius]) / ages[:, None]
    base = looks[-1].means[0] or np.nan
    return tuple(
        _course(arm.name, bands[:, :, at], p[:, at], values[-1, at] / base)
        for at, arm in enumerate(experiment.arms[1:])
    )


def _course(arm: str, band: Doubles, p: Doubles, relative: float) -> Course:
    """`band` (3, days): the difference, and its low and high end."""
    values, lows, highs = (tuple(one.tolist()) for one in band)
    return Course(arm, values, lows, highs, tuple(p.tolist()), float(relative), _verdict(band[:, -1:]))


def _verdict(last: Doubles) -> Verdict:
    if not np.isfinite(last).all() or not last.size:
        return Verdict.EARLY
    _, low, high = last[:, 0]
    return Verdict.BETTER if low > 0 else Verdict.WORSE if high < 0 else Verdict.OPEN


def _information(deviations: Doubles, accounts: Doubles, level: float) -> Doubles:
    """The variance of the summed difference so far, (days, arms - 1), in a unit known at the first look.

    A unit is chosen so that the band is narrowest between two guesses of the variance after `PLANNED` days: as many
    times that of the first look where days are independent, its square where the same accounts differ on every day.
    """
    summed = (deviations * accounts[:, None]) ** 2
    first = np.array([next((one for one in column if one > 0), np.nan) for column in summed.T])
    return np.asarray(np.maximum(summed / first, np.finfo(float).tiny) * narrowest_at(level) / PLANNED**1.5)


def _ratio(looks: list[_Look], shares: Doubles) -> Ratio:
    counts = [look.counts for look in looks if look.counts.any()]
    if not counts:
        return Ratio(1.0, 1.0, False)
    always_p = float(np.exp(-max(0.0, *(ratio_log_e(one, shares) for one in counts), 0.0)))
    return Ratio(ratio_p(counts[-1], shares), always_p, always_p < 1 - RATIO_LEVEL)

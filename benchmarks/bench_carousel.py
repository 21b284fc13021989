"""Carousels by segment and by taste: cumulative regret of choosers, with and without the cascade.

    python benchmarks/bench_carousel.py

A world of `simulate.carousel` (862 lists, 12 slots of which 3 are visible, 20,000 members a day, 100 days, what was
learned frozen within a day), seed 0. Members of a segment who come on a day share `COHORTS` draws of a Thompson
sampler: each list is as likely as if everybody had a draw of their own. Each rule: `regret`, the plays lost over all
days, and `ratio`, that regret to that of Thompson sampling by segment with the pessimistic prior, paired; each [value,
low, high] with the middle 95 % of 1,000 resamples of segments. `days`: the sum after every tenth day. `patience ...`:
the ratios again where members swipe on more or less often, in worlds of a fifth of the size. Writes
`var/carousel.html`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from machine import machine

from matinee.decision import Progress, no_progress
from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.maths.inner_products import best_inner_products
from matinee.maths.intervals import bootstrap_weights, percentile_interval
from matinee.policies.arm_kernels import add_rewards
from matinee.policies.independent import BetaBelief, Told
from matinee.policies.slates import looks
from matinee.report.courses import LINES, Series
from matinee.report.curves import Curves, CurvesReport, Rows, Section
from matinee.simulate.carousel import Carousel, CarouselConfig, Shown

DAYS, COHORTS, SEED, DRAWS = 100, 4, 0, 1_000
PAGE = Path(__file__).resolve().parents[1] / "var" / "carousel.html"
LEAD = "What choosers of carousels lose against the best carousel of each member, with 95 % intervals over segments."
OTHERS, SIZES = (0.5, 0.85), ("members", "asking", "segments")
PRIORS, WITHOUT = ("pessimistic prior", "uniform prior"), "without the cascade"
PESSIMISTIC, UNIFORM = BetaBelief(1.0, 99.0), BetaBelief(1.0, 1.0)


class Chooser(Protocol):
    """Shows lists (asking, slots) by day and learns at night."""

    def lists(self, members: Int64s, day: int, rng: np.random.Generator) -> Int32s:
        """What each is shown."""
        ...

    def learn(self, shown: Shown) -> None:
        """From a day."""
        ...


@dataclass
class BySegment:
    """Scores of lists by segment (cohorts, segments, lists) out of what is told of each; the same for a cohort."""

    world: Carousel
    scores: Callable[[Told, int, np.random.Generator], Doubles]
    cohorts: int = COHORTS
    patience: float | None = None
    by_chance: float = 0.0
    told: Told = field(init=False)

    def __post_init__(self) -> None:
        nothing = np.zeros((self.world.config.segments, self.world.config.lists))
        self.told = Told(nothing, nothing)

    def lists(self, members: Int64s, day: int, rng: np.random.Generator) -> Int32s:
        """What each is shown."""
        slots = self.world.config.slots
        by_cohort = np.stack([_top(self.scores(self.told, day, rng), slots) for _ in range(self.cohorts)])
        chosen = by_cohort[rng.integers(self.cohorts, size=len(members)), self.world.segments[members]]
        chance = rng.random(len(members)) < self.by_chance
        chosen[chance] = _random(self.world, int(chance.sum()), rng)
        return chosen

    def learn(self, shown: Shown) -> None:
        """From a day."""
        segments, (counts, sums) = self.world.segments[shown.members][:, None], (self.told.counts, self.told.sums)
        chances = PESSIMISTIC.moments(self.told)[0][segments, shown.lists]
        told = _looks(self.world, shown, chances, self.patience)
        cells = (segments * self.world.config.lists + shown.lists).ravel()
        counts, sums = (
            old + np.bincount(cells, new.ravel(), old.size).reshape(old.shape)
            for old, new in ((counts, told), (sums, shown.played))
        )
        self.told = Told(counts, sums)


@dataclass
class ByTaste:
    """One Bayesian linear model a list over 1 and the member's taste, weights drawn once a cohort (linear TS)."""

    world: Carousel
    base_rate: float = 0.01
    deviation: float = 0.03
    noise: float = 0.1
    products: Doubles = field(init=False)
    sums: Doubles = field(init=False)

    def __post_init__(self) -> None:
        size, lists = self.world.config.size + 1, self.world.config.lists
        self.products, self.sums = np.zeros((lists, size * (size + 1) // 2)), np.zeros((lists, size))

    def lists(self, members: Int64s, day: int, rng: np.random.Generator) -> Int32s:
        """What each is shown."""
        points, cohort = self._points(members), rng.integers(COHORTS, size=len(members))
        found = np.empty((len(members), self.world.config.slots), np.int32)
        mean, root = self._posterior()
        for k in range(COHORTS):
            weights = mean + np.einsum("lij,lj->li", root, rng.standard_normal(mean.shape))
            top, _ = best_inner_products(
                weights.astype(np.float32), points[cohort == k].astype(np.float32), self.world.config.slots, 1
            )
            found[cohort == k] = top
        return found

    def learn(self, shown: Shown) -> None:
        """From a day."""
        told = _looks(self.world, shown, np.full(shown.lists.shape, self.base_rate)).ravel()
        points = np.repeat(self._points(shown.members), self.world.config.slots, axis=0)
        rewards = shown.played.ravel().astype(np.float64)  # of slots that were surely looked at: they count 1
        add_rewards(points, shown.lists.ravel(), rewards, told, self.products, self.sums)

    def _points(self, members: Int64s) -> Doubles:
        return np.hstack([np.ones((len(members), 1)), self.world.tastes[members]])

    def _posterior(self) -> tuple[Doubles, Doubles]:
        """(lists, size) means and (lists, size, size) roots of the covariances."""
        size = self.sums.shape[1]
        precision = np.empty((len(self.sums), size, size))
        upper = np.triu_indices(size)
        precision[:, upper[0], upper[1]] = precision[:, upper[1], upper[0]] = self.products / self.noise**2
        precision += np.eye(size) / self.deviation**2
        covariance = np.linalg.inv(precision)
        start = np.zeros(size)
        start[0] = self.base_rate
        moment = self.sums / self.noise**2 + start / self.deviation**2
        return np.einsum("lij,lj->li", covariance, moment), np.linalg.cholesky(covariance)


@dataclass
class AtRandom:
    """Any lists in any order."""

    world: Carousel

    def lists(self, members: Int64s, day: int, rng: np.random.Generator) -> Int32s:
        """What each is shown."""
        return _random(self.world, len(members), rng)

    def learn(self, shown: Shown) -> None:
        """Nothing."""


def thompson(belief: BetaBelief) -> Callable[[Told, int, np.random.Generator], Doubles]:
    return lambda told, day, rng: belief.draw(told, rng)


def means(told: Told, day: int, rng: np.random.Generator) -> Doubles:
    """Of the pessimistic prior, ties by chance."""
    return PESSIMISTIC.moments(told)[0] + 1e-9 * rng.random(told.counts.shape)


def kl_ucb(told: Told, day: int, rng: np.random.Generator) -> Doubles:
    """The largest q with n kl(mean, q) <= log t (Garivier and Cappe 2011), t the segment's looks; ties by chance."""
    mean = told.sums / np.maximum(told.counts, 1)
    room = np.log1p(told.counts.sum(axis=1, keepdims=True)) / np.maximum(told.counts, 1e-9)
    low, high = mean.copy(), np.ones_like(mean)
    for _ in range(16):
        middle = (low + high) / 2
        inside = _kl(mean, middle) <= room
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low + 1e-9 * rng.random(low.shape)


def rules(world: Carousel) -> Mapping[str, Chooser]:
    """Those of the table: the last four are Thompson sampling by segment, all but one with the pessimistic prior."""
    return {
        "random": AtRandom(world),
        "KL-UCB": BySegment(world, kl_ucb, 1),
        "epsilon .1": BySegment(world, means, 1, by_chance=0.1),
        "linear Thompson": ByTaste(world),
        PRIORS[1]: BySegment(world, thompson(UNIFORM)),
        PRIORS[0]: BySegment(world, thompson(PESSIMISTIC)),
        "what is certain alone": BySegment(world, thompson(PESSIMISTIC), patience=0.0),
        WITHOUT: BySegment(world, thompson(PESSIMISTIC), patience=1.0),
    }


def run(
    progress: Progress = no_progress, config: CarouselConfig = CarouselConfig(), days: int = DAYS
) -> dict[str, Any]:
    """The regret of every rule in one world, and what members' patience changes."""
    found: dict[str, Any] = dict(compared(config, days, rules, progress))
    for patience in OTHERS:
        less = replace(config, patience=patience, **{name: max(getattr(config, name) // 5, 1) for name in SIZES})
        told = compared(less, days, lambda world: {name: rules(world)[name] for name in (*PRIORS, WITHOUT)})
        found[f"patience {patience}"] = {name: one["ratio"] for name, one in told.items()}
    _page(found, days).write_html(PAGE)
    return {**found, "machine": machine(), "seed": SEED}


def _page(found: Mapping[str, Any], days: int) -> CurvesReport:
    """Curves of the rules, and what each lost in the end."""
    rules = {name: one for name, one in found.items() if "days" in one}
    at = [str(day) for day in range(10, days + 1, 10)]
    series = [Series(name, one["days"], key % LINES) for key, (name, one) in enumerate(rules.items())]
    rows = [
        (name, *("{:,} [{:,}, {:,}]".format(*one[key]) for key in ("regret", "ratio"))) for name, one in rules.items()
    ]
    table = Rows("In the end", ["chooser", "plays lost", f"of the {PRIORS[0]}, paired"], rows)
    about = f"Cumulative regret over {days} days; Thompson sampling by segment where a prior or the cascade is named."
    section = Section("Carousels", about, [Curves("plays lost, summed", "days", at, series)], [table])
    said = [f"{name}: {one['ratio'][0]} of the {PRIORS[0]}'s regret." for name, one in rules.items()]
    return CurvesReport("Regret of carousels", LEAD, said, [section], [" ".join((__doc__ or "").split())])


def compared(
    config: CarouselConfig,
    days: int,
    make: Callable[[Carousel], Mapping[str, Chooser]],
    progress: Progress = no_progress,
) -> dict[str, dict[str, Any]]:
    """For each rule its regret, the ratio to the first of `PRIORS`, and its course."""
    world = Carousel.drawn(config, np.random.default_rng(SEED))
    choosers, lost = make(world), {}
    for at, (name, chooser) in enumerate(choosers.items()):
        progress(name, at / (len(choosers) + 1))
        lost[name] = np.stack(_days(world, chooser, days))
    weights = bootstrap_weights(config.segments, DRAWS, np.random.default_rng(SEED))
    first = lost[PRIORS[0]].sum(axis=0)
    return {
        name: {
            "regret": _interval(one.sum(), weights @ one.sum(axis=0), 0),
            "ratio": _interval(one.sum() / first.sum(), (weights @ one.sum(axis=0)) / (weights @ first), 3),
            "days": [round(float(each)) for each in one.sum(axis=1).cumsum()[9::10]],
        }
        for name, one in lost.items()
    }


def _interval(value: float, draws: Doubles, digits: int) -> list[float]:
    low, high = percentile_interval(draws[:, None])
    return [round(float(one), digits) for one in (value, low[0], high[0])]


def _days(world: Carousel, chooser: Chooser, days: int) -> list[Doubles]:
    """For each day the regret (segments,), all with the same members and luck."""
    rng, found = np.random.default_rng(SEED + 1), []
    for day in range(days):
        members = world.asking(np.random.default_rng([SEED, day]))
        lists = chooser.lists(members, day, rng)
        chooser.learn(Shown(members, lists, world.played(members, lists, np.random.default_rng([SEED, day, 1]))))
        found.append(np.bincount(world.segments[members], world.regret(members, lists), world.config.segments))
    return found


def _looks(world: Carousel, shown: Shown, chances: Doubles, patience: float | None = None) -> Doubles:
    """(n, slots) what each slot counts; with the world's own patience, or another."""
    patience = world.config.patience if patience is None else patience
    return looks(shown.played, chances, world.config.visible, patience)


def _top(scores: Doubles, n: int) -> Int32s:
    """(rows, n) the places of the largest, best first."""
    top = np.argpartition(-scores, n, axis=1)[:, :n]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1)
    return np.take_along_axis(top, order, axis=1).astype(np.int32)


def _random(world: Carousel, rows: int, rng: np.random.Generator) -> Int32s:
    """(rows, slots) different lists: drawn one by one, anew where a list came twice."""
    found = rng.integers(world.config.lists, size=(rows, world.config.slots), dtype=np.int32)
    while (twice := (np.diff(np.sort(found, axis=1), axis=1) == 0).any(axis=1)).any():
        found[twice] = rng.integers(world.config.lists, size=(int(twice.sum()), world.config.slots))
    return found


def _kl(p: Doubles, q: Doubles) -> Doubles:
    p, q = np.clip(p, 1e-12, 1 - 1e-12), np.clip(q, 1e-12, 1 - 1e-12)
    return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))


if __name__ == "__main__":
    for key, value in run(lambda stage, done: print(f"{stage}, {100 * done:.0f} %", file=sys.stderr)).items():
        print(key, value)

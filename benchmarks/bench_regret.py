"""Regret of choosers in small domains of known means, what is told of the means, and how drift is followed.

    python benchmarks/bench_regret.py

`LEARNERS` learners a rule and domain, each `HORIZON` decisions with normal noise of deviation 1, seed 0: the regret
summed, with 95 % intervals over learners; under each rule of a domain stands [regret, low, high]. `..., bias`: how far
a bad arm's mean is off at the end, the sample mean under Thompson sampling and DATS's own. `drift`: means that change
three times, and learners that forget. `coverage`: the share of DATS's 90 % intervals that hold the mean of each of
three arms after `LONG` decisions in batches of `EACH`, noise uniform within 1. Writes `var/regret.html`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine

from matinee.decision import Progress, no_progress
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import normal
from matinee.policies.adaptive import DatsConfig
from matinee.policies.independent import GaussianBelief, IndependentConfig
from matinee.report.courses import LINES, Series
from matinee.report.curves import Curves, CurvesReport, Rows, Section
from matinee.simulate.arms import ArmDomain, Course, OfMeans, OfScores, Rule, course

LEARNERS, HORIZON, SEED = 100, 2_000, 0
PAGE = Path(__file__).resolve().parents[1] / "var" / "regret.html"
LEAD = "What choosers lose against the best choice while they learn, with 95 % intervals over learners."
POINTS = 20  # of a curve
METHOD = (
    f"{LEARNERS} learners a rule, {HORIZON:,} decisions each, normal noise of deviation 1, seed {SEED}.",
    "Regret is the mean of the best arm less that of the chosen one, summed; bands and intervals are over learners.",
    "DATS promises means that can be believed; its regret is reported, not claimed.",
)
LONG, EACH, INTERVALS, WITHIN = 10_000, 10, 1_000, 1.6448536269514722  # the 95 % quantile of the standard normal
DOMAINS: Mapping[str, Doubles] = {
    "ten arms, gap .2": np.r_[np.zeros(9), 0.2],
    "ten arms, gap 1": np.r_[np.zeros(9), 1.0],
    "three arms, gaps .1": np.array([0.9, 1.0, 1.1]),
    "twenty arms, 0 to 1": np.linspace(0.0, 1.0, 20),
}
DRIFT = np.array([[0.0, 0.3, 0.6, 0.9], [0.9, 0.0, 0.3, 0.6], [0.6, 0.9, 0.0, 0.3], [0.3, 0.6, 0.9, 0.0]])


def of_means(optimism: float | None = None, floor: float = 1e-9, **forgets: Any) -> OfMeans:
    """A rule of independent arms whose means have a standard normal prior."""
    return OfMeans(IndependentConfig(GaussianBelief(0.0, 1.0, 1.0), optimism, floor), **forgets)


def dats(**fields: Any) -> OfScores:
    return OfScores(DatsConfig(base_rate=0.0, noise=1.0, **fields))


RULES: Mapping[str, Rule[Any]] = {
    "greedy": of_means(0.0),
    "epsilon .1": of_means(0.0, 0.1),
    "UCB, 2 deviations": of_means(2.0),
    "Thompson": of_means(),
    "DATS": dats(),
    "DATS, floor 1 / T": dats(horizon=HORIZON),
    "DATS, drops": dats(horizon=HORIZON, drops=True),
    "DATS, even weights": dats(even=True),
}
FORGETFUL: Mapping[str, Rule[Any]] = {
    "Thompson": of_means(),
    "discounted, half-life 70": of_means(fades=0.99),
    "windowed, 100": of_means(window=100),
}


def run(progress: Progress = no_progress) -> dict[str, Any]:
    """All tables, and the curves as a page."""
    found: dict[str, Any] = {}
    sections = []
    for at, (name, means) in enumerate(DOMAINS.items()):
        progress(name, at / (len(DOMAINS) + 2))
        courses = {one: _course(ArmDomain(means), rule) for one, rule in RULES.items()}
        found[name] = {one: ended(each.regret[:, -1]) for one, each in courses.items()}
        found[f"{name}, bias"] = {one: _bias(means, courses[one], one != "Thompson") for one in ("Thompson", "DATS")}
        sections.append(_section(name, "The means stay as they are.", courses))
    progress("drift", len(DOMAINS) / (len(DOMAINS) + 2))
    drifting = {one: _course(ArmDomain(DRIFT), rule) for one, rule in FORGETFUL.items()}
    found["drift"] = {one: ended(each.regret[:, -1]) for one, each in drifting.items()}
    sections.append(_section("drift", "Four arms whose means change places three times.", drifting))
    CurvesReport("Regret of choosers", LEAD, _findings(found), sections, METHOD).write_html(PAGE)
    progress("coverage", (len(DOMAINS) + 1) / (len(DOMAINS) + 2))
    return {**found, "coverage": coverage(LONG, INTERVALS), "machine": machine(), "seed": SEED}


def _findings(found: Mapping[str, Any]) -> list[str]:
    """Who lost least in each domain."""
    ends = {name: found[name] for name in (*DOMAINS, "drift")}
    best = {name: min(one, key=lambda rule, one=one: one[rule][0]) for name, one in ends.items()}
    return [f"{name}: {rule} loses least, {ends[name][rule][0]:,}." for name, rule in best.items()]


def _section(name: str, about: str, courses: Mapping[str, Course[Any]]) -> Section:
    """Curves with 95 % bands, and a table of what each lost in the end."""
    times = next(iter(courses.values())).times
    at = np.linspace(0, len(times) - 1, POINTS + 1).astype(np.int64)[1:]
    series = []
    for key, (rule, one) in enumerate(courses.items()):
        told = np.array([normal(one.regret[:, k]) for k in at])
        series.append(Series(rule, told[:, 0], key % LINES, told[:, 1], told[:, 2]))
    curves = Curves("regret, summed", "decisions", [f"{times[k]:,}" for k in at], series)
    ends = [(rule, "{:,} [{:,}, {:,}]".format(*ended(one.regret[:, -1]))) for rule, one in courses.items()]
    return Section(name, about, [curves], [Rows(f"{name}, in the end", ["chooser", "regret"], ends)])


def ended(regret: Doubles) -> list[float]:
    """[mean, low, high] over learners."""
    one = normal(regret)
    return [round(float(each), 1) for each in (one.value, one.low, one.high)]


def coverage(horizon: int, learners: int) -> list[list[float]]:
    """The share of learners whose 90 % interval holds the mean, arm by arm."""
    means = np.array([0.9, 1.0, 1.1])
    rule = OfScores(DatsConfig(base_rate=0.0, noise=3**-0.5))
    told = course(ArmDomain(means, 1.0, even=True), rule, horizon, learners, np.random.default_rng(SEED), EACH)
    estimates, deviations = told.known.sums.estimates()
    held = (np.abs(estimates - means) <= WITHIN * deviations).astype(np.float64)
    return [[round(float(one), 3) for one in normal(arm)[:3]] for arm in held.T]


def _course(domain: ArmDomain, rule: Rule[Any]) -> Course[Any]:
    return course(domain, rule, HORIZON, LEARNERS, np.random.default_rng(SEED))


def _bias(means: Doubles, told: Course[Any], scored: bool) -> list[float]:
    """[mean, low, high] of how far the first, bad arm's mean is off."""
    found = told.known.sums.estimates()[0] if scored else told.sums / np.maximum(told.counts, 1)
    one = normal(found[:, 0] - means[0])
    return [round(float(each), 3) for each in (one.value, one.low, one.high)]


if __name__ == "__main__":
    for key, value in run(lambda stage, done: print(f"{stage}, {100 * done:.0f} %", file=sys.stderr)).items():
        print(key, value)

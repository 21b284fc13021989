"""Feedback loops in the laboratory, and a page with the loop before and after damping: `var/loops.html`.

    python benchmarks/bench_loops.py [FOLDER]

Variety: Chaney et al.'s protocol (100 members, 110 steps, ten new titles a step), seeds `SEEDS`: how much more members
have in common (Jaccard) than under the ideal recommender, with t intervals over seeds; retrained at each step, and
trained once. Damping: a world after MovieLens 100K (or FOLDER), `MEMBERS` members, a billboard of genres that is
retrained every `EVERY` days on the looks of these days alone; four ways to retrain, in the same world. The detector:
the share of `STREAMS` healthy logs with an alarm, and of logs with a planted swing in which it is found.

Keys of the result: `repeated` and `once` by recommender, `damping` by arm (`power`, `change`), `false_alarms`, `found`
by period; `seconds`, `report`, `machine`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine
from scipy.signal import lfilter

from matinee.cli.data import fetch
from matinee.data.sources.reading import Source, read
from matinee.decision import Progress, no_progress, part_of
from matinee.evaluate.loops import Exposure, Kind, detect
from matinee.evaluate.results import Estimate
from matinee.maths import spectra
from matinee.maths.mean_intervals import student
from matinee.recipes.laboratory import ONCE, REPEATED, Damped, damping, homogenization
from matinee.report.courses import Series
from matinee.report.laboratory import MEASURES, Arm, LaboratoryReport
from matinee.simulate.laboratory import Effect
from matinee.simulate.world import World

SEEDS = range(3)
MEMBERS, DAYS, EVERY = 3_000, 84, 2
STREAMS, PLANTED, WEEKS, GENRES, WEEKLY = 1_000, 500, 52, 8, 20_000
DRIFTS, PERIODS, AMPLITUDE = (0.0, 0.01, 0.03), (2.0, 3.0, 6.0, 9.0), 0.05
FOLLOWED = 3  # genres on the page
REPORT = Path("var/loops.html")
METHOD = (
    "Variety: Chaney, Stewart and Engelhardt (2018): 100 members, 110 steps, ten new titles a step at random places, a "
    "choice by known utility and rank; models of the registry; t intervals over three seeds.",
    "Damping: each arm plays in the same world; a billboard by plays per look of genres, shrunk to a prior of .1, is "
    "retrained every two days on the looks of these days. Power: the largest of the shares of genres at one frequency, "
    "of means between trainings. Intervals of reward are over members.",
)


def run(progress: Progress = no_progress, folder: Path | None = None) -> dict[str, Any]:
    """All three parts."""
    started = time.perf_counter()
    effects = {how: _variety(how == "once", part_of(progress, how, *ends)) for how, ends in _PARTS.items()}
    dataset = read(Source.MOVIELENS, folder or fetch())
    world = World.from_data(dataset, members=MEMBERS, seed=0)
    arms = damping(world, DAYS, EVERY, progress=part_of(progress, "damping", 0.6, 0.9))
    title = f"Three laboratories, and {MEMBERS:,} members after {dataset.name}"
    days = [str(day + 1) for day in range(DAYS)]
    drawn = [_arm(name, one, world.catalog.genres) for name, one in arms.items()]
    LaboratoryReport(title, effects, drawn, days, METHOD).write_html(REPORT)
    progress("the detector", 0.9)
    return {
        **{how: {name: _plain(one) for name, one in by_name.items()} for how, by_name in effects.items()},
        "damping": {one.name: {"power": one.power, "change": _ends(one.change)} for one in drawn},
        **detector(),
        "seconds": time.perf_counter() - started,
        "report": str(REPORT),
        "machine": machine(),
    }


_PARTS = {"at each step": (0.0, 0.55), "once": (0.55, 0.6)}


def _variety(once: bool, progress: Progress) -> dict[str, dict[str, Estimate]]:
    config = ONCE if once else REPEATED
    share = 1 / len(SEEDS)
    runs = [
        homogenization(
            config=config,
            once=once,
            seed=seed,
            progress=part_of(progress, f"seed {seed}", at * share, (at + 1) * share),
        )
        for at, seed in enumerate(SEEDS)
    ]
    return {name: _over_seeds([one[name] for one in runs]) for name in runs[0]}


def _over_seeds(effects: list[Effect]) -> dict[str, Estimate]:
    told = np.stack(student(np.array(effects)), axis=1)
    return {key: Estimate(*one) for key, one in zip(MEASURES, told.tolist(), strict=True)}


def _arm(name: str, damped: Damped, genres: tuple[str, ...]) -> Arm:
    """The arm with the courses of its genres of the largest share."""
    largest = np.argsort(-damped.course.shown.sum(axis=0), kind="stable")[:FOLLOWED]
    courses = [Series(genres[k], damped.course.shares[:, k].tolist(), at) for at, k in enumerate(largest)]
    return Arm(name, damped.power, Estimate(*damped.change), courses)


def detector() -> dict[str, Any]:
    """False alarms and what is found of planted swings, in weekly shares of a year."""
    null = spectra.RedNoise.drawn(spectra.design(WEEKS), np.random.default_rng(0))
    names = tuple(f"genre {k}" for k in range(GENRES))
    rng = np.random.default_rng(1)

    def told(**planted: float) -> Any:
        return detect(_stream(rng, **planted), names, null, 0, 7, None)

    found = {}
    for period in PERIODS:
        swings = [
            any(one.kind == Kind.SWING and one.genres[0] == names[0] for one in told(period=period).alarms)
            for _ in range(PLANTED)
        ]
        found[f"{period:g} weeks"] = float(np.mean(swings))
    false = float(np.mean([bool(told(amplitude=0.0).alarms) for _ in range(STREAMS)]))
    return {"false_alarms": false, "found": found}


def _stream(rng: np.random.Generator, amplitude: float = AMPLITUDE, period: float = 6.0) -> Exposure:
    """A year of weekly shares of genres, multinomial around logs of shares that drift as AR(1)."""
    rho, deviation = rng.choice([0.0, 0.3, 0.6, 0.8]), rng.choice(DRIFTS if amplitude == 0 else DRIFTS[:2])
    drift = deviation * lfilter([1.0], [1.0, -rho], rng.standard_normal((GENRES, WEEKS + 60)), axis=1)[:, 60:]
    shares = np.exp(drift)
    shares[0] *= 1 + amplitude * np.cos(2 * np.pi * np.arange(WEEKS) / period)
    counts = rng.multinomial(WEEKLY, (shares / shares.sum(axis=0)).T).astype(np.float64)
    return Exposure(np.full(WEEKS, float(WEEKLY)), counts, *(0.1 + 0.01 * rng.standard_normal((4, WEEKS))))


def _plain(measures: Mapping[str, Estimate]) -> dict[str, tuple[float, ...]]:
    return {key: _ends(one) for key, one in measures.items()}


def _ends(one: Estimate) -> tuple[float, ...]:
    return tuple(round(end, 4) for end in (one.value, one.low, one.high))


if __name__ == "__main__":
    result = run(
        lambda stage, done: print(f"{stage}, {100 * done:.0f} %", file=sys.stderr),
        Path(sys.argv[1]) if len(sys.argv) > 1 else None,
    )
    for key, one in result.items():
        print(key, one)

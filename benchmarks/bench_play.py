"""Play something in the world: how many suggestions until an enjoyable title, what they tell, and how long each takes.

    python benchmarks/bench_play.py [--data FOLDER]

A world after a data set (MovieLens 100K if none is given) sends `EVENINGS` members with a hidden
mood to every policy, each with the same luck; seeds are worlds. `suggestions of ...`: the number of
the one that was played and enjoyed, `STEPS` + 1 where none was. Differences are paired, with the
middle 95 % of 1,000 resamples. `top picks`: the same scorer's best titles in order, whatever is
answered. `greedy`: the same policy at information 0. `entropy`: of the belief after `ASKED`
answers, in nats; `likeness`: the correlation over titles of what that belief adds with what the
true mood adds. Times: one decision in process at `TITLES` titles on one core after three answers,
beside a plain argmax of the same scores and a row of similar titles.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from bench_page import make_policy, requests
from machine import machine

from matinee.cli.data import fetch
from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.sources.reading import Source, read
from matinee.decision import Episodes, Progress, Requests, no_progress
from matinee.events import Kind
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import Interval, bootstrap
from matinee.maths.ragged import Ragged
from matinee.page import Layout
from matinee.policies.rules import EpsilonGreedy
from matinee.policies.scored import Scored
from matinee.recipes.registry import MODELS
from matinee.simulate.config import WorldConfig
from matinee.simulate.moments import Course, MomentConfig, Moments, spend
from matinee.simulate.world import World
from matinee.surfaces.play_something.moods import themes_of
from matinee.surfaces.play_something.policy import PlaySomethingConfig, PlaySomethingPolicy
from matinee.surfaces.similar import SimilarPolicy
from matinee.train import Trained, train

EVENINGS, STEPS, ASKED, SEEDS = 1_000, 8, 3, 2
SERVED = "ease-recent"
TITLES, TIMED = 10_000, 500
CARD = Layout(rows=1, columns=1, billboard=False)
TOP_PICKS = PlaySomethingConfig(exploration=0.0, information=0.0, theme_gain=0.0, tone_gain=0.0, listens=False)
POLICIES = {
    "play": PlaySomethingConfig(),
    "greedy": PlaySomethingConfig(information=0.0),
    "top picks": TOP_PICKS,
}
MOODS = {"strong": MomentConfig(), "mild": MomentConfig(theme=0.75, tone=0.5)}


def run(progress: Progress = no_progress, data: Path | None = None, seeds: int = SEEDS) -> dict[str, Any]:
    """Figures of the world, those of all seeds put together, and times."""
    dataset = read(Source.MOVIELENS, data or fetch())
    fitted = fitted_to(dataset)
    results: dict[str, Any] = {"machine": machine(), "data": dataset.name, "evenings": EVENINGS * seeds}
    for moods, config in MOODS.items():
        parts = [played(dataset, fitted, seed, config) for seed in range(seeds)]
        progress(f"{moods} moods", 0.4)
        for name in parts[0]:
            values = np.concatenate([one[name] for one in parts])
            results[f"{moods} moods: {name}"] = said(bootstrap(values, np.random.default_rng(0)))
    progress("times", 0.9)
    return results | times()


def played(dataset: Dataset, fitted: Trained, seed: int, config: MomentConfig) -> dict[str, Doubles]:
    """(evenings,) of each figure in one world."""
    world = World.from_data(dataset, seed=seed)
    evenings = Moments.of(world, asking(world), config)
    made = world.catalog, fitted.scorer, fitted.calibration, themes_of(fitted.scorer, len(world.catalog))
    policies = {name: PlaySomethingPolicy(name, "unsaved", *made, own) for name, own in POLICIES.items()}
    courses = {
        name: spend(evenings, policy, STEPS, np.random.default_rng([seed, 7])) for name, policy in policies.items()
    }
    found = {name: one.found.astype(np.float64) for name, one in courses.items()}
    figures = {f"suggestions of {name}": values for name, values in found.items()}
    for other in ("top picks", "greedy"):
        figures[f"suggestions, play - {other}"] = found["play"] - found[other]
    told = {name: beliefs_told(policies["play"], evenings, courses[name]) for name in ("play", "greedy")}
    for at, what in enumerate(("entropy", "likeness")):
        figures |= {f"{what} of {name}": told[name][at] for name in told}
        figures[f"{what}, play - greedy"] = told["play"][at] - told["greedy"][at]
    return figures


def fitted_to(dataset: Dataset) -> Trained:
    """The served model of all that the data set tells."""
    known = training_data(dataset.events, dataset.catalog, WorldConfig().start)
    return train(known, MODELS[SERVED].make(), np.random.default_rng(0))


def asking(world: World) -> Requests:
    """`EVENINGS` members of a day who ask what to play."""
    visits = next(world.day(0, at_once=10**6))
    members = np.arange(len(world.members), dtype=np.int32)
    times = np.resize(visits.times, len(members))
    everyone = replace(visits, members=members, times=times, sources=np.zeros(len(members), np.int8),
                       devices=np.resize(visits.devices, len(members)))  # fmt: skip
    rows = np.arange(min(EVENINGS, len(members)))
    return world.requests(everyone, surface="play_something", layout=CARD).take(rows)


def beliefs_told(policy: PlaySomethingPolicy, evenings: Moments, course: Course) -> tuple[Doubles, Doubles]:
    """(evenings,) each: the entropy of the belief after `ASKED` answers, and how like what it then adds to titles is to
    what the true mood adds: the correlation over titles.
    """
    beliefs = policy.belief(replace(evenings.requests, episodes=course.episodes[ASKED]))
    entropy = -(beliefs * np.log(np.maximum(beliefs, 1e-300))).sum(axis=1)
    everybody, likeness = len(evenings.requests), np.zeros((2, len(evenings.requests)))
    added = _standardised(beliefs @ policy.moods.gains)
    for title in range(len(policy.catalog)):
        mood = evenings.mood(np.full(everybody, title, np.int32))
        likeness += added[:, title] * mood, mood**2
    return entropy, likeness[0] / np.sqrt(np.maximum(likeness[1] * len(policy.catalog), 1e-12))


def _standardised(rows: Doubles) -> Doubles:
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(rows.std(axis=1, keepdims=True), 1e-12))


def times() -> dict[str, str]:
    """Milliseconds of a decision at `TITLES` titles, and of the alternatives, on one core."""
    rng = np.random.default_rng(0)
    home, now = make_policy(rng, TITLES, "ease")
    made = home.catalog, home.scorer, home.calibration
    play = PlaySomethingPolicy("play", "bench", *made, themes_of(home.scorer, TITLES))
    play.warm()
    similar = SimilarPolicy("similar", "bench", *made)
    best = Scored("argmax", "bench", home.catalog, home.scorer.score, EpsilonGreedy(0.0))
    known = np.arange(0, TITLES, TITLES // 1_000, dtype=np.int32)
    asked = [_answered(requests(rng, 1, now, CARD, known), rng) for _ in range(TIMED)]
    rows = [replace(one, layout=replace(CARD, columns=20), about=one.episodes.suggested[0][:1]) for one in asked]
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    laps = {
        "play": timed(play.decide, asked),
        "plain argmax": timed(best.decide, asked),
        "20 similar titles": timed(similar.decide, [replace(one, episodes=None) for one in rows]),
    }
    os.sched_setaffinity(0, cores)
    return {
        f"ms of {name}, {TITLES:,} titles": " ".join(
            f"p{share} {np.percentile(values, share):.2f}" for share in (50, 95, 99)
        )
        for name, values in laps.items()
    }


def _answered(asked: Requests, rng: np.random.Generator) -> Requests:
    """A request after three answers."""
    titles = rng.choice(TITLES, 3, replace=False).tolist()
    answers = np.array([Kind.SKIP, Kind.NOT_NOW, Kind.MORE_LIKE], np.int8)
    one = np.zeros(1, np.uint64), np.full(1, 3, np.int32)
    return replace(asked, episodes=Episodes(*one, Ragged.of([titles]), answers))


def timed(decide: Callable[..., Any], asked: list[Requests]) -> Doubles:
    """(requests,) milliseconds, after 50 to warm up."""
    rng, spent = np.random.default_rng(0), []
    for one in asked[:50]:
        decide(one, rng)
    for one in asked:
        start = time.perf_counter()
        decide(one, rng)
        spent.append(1e3 * (time.perf_counter() - start))
    return np.array(spent)


def said(interval: Interval) -> str:
    """A mean with its interval."""
    return f"{interval.value:.3f} ({interval.low:+.3f}..{interval.high:+.3f})"


if __name__ == "__main__":
    folder = Path(sys.argv[2]) if sys.argv[1:2] == ["--data"] else None
    for key, value in run(lambda what, share: print(f"{share:.0%} {what}", flush=True), folder).items():
        print(f"{key}: {value}")

"""Titles that a billboard has never met: what is gained where it begins with what their content says of them.

    python benchmarks/bench_newcomers.py [--data FOLDER]

Worlds after MovieLens 100K (or a folder) of `MEMBERS` members and seeds 0 to `SEEDS` - 1, in which three titles of ten
are launched within 90 days; what the data knows of these is kept from the billboards. Four learn for `DAYS` days,
members paired by their luck: `sure`, which takes a title without vectors for an average one; `doubtful`, whose doubt
about it counts what it does not know; `content`, which foretells vectors from genres and years and doubts the rest;
`greedy`, with that content, which never explores. `gems`: twenty of the titles launched in the first two weeks are what
many would love. `plain`: none is. Keys of each: `enjoyment`; `more_...`: [mean, low, high] a member, content less the
other; `new_shown`, `new_regret`: the share of decisions that show a title of four weeks at most, and the regret a
decision that these pay; of gems `found` (shown ten times as often as by chance in the last week), `first_week`: how
often each was shown in the week of its launch, and `looked`: days from its launch to its twentieth show, `DAYS` if
never.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine

from matinee.cli.data import fetch
from matinee.data.dataset import Dataset
from matinee.data.sources.reading import Source, read
from matinee.decision import Progress, no_progress
from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.maths.mean_intervals import by_cluster, normal
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import Features
from matinee.recipes.billboard_trial import Course
from matinee.recipes.billboards import PRIOR, SIZE, before_launch, factors_of
from matinee.simulate.config import WorldConfig
from matinee.simulate.gems import with_new_gems
from matinee.simulate.tally import Tally
from matinee.simulate.world import World

MEMBERS, DAYS, SEEDS, GEMS = 2_000, 21, 5, 20
LAUNCHING, SOON, LOOKED, WEEK = 0.3, 14, 20, 7
NEVER = 1e-9  # a floor that no decision meets
CONFIGS: Mapping[str, ArmsConfig] = {
    "sure": ArmsConfig(prior=PRIOR),
    "doubtful": ArmsConfig(prior=PRIOR),
    "content": ArmsConfig(prior=PRIOR),
    "greedy": ArmsConfig(sampling=False, floor=NEVER, prior=PRIOR),
}


def run(progress: Progress = no_progress, data: Path | None = None) -> dict[str, Any]:
    """Both kinds of worlds, all seeds; see the top of this file for the keys."""
    dataset = read(Source.MOVIELENS, data or fetch())
    found: dict[str, list[dict[str, Any]]] = {"gems": [], "plain": []}
    for seed in range(SEEDS):
        progress(f"seed {seed}", seed / SEEDS)
        world = World.from_data(dataset, MEMBERS, WorldConfig(launching=LAUNCHING), seed)
        items, features = _soon(world, seed), _features(dataset, world, seed)
        found["gems"].append(_lived(with_new_gems(world, items), features, items))
        found["plain"].append(_lived(world, features, items))
    return {kind: _told(kind, trials) for kind, trials in found.items()} | {"machine": machine()}


def _soon(world: World, seed: int) -> Int32s:
    """Titles launched in the first two weeks."""
    launched = world.titles.launched
    known = world.titles.vectors.any(axis=1)
    soon = np.flatnonzero((launched >= 1) & (launched <= SOON) & known)
    return np.random.default_rng(seed).choice(soon, min(GEMS, len(soon)), replace=False).astype(np.int32)


def _features(dataset: Dataset, world: World, seed: int) -> Mapping[str, Features]:
    """What each billboard reads of titles."""
    predicted = factors_of(before_launch(dataset, world), world, seed)
    plain = Features.of(predicted.vectors, len(world.catalog), SIZE)
    sure = replace(plain, doubts=np.zeros(len(world.catalog)))
    return {"sure": sure, "doubtful": plain, "content": predicted, "greedy": predicted}


def _lived(begun: World, features: Mapping[str, Features], items: Int32s) -> dict[str, Any]:
    """The days of each billboard in a world of its own: what is told of each."""
    told = {}
    for name, config in CONFIGS.items():
        world = deepcopy(begun)
        policy = LinearArms(name, "unsaved", world.catalog, features[name], config)
        course = Course(Tally(name, world), policy, world)
        for day in range(DAYS):
            course.live(day)
        launched = world.titles.launched[items].astype(np.int64)
        told[name] = _of(course, items, launched)
    return told


def _of(course: Course, items: Int32s, launched: Int64s) -> dict[str, Any]:
    shown = np.array(course.shown)[:, items]
    ages = np.arange(DAYS)[:, None] - launched
    often = shown.cumsum(axis=0) >= LOOKED
    return {
        "enjoyment": course.tally.sums["enjoyment"],
        "new_shown": np.mean(course.new),
        "new_regret": np.mean(course.paid),
        "found": course.found(items),
        "first_week": np.where((ages >= 0) & (ages < WEEK), shown, 0).sum(axis=0).mean(),
        "looked": np.where(often.any(axis=0), often.argmax(axis=0) - launched, DAYS).mean(),
    }


def _told(kind: str, trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = ("enjoyment", "new_shown", "new_regret", *(("found", "first_week", "looked") if kind == "gems" else ()))
    told: dict[str, Any] = {
        name: {one: round(float(np.mean([each[name][one] for each in trials])), 4) for one in names} for name in CONFIGS
    }
    for other in ("sure", "doubtful", "greedy"):
        more = [each["content"]["enjoyment"] - each[other]["enjoyment"] for each in trials]
        told[f"more_{other}"] = _interval(np.concatenate(more))
        told[f"by_seed_{other}"] = [round(float(one.mean()), 3) for one in more]
    return told


def _interval(values: Doubles) -> list[float]:
    """[mean, low, high] over members."""
    found = normal(by_cluster(values, np.arange(len(values))))
    return [round(float(one), 3) for one in (found.value, found.low, found.high)]


if __name__ == "__main__":
    folder = Path(sys.argv[sys.argv.index("--data") + 1]) if "--data" in sys.argv else None
    for key, value in run(lambda stage, done: print(f"{stage}, {100 * done:.0f} %", file=sys.stderr), folder).items():
        print(key, value)

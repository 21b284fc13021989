"""What exploration tells and what it costs, in the world: where on the home page should chance decide?

    python benchmarks/bench_exploration.py [--data FOLDER]

A world made after a data set (MovieLens 100K if none is given) asks for `PAGES` home pages of the served model. Every
scheme answers the same requests. The cost is the expected reward of its pages against that of the best
pages, as the world knows it. What it tells is counted in looks at titles that chance chose: how many looks
of a target they are worth (effective looks, per 10,000 pages) when each counts target / logged. Targets
choose one fresh title: the one that another model ranks first, one drawn by that model, one drawn by the
same model more boldly, and any title as likely as another. `met`: the share of the target's choices that
the log makes, seen in the mean weight; far below 1 the effective looks are of those alone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine

from matinee.cli.data import fetch
from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.sources.reading import Source, read
from matinee.decision import Decisions, Layer, Progress, Requests, no_progress
from matinee.decision.eligibility import eligible
from matinee.maths.arrays import Doubles, Flags
from matinee.maths.mean_intervals import by_cluster, normal
from matinee.maths.off_policy import effective_size
from matinee.recipes.registry import MODELS
from matinee.recipes.serving import home_config
from matinee.simulate.truth import values
from matinee.simulate.world import World
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomePolicy
from matinee.surfaces.pages.builder import Where
from matinee.surfaces.pages.deciding import worth_of
from matinee.train import Trained, train

PAGES, AT_ONCE = 3_000, 250
ASKING = 0.2  # share of members who ask for a page on a day, at least
SERVED, OTHER = "ease-recent", "factors"
SWAPPED = (2, 6)  # rows and columns in which one title is swapped
SCHEMES: Mapping[str, tuple[float, Where]] = {
    "everywhere, 0.1": (0.1, Where()),
    "everywhere, 0.3": (0.3, Where()),
    "billboard, 0.3": (0.3, Where(1)),
    "billboard, 1": (1.0, Where(1)),
    "first two rows, 0.2": (0.2, Where(2)),
    "first two rows, 0.3": (0.3, Where(2)),
    "first two rows, 0.5": (0.5, Where(2)),
    "row by chance, third": (0.1, Where(0, by_chance=2)),
    "row by chance, fifth": (0.1, Where(0, by_chance=4)),
    "row by chance, ninth": (0.1, Where(0, by_chance=8)),
}


def run(progress: Progress = no_progress, data: Path | None = None, pages: int = PAGES) -> dict[str, Any]:
    """The table, a scheme a line."""
    dataset = read(Source.MOVIELENS, data or fetch())
    world = World.from_data(dataset, members=round(pages / ASKING), seed=0)
    asked = _requests(world, pages)
    fitted = {name: _fitted(name, dataset, world) for name in (SERVED, OTHER)}
    policy = _policy(SERVED, fitted[SERVED], dataset, world)
    targets = _targets(fitted, world, asked)
    best = policy.decide(asked, np.random.default_rng(0))
    gained = values(world, best)
    found: dict[str, Any] = {"pages": len(asked), "titles": len(world.catalog)}
    for at, (name, (exploration, where)) in enumerate(SCHEMES.items()):
        progress(name, at / (len(SCHEMES) + 1))
        config = replace(policy.config, exploration=exploration, where=where)
        decisions = replace(policy, config=config).decide(asked, np.random.default_rng(1))
        chance = decisions.layer(Layer.TITLE) & (decisions.choices.log_probs < 0)
        found[name] = _line(world, decisions, chance, decisions.choices.log_probs, gained, targets)
    found["one swapped title"] = _line(
        world, *_swapped(best, targets["any"], np.random.default_rng(2)), gained, targets
    )
    return {**found, "machine": machine()}


def _requests(world: World, pages: int) -> Requests:
    """The first visits of the first day, each member once."""
    asked = world.requests(next(iter(world.day(0))).at_home)
    return asked.take(np.arange(min(pages, len(asked))))


def _fitted(name: str, dataset: Dataset, world: World) -> Trained:
    data = training_data(dataset.events, world.catalog, world.config.start)
    return train(data, MODELS[name].make(), np.random.default_rng(0))


def _policy(name: str, fitted: Trained, dataset: Dataset, world: World) -> HomePolicy:
    drawn = charts(dataset.events, world.catalog, int(dataset.events["timestamp"].cast(int).max()) + 1)  # type: ignore
    config = home_config(name, 0.0)
    return HomePolicy(f"home-{name}", "bench", world.catalog, fitted.scorer, fitted.calibration, drawn, config)


def _targets(fitted: Mapping[str, Trained], world: World, asked: Requests) -> dict[str, Doubles]:
    """(batch, titles) the probability of each fresh title under each target."""
    fresh = _fresh(world, asked)
    worth = {name: _worth(one, asked) * fresh for name, one in fitted.items()}
    best = np.zeros_like(worth[OTHER])
    best[np.arange(len(best)), worth[OTHER].argmax(axis=1)] = 1.0
    drawn = {
        "other model, best": best,
        "other model, 0.3": worth[OTHER] ** (1 / 0.3),
        "same model, 0.3": worth[SERVED] ** (1 / 0.3),
        "any": fresh.astype(np.float64),
    }
    return {name: one / one.sum(axis=1, keepdims=True) for name, one in drawn.items()}


def _worth(fitted: Trained, asked: Requests) -> Doubles:
    blocks = (asked.take(np.arange(at, min(at + AT_ONCE, len(asked)))) for at in range(0, len(asked), AT_ONCE))
    return np.concatenate([worth_of(fitted.scorer.score(one), fitted.calibration) for one in blocks]).astype(np.float64)


def _fresh(world: World, asked: Requests) -> Flags:
    """(batch, titles) what may be shown and stands in no history."""
    fresh, histories = eligible(world.catalog, asked).copy(), asked.histories
    fresh[np.repeat(np.arange(len(asked)), np.diff(histories.offsets)), histories.items] = False
    return fresh


def _swapped(best: Decisions, fresh: Doubles, rng: np.random.Generator) -> tuple[Decisions, Flags, Doubles]:
    """The best pages with one title of the first rows swapped for any fresh one that does not stand on the page; which
    titles those are, and the log-probability of each (lines,) given that its place was the one.
    """
    choices = best.choices
    actions, chance, log_probs = (
        choices.actions.copy(),
        np.zeros(len(choices.actions), np.bool_),
        choices.log_probs.copy(),
    )
    title = best.layer(Layer.TITLE) & (choices.rows < SWAPPED[0]) & (choices.columns < SWAPPED[1])
    for b in range(len(best)):
        own = slice(choices.offsets[b], choices.offsets[b + 1])
        at = own.start + rng.choice(np.flatnonzero(title[own]))
        left = np.setdiff1d(np.flatnonzero(fresh[b]), choices.actions[own][best.layer(Layer.TITLE)[own]])
        actions[at], chance[at], log_probs[at] = rng.choice(left), True, -np.log(len(left))
    return replace(best, choices=replace(choices, actions=actions)), chance, log_probs


def _line(
    world: World,
    decisions: Decisions,
    chance: Flags,
    log_probs: Doubles,
    gained: Doubles,
    targets: Mapping[str, Doubles],
) -> dict[str, Any]:
    """What one scheme costs in percent of the best pages, with its interval, and what it tells of each target."""
    lost = normal(100 * by_cluster((gained - values(world, decisions)) / gained.mean(), np.arange(len(gained))))
    choices = decisions.choices
    looked = chance & world.answer(decisions).examined
    per_page = 10_000 / len(decisions)
    told: dict[str, Any] = {"lost_percent": lost.value, "lost_low": lost.low, "lost_high": lost.high}
    told["looks"] = per_page * int(looked.sum())
    for name, target in targets.items():
        weights = target[choices.decisions[looked], choices.actions[looked]] / np.exp(log_probs[looked])
        effective = per_page * effective_size(weights)
        told[name] = {
            "effective": effective,
            "met": float(weights.mean()),
            "per_percent": effective / max(lost.value, 1e-9),
        }
    return told


if __name__ == "__main__":
    folder = Path(sys.argv[sys.argv.index("--data") + 1]) if "--data" in sys.argv else None
    result = run(lambda stage, done: print(f"{stage}, {100 * done:.0f} %", file=sys.stderr), folder)
    for name, one in result.items():
        if not isinstance(one, dict):
            print(name, one)
            continue
        lost = f"{one['lost_percent']:.2f} % [{one['lost_low']:.2f}, {one['lost_high']:.2f}]"
        print(f"{name:22} lost {lost}, looks {one['looks']:,.0f}")
        for target, told in one.items():
            if isinstance(told, dict):
                numbers = (
                    f"met {told['met']:.2f}, effective {told['effective']:,.0f}, a percent {told['per_percent']:,.0f}"
                )
                print(f"    {target:18} {numbers}")

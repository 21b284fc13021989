"""A service whose model is fitted anew every few days on its own log: what becomes of variety and reward, and damping.

A billboard in a world after a data set. Until the first training titles are drawn by chance. `genre-rates`
(`laboratory.GenreRates`) learns from the looks since the last training alone, the same for everybody; a model of the
registry from all that was lived, and shows each member what it scores highest of what they have not met. Damped, a
tenth of the decisions is left to chance, and genre rates weigh looks by 1 / probability.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.data.shown_choices import shown_choices
from matinee.decision import Policy, Progress, Requests, Scorer, no_progress, part_of
from matinee.errors import BadRequest
from matinee.evaluate.loops import SHOWN, exposure_of
from matinee.evaluate.retrained import Retrained
from matinee.events import DAY
from matinee.maths.arrays import Doubles
from matinee.policies.rules import Boltzmann, Floored
from matinee.policies.scored import Scored
from matinee.policies.uniform import Uniform
from matinee.recipes.laboratory import GenreRates
from matinee.recipes.registry import MODELS
from matinee.simulate.loop import Lived
from matinee.simulate.retraining import Looks, days_retrained
from matinee.simulate.world import World
from matinee.surfaces.trust import had_enough

GENRE_RATES = "genre-rates"
LEARN = (GENRE_RATES, "popularity", "factors", "ease")  # models that are quick enough to be fitted again and again
FLOOR, TEMPERATURE = 0.1, 0.2  # share left to chance; of scores in units of their deviation over titles
MET = -1e3  # score of a title that the member met
TRAININGS = 2  # that are needed at least


def retraining(
    dataset: Dataset,
    model: str = GENRE_RATES,
    damped: bool = True,
    members: int = 3_000,
    days: int = 42,
    every: int = 2,
    seeds: int = 3,
    progress: Progress = no_progress,
) -> Retrained:
    """Each arm in the same world, of each seed. Raises `BadRequest` where there are too few days or seeds."""
    if model not in LEARN:
        raise BadRequest(f"{model!r:.100} is not retrained here; choose from {', '.join(LEARN)}")
    if days < (1 + TRAININGS) * every or seeds < 2:
        raise BadRequest(
            f"retraining got {days} days, every {every}, and {seeds} seeds; give at least {(1 + TRAININGS) * every} "
            "days and two seeds"
        )
    arms = ("as it is", "damped") if damped else ("as it is",)
    found: dict[str, list[dict[str, Doubles]]] = {name: [] for name in arms}
    for seed in range(seeds):
        world = World.from_data(dataset, members, seed=seed)
        for at, name in enumerate(arms):
            ends = (seed + at / len(arms)) / seeds, (seed + (at + 1) / len(arms)) / seeds
            told = part_of(progress, f"seed {seed}, {name}", *ends)
            found[name].append(_course(deepcopy(world), model, name == "damped", days, every, told))
    return Retrained(model, every, len(world.members), {name: _stacked(courses) for name, courses in found.items()})


@dataclass
class FromItsOwnLog:
    """Fits a model anew on all that was lived so far, and gives the billboard that shows its best."""

    world: World
    model: str
    floor: float
    events: list[pl.DataFrame] = field(default_factory=list)

    def __call__(self, lately: list[Lived]) -> Policy:
        """The billboard after what was lived lately, too."""
        catalog, people = self.world.catalog, self.world.members.people
        for one in lately:
            self.events += [one.answers.events(catalog), one.found.events(catalog, people)]
        log = pl.concat(self.events).sort("timestamp", maintain_order=True)
        data = training_data(log, catalog, int(log["timestamp"].cast(pl.Int64).max()) + 1)  # type: ignore[arg-type]
        scorer = MODELS[self.model].make().fit(data, np.random.default_rng(self.world.seed))
        rule = Floored(Boltzmann(TEMPERATURE), self.floor)
        return Scored(self.model, "unsaved", catalog, partial(_unmet, scorer, catalog), rule)


def _unmet(scorer: Scorer, catalog: Catalog, requests: Requests) -> Doubles:
    """(batch, titles) scores in units of their deviation, those of what the member met lowest of all."""
    scores = scorer.score(requests).astype(np.float64)
    moved = scores - scores.mean(axis=1, keepdims=True)
    unit = moved / np.maximum(scores.std(axis=1, keepdims=True), 1e-12)
    return np.where(had_enough(requests, catalog), MET, unit)


def _learner(world: World, model: str, damped: bool) -> Callable[[list[Lived]], Policy]:
    floor = FLOOR if damped else 0.0
    if model != GENRE_RATES:
        return FromItsOwnLog(world, model, floor)
    rates = GenreRates(world.catalog, damped, floor)

    def learn(lately: list[Lived]) -> Policy:
        return rates(Looks.of([one.answers for one in lately]))

    return learn


def _course(world: World, model: str, damped: bool, days: int, every: int, progress: Progress) -> dict[str, Doubles]:
    """Measure -> (stretches,)."""
    stretches = days // every
    rewards, decided = np.zeros(stretches), np.zeros(stretches)
    made = []
    learn = _learner(world, model, damped)

    def learn_of_enough(lately: list[Lived]) -> Policy:
        _require_enough(sum(len(one.answers.decisions) for one in lately), world, every)
        return learn(lately)

    taught = days_retrained(world, Uniform(world.catalog), learn_of_enough, stretches * every, every, progress)
    for day, lived in taught:
        made.append(lived.answers.decisions)
        rewards[day // every] += lived.answers.totals.sum()
        decided[day // every] += len(lived.answers.decisions)
    first = world.config.start // DAY
    exposure = exposure_of(shown_choices(made), world.catalog, first, every, stretches)
    _require_enough(float(exposure.shown.min()), world, every)
    shares = exposure.genres / np.maximum(exposure.genres.sum(axis=1, keepdims=True), 1.0)
    moved = np.abs(np.diff(shares, axis=0, prepend=shares[:1])).sum(axis=1) / 2
    of_titles = {name: getattr(exposure, name) for name in ("overlap", "gini", "coverage")}
    return {**of_titles, "swing": moved, "reward": rewards / np.maximum(decided, 1.0)}


def _require_enough(shown: float, world: World, every: int) -> None:
    if shown < SHOWN:
        raise BadRequest(
            f"{len(world.members):,} members ask less than {SHOWN} times in {every} days; give more members, or days "
            "between trainings"
        )


def _stacked(courses: list[dict[str, Doubles]]) -> dict[str, Doubles]:
    return {name: np.stack([one[name] for one in courses]) for name in courses[0]}

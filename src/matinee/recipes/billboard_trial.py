"""Billboards in worlds with hidden gems: what each is worth, what it shows, and what its log tells of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from matinee.data.dataset import Dataset
from matinee.decision import Policy, Progress, no_progress
from matinee.events import liked
from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.recipes.billboards import Maker
from matinee.recipes.simulation_report import billboards, judgement
from matinee.report.simulation import Judgement
from matinee.simulate.answers import Answers
from matinee.simulate.gems import with_gems
from matinee.simulate.loop import learn, live_day
from matinee.simulate.result import SimulationResult, result_of
from matinee.simulate.tally import FRESH, Tally
from matinee.simulate.truth import best_values, values
from matinee.simulate.world import World

GEMS = 20
OBSCURE = 2  # likes that a gem has at most in the data
EVERY = 20  # of so many decisions one's regret is measured
FOUND = 10.0  # times as often as by chance is a title shown in a week that was found
WEEK = 7


@dataclass
class Course:
    """What one policy did: `shown` (days, titles) decisions that showed each title; by day (days,) the mean of -log p,
    the share of decisions that showed a title of the last `FRESH` days, and the regret a decision that those paid.
    """

    tally: Tally
    policy: Policy
    world: World
    shown: list[Int64s] = field(default_factory=list)
    entropy: list[float] = field(default_factory=list)
    new: list[float] = field(default_factory=list)
    paid: list[float] = field(default_factory=list)

    def live(self, day: int) -> None:
        """A day of the policy in its world, learned from."""
        answers: list[Answers] = []
        paid: list[Doubles] = []
        for lived in live_day(self.world, self.policy, day, billboards):
            self.tally.count(day, lived.visits, lived.found, lived.answers)
            answers.append(lived.answers)
            paid.append(self._paid(day, lived.answers))
        learn(self.policy, answers)
        self.tally.close(day)
        items = np.concatenate([one.decisions.titles for one in answers])
        logs = np.concatenate([one.decisions.choices.log_probs for one in answers])
        self.shown.append(np.bincount(items[items >= 0], minlength=len(self.world.titles)))
        self.entropy.append(float(-logs.mean()))
        self.new.append(float(self._is_new(day)[items].mean()))
        self.paid.append(float(np.concatenate(paid).mean()))

    def found(self, items: Int32s, days: int = WEEK) -> int:
        """How many of `items` the last days showed `FOUND` times as often as chance would."""
        lately = np.sum(self.shown[-days:], axis=0)
        return int(np.count_nonzero(lately[items] > FOUND * lately.sum() / len(lately)))

    def _is_new(self, day: int) -> np.ndarray:
        launched = self.world.titles.launched
        return np.asarray((launched >= day - FRESH) & (launched >= 0))

    def _paid(self, day: int, answers: Answers) -> Doubles:
        """The regret of some decisions where it was a new title that they showed, 0 for others."""
        some = answers.decisions.take(np.arange(day % EVERY, len(answers.decisions), EVERY))
        regret = best_values(self.world, some) - values(self.world, some)
        return np.where(self._is_new(day)[some.titles], regret, 0.0)


@dataclass(frozen=True)
class BillboardTrial:
    """Billboards in worlds of one seed, with the gems that were planted, and what the log of the last one tells."""

    seed: int
    result: SimulationResult
    courses: Mapping[str, Course]
    gems: Int32s
    judgement: Judgement


def trial(
    dataset: Dataset, makers: Mapping[str, Maker], members: int, days: int, seed: int, progress: Progress = no_progress
) -> BillboardTrial:
    """Each billboard for `days` in a world of its own, all of one seed and with the same gems; then the last one logs a
    week more, from which all are judged.
    """
    world = World.from_data(dataset, members, seed=seed)
    rng = np.random.default_rng(seed)
    gems = rng.choice(obscure_titles(dataset, world), GEMS, replace=False).astype(np.int32)
    begun = with_gems(world, gems, rng)
    courses = {}
    for at, (name, maker) in enumerate(makers.items()):
        here = deepcopy(begun)
        courses[name] = Course(Tally(name, here), maker(dataset, here, seed), here)
        for day in range(days):
            progress(f"seed {seed}: {name}, day {day + 1}", (at + day / days) / len(makers))
            courses[name].live(day)
    result, last = result_of([one.tally for one in courses.values()]), name
    policies = {**{name: one.policy for name, one in courses.items()}, "itself": courses[last].policy}
    judged = judgement(deepcopy(courses[last].world), last, policies, days)
    return BillboardTrial(seed, result, courses, gems, judged)


def obscure_titles(dataset: Dataset, world: World) -> Int32s:
    """Titles that are there from the first day on and that hardly anybody likes in the data."""
    index = dataset.catalog.index
    likes = [index[one] for one in dataset.events.filter(liked())["item_id"].to_list() if one in index]
    few = np.bincount(likes, minlength=len(world.titles)) <= OBSCURE
    start, end = world.catalog.available
    stays = (start <= world.config.start) & (end >= world.config.start + 2**50) & (world.titles.launched < 0)
    return np.flatnonzero(few & stays).astype(np.int32)


def differences(trials: Sequence[BillboardTrial], measure: str) -> Doubles:
    """(trials,) how much more the last policy gave a member than the first."""
    rows = [one.result.differences.filter(measure=measure).to_dicts()[-1] for one in trials]
    return np.array([row["mean"] for row in rows])

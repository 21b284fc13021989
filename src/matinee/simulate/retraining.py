"""A policy that is retrained on what came of its own decisions, in a world: what was shown by day, and its worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from matinee.data.genres import genre_shares
from matinee.decision import Layer, Policy, Progress, no_progress
from matinee.maths.arrays import Doubles, Flags, Int32s
from matinee.page import ONE_TITLE
from matinee.simulate.answers import Answers
from matinee.simulate.loop import Lived, live_day
from matinee.simulate.world import World


class Looks(NamedTuple):
    """Titles that were looked at (looks,): which, whether each was played, and the log-probability of showing it."""

    items: Int32s
    played: Flags
    log_probs: Doubles

    @classmethod
    def of(cls, answers: list[Answers]) -> Looks:
        """Those of some answers, in their order."""
        parts = [
            (one.decisions.choices.actions[one.examined], one.clicked[one.examined],
             one.decisions.choices.log_probs[one.examined])
            for one in answers
        ]  # fmt: skip
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))


Learn: TypeAlias = Callable[[Looks], Policy]


class Course(NamedTuple):
    """What was shown by genre (days, genres), a title's genres sharing it; the decisions made (days,); of each member
    the reward and the decisions over all days (members,).
    """

    shown: Doubles
    decisions: Doubles
    rewards: Doubles
    asked: Doubles

    @property
    def shares(self) -> Doubles:
        """(days, genres) of what was shown on each day."""
        return np.asarray(self.shown / np.maximum(self.shown.sum(axis=1, keepdims=True), 1.0))


def retrained(
    world: World, first: Policy, learn: Learn, days: int, every: int, progress: Progress = no_progress
) -> Course:
    """What was shown, and what it was worth, where each training learns from the looks since the last one alone."""
    genres = genre_shares(world.catalog)
    course = Course(*(np.zeros(shape) for shape in _shapes(days, genres.shape[1], len(world.members))))
    taught = days_retrained(
        world, first, lambda lately: learn(Looks.of([one.answers for one in lately])), days, every, progress
    )
    for day, lived in taught:
        _count(course, day, lived.answers, genres)
    return course


def days_retrained(
    world: World,
    first: Policy,
    learn: Callable[[list[Lived]], Policy],
    days: int,
    every: int,
    progress: Progress = no_progress,
) -> Iterator[tuple[int, Lived]]:
    """THE FLOW: `first` decides for `every` days, then what `learn` makes of what was lived since, and so on.

    The day and what was lived, batch by batch. One title a visit. The world changes in place.
    """
    policy, lately = first, list[Lived]()
    for day in range(days):
        progress(f"day {day + 1} of {days}", day / days)
        if day and day % every == 0:
            policy, lately = learn(lately), []
        for lived in live_day(world, policy, day, lambda here, visits: here.requests(visits, layout=ONE_TITLE)):
            lately.append(lived)
            yield day, lived


def _shapes(days: int, genres: int, members: int) -> list[tuple[int, ...]]:
    return [(days, genres), (days,), (members,), (members,)]


def _count(course: Course, day: int, answers: Answers, genres: Doubles) -> None:
    decisions = answers.decisions
    titles = decisions.choices.actions[decisions.layer(Layer.TITLE)]
    course.shown[day] += np.asarray(genres[titles].sum(axis=0)).ravel()
    course.decisions[day] += len(decisions)
    course.rewards[decisions.requests.members] += answers.totals
    course.asked[decisions.requests.members] += 1

"""Moments: members with a hidden mood of the moment answer one suggestion after another.

A mood is a direction of taste, that of a title which the member has in mind, and at times a wish for something light or
heavy. It adds to the log-odds of enjoyment; nobody but the world knows it, and no policy's moods are like it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from matinee.decision import Episodes, Policy, Requests
from matinee.decision.eligibility import eligible
from matinee.errors import BadRequest
from matinee.events import Kind
from matinee.maths.arrays import Doubles, Flags, Floats, Int8s, Int32s
from matinee.simulate import visit_kernels
from matinee.simulate.purposes import MOMENT, REPLY
from matinee.simulate.world import World
from matinee.tone import tones

THEME, TONE = 0, 1  # what the luck of a moment decides


@dataclass(frozen=True, slots=True)
class MomentConfig:
    """`theme`: standard deviation over titles of what the mood adds to the log-odds of enjoyment.
    `tone`: what a wish for light or heavy adds per unit of lightness; a share `toned` has one. A title
    is taken with P = 1 / (1 + e^(reluctance - log-odds)), and finds favour where it is enjoyed by
    `enjoyable` at least. A share `words` of refusals says more than "skip".
    """

    theme: float = 1.5
    tone: float = 1.0
    toned: float = 0.5
    reluctance: float = 4.0
    enjoyable: float = 0.6
    words: float = 0.5

    def __post_init__(self) -> None:
        if not (0 <= self.toned <= 1 and 0 < self.enjoyable < 1 and 0 <= self.words <= 1):
            raise BadRequest("toned, enjoyable and words of a moment are shares; give numbers from 0 to 1")


@dataclass(frozen=True)
class Moments:
    """Members who ask what to play (`requests`, batch), each in a mood: `themes` (batch,) the title that each has in
    mind, `wishes` (batch,) 1 for light, -1 for heavy, 0 for either.
    """

    world: World
    requests: Requests
    config: MomentConfig
    themes: Int32s
    wishes: Int8s

    @classmethod
    def of(cls, world: World, requests: Requests, config: MomentConfig = MomentConfig()) -> Moments:
        """The moods of these requests: what has each in mind is drawn by appeal among what they may be shown."""
        truth, asked = world.asked(requests)
        luck = _luck(asked.keys, MOMENT, np.full(len(requests), THEME, np.int32))
        appeal = np.exp(truth.appeals[asked.days].astype(np.float64)) * eligible(world.catalog, requests)
        running = np.cumsum(appeal, axis=1)
        themes = (running < (luck * running[:, -1])[:, None]).sum(axis=1)
        toned = _luck(asked.keys, MOMENT, np.full(len(requests), TONE, np.int32))
        half = config.toned / 2
        wishes = np.where(toned < half, 1, np.where(toned < 2 * half, -1, 0))
        last = len(world.titles) - 1
        return cls(world, requests, config, np.minimum(themes, last).astype(np.int32), wishes.astype(np.int8))

    def mood(self, titles: Int32s) -> Doubles:
        """(batch,) what the mood of each adds to the log-odds of enjoying a title each."""
        vectors, directions = self.world.titles.vectors, self._directions
        along = np.einsum("bk,bk->b", directions, vectors[titles].astype(np.float64))
        theme = (along - directions @ self._mean) / np.maximum(self._spread, 1e-9)
        tone = self.config.tone * self.wishes * self._tones[titles]
        return np.asarray(self.config.theme * theme + tone)

    def enjoyment(self, titles: Int32s) -> Doubles:
        """(batch,) the log-odds with which each would enjoy a title each now."""
        truth, asked = self.world.asked(self.requests)
        taste = np.einsum("bk,bk->b", truth.tastes[asked.persons], truth.vectors[titles]).astype(np.float64)
        strength = self.world.config.worth_of_taste * self.world.config.taste
        return np.asarray(truth.worth[titles] + strength * taste + self.mood(titles))

    def answers(self, titles: Int32s) -> tuple[Int8s, Flags]:
        """(batch,) what each answers to a title each, and whether it is played and enjoyed."""
        keys, wanted = self.world.asked(self.requests)[1].keys, self.enjoyment(titles)
        luck = _luck(keys, REPLY, 2 * titles)
        taken = luck < 1 / (1 + np.exp(self.config.reluctance - wanted))
        enjoyed = taken & (1 / (1 + np.exp(-wanted)) >= self.config.enjoyable)
        more = _luck(keys, REPLY, 2 * titles + 1) < self.config.words
        mood = self.mood(titles)
        said = np.select(
            [
                enjoyed,
                ~more,
                (self.wishes > 0) & (self._tones[titles] < 0.3),
                (self.wishes < 0) & (self._tones[titles] > -0.3),
                mood > self.config.theme,
                mood < -0.5 * self.config.theme,
            ],
            [Kind.PLAY, Kind.SKIP, Kind.LIGHTER, Kind.HEAVIER, Kind.MORE_LIKE, Kind.NOT_NOW],
            Kind.SKIP,
        )
        return said.astype(np.int8), enjoyed

    @cached_property
    def _directions(self) -> Doubles:
        """(batch, factors) of length 1."""
        towards = self.world.titles.vectors[self.themes].astype(np.float64)
        return np.asarray(towards / np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9))

    @cached_property
    def _mean(self) -> Doubles:
        return np.asarray(self.world.titles.vectors.mean(axis=0, dtype=np.float64))

    @cached_property
    def _spread(self) -> Doubles:
        """(batch,) the standard deviation over titles along each direction."""
        centred = self.world.titles.vectors - self._mean
        covariance = centred.T @ centred / len(centred)
        along = np.einsum("bk,kl,bl->b", self._directions, covariance, self._directions)
        return np.asarray(np.sqrt(along))

    @cached_property
    def _tones(self) -> Floats:
        return tones(self.world.catalog)


@dataclass(frozen=True)
class Course:
    """How moments went: `found` (batch,) the number of the suggestion that was played and enjoyed, one more than were
    made where none was; `episodes` what had been answered after each step, the first with nothing.
    """

    found: Int32s
    episodes: tuple[Episodes, ...]


def spend(moments: Moments, policy: Policy, steps: int, rng: np.random.Generator, at_once: int = 256) -> Course:
    """Let a policy make so many suggestions to each; who found something is asked on, so that all can be compared."""
    batch = len(moments.requests)
    episodes = Episodes(np.arange(batch, dtype=np.uint64), np.zeros(batch, np.int32))
    found, course = np.full(batch, steps + 1, np.int32), [episodes]
    for step in range(steps):
        asked = replace(moments.requests, episodes=episodes)
        titles = np.full(batch, -1, np.int32)
        for start in range(0, batch, at_once):
            rows = np.arange(start, min(start + at_once, batch))
            made = policy.decide(asked.take(rows), rng)
            titles[rows[made.choices.decisions]] = made.choices.actions
        answers, enjoyed = moments.answers(np.maximum(titles, 0))
        enjoyed &= titles >= 0
        found = np.where(enjoyed & (found > steps), step + 1, found).astype(np.int32)
        episodes = episodes.then(titles, answers)
        course.append(episodes)
    return Course(found, tuple(course))


def _luck(keys: np.ndarray, purpose: int, others: Int32s) -> Doubles:
    luck = np.empty(len(keys))
    visit_kernels.luck_of(keys, purpose, others.astype(np.int32), luck)
    return luck

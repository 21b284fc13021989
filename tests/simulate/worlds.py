"""Worlds and policies that the tests of the simulator share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from matinee.decision import Choices, Decisions, Maker, Requests, decision_ids
from matinee.decision.eligibility import eligible
from matinee.simulate.config import WorldConfig
from matinee.simulate.loop import live_day
from matinee.simulate.truth import every_title
from matinee.simulate.world import World
from matinee.testing import make_catalog

# One title differs from another by appeal and worth alone, and nothing moves.
PLAIN = WorldConfig(
    taste=0,
    moods=0,
    drift=0,
    novelty=0,
    season=0,
    again=0,
    shared=0,
    launching=0,
    leaving=0,
    cancelling=0,
    elasticity=0,
)
BUSY = replace(PLAIN, visits=2.0, search=0.0, links=0.0)


def make_world(members=500, titles=30, config=WorldConfig(), seed=0, **fields):
    return World.drawn(members, make_catalog(titles), config, seed, **fields)


def days_of(world, policy, days, **options):
    """All answers of some days."""
    return [lived.answers for day in range(days) for lived in live_day(world, policy, day, **options)]


def decided(requests: Requests, items, name="test") -> Decisions:
    """The decisions of a policy that is sure of these titles (batch,)."""
    batch, rng = len(requests), np.random.default_rng(0)
    choices = Choices.of_titles(np.asarray(items, np.int32), np.zeros(batch), np.ones(batch, np.int32))
    nothing = np.zeros(batch, np.uint64)
    return Decisions(requests, decision_ids(batch, rng), (Maker(name),), choices, np.ones(batch, np.int32), nothing)


@dataclass(frozen=True)
class Fixed:
    """Shows everybody the same title."""

    item: int

    def decide(self, requests, rng):
        return decided(requests, np.full(len(requests), self.item), f"fixed-{self.item}")

    def log_prob(self, decisions):
        return np.where(decisions.choices.actions == self.item, 0.0, -np.inf)


@dataclass(frozen=True)
class Perfect:
    """Knows the truth and shows each the title with the highest expected reward."""

    world: World

    def decide(self, requests, rng):
        return decided(requests, every_title(self.world, requests).argmax(axis=1), "perfect")

    def log_prob(self, decisions):
        best = every_title(self.world, decisions.requests).argmax(axis=1)
        return np.where(decisions.choices.actions == best, 0.0, -np.inf)


@dataclass(frozen=True)
class Slates:
    """Pages of `rows` x `columns` neighbours of a title drawn by chance."""

    titles: int
    rows: int
    columns: int

    def decide(self, requests, rng):
        batch, size = len(requests), self.rows * self.columns
        first = (rng.integers(2**64, size=batch, dtype=np.uint64) % np.uint64(self.titles)).astype(np.int64)
        items = ((first[:, None] + np.arange(size)) % self.titles).astype(np.int32).ravel()
        rows, columns = (np.tile(one.ravel(), batch).astype(np.int16) for one in np.indices((self.rows, self.columns)))
        lines = np.full(batch * size, -np.log(self.titles) / size)
        whole = Choices.of_titles(items, lines, np.full(len(items), self.titles, np.int32))
        choices = replace(whole, offsets=np.arange(batch + 1) * size, rows=rows, columns=columns)
        ids, nothing = decision_ids(batch, rng), np.zeros(batch, np.uint64)
        return Decisions(requests, ids, (Maker("slates"),), choices, np.full(batch, size, np.int32), nothing)

    def log_prob(self, decisions):
        return decisions.choices.log_probs


def may_be_shown(world, answers):
    """Whether each title shown could be shown then."""
    choices = answers.decisions.choices
    return eligible(world.catalog, answers.decisions.requests)[choices.decisions, choices.actions]

"""A carousel of lists: members look at the first slots and swipe on to others; what is played, and what was lost.

A domain of the form of Bendada, Salha and Bontempelli 2020 ("Carousel personalization in music streaming apps with
contextual bandits"), drawn by a generator of our own. A member with taste u plays list l, if looked at, with the chance

    p(u, l) = 1 / (1 + exp(-(popularity_l + taste · u · w_l))),

and looks at slot k with the chance 1 for the visible ones, `patience` times that of the slot before for others. The
value of a carousel is the expected number of plays, its regret what the best one for the member has more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from matinee.maths.arrays import Doubles, Flags, Int32s, Int64s

AT_ONCE = 4_096  # members whose best lists are sought at one time


@dataclass(frozen=True, slots=True)
class CarouselConfig:
    """`members` of whom `asking` come each day; `segments` of like tastes, within which `apart` (0..1) of the variance
    of tastes lies. `popularity` and `spread`: mean and deviation of the lists' logits; `taste`: the deviation that
    tastes add to them.
    """

    lists: int = 862
    slots: int = 12
    visible: int = 3
    members: int = 50_000
    asking: int = 20_000
    segments: int = 100
    size: int = 8
    apart: float = 0.1
    popularity: float = -4.8
    spread: float = 0.6
    taste: float = 0.8
    patience: float = 0.7


class Shown(NamedTuple):
    """A day: who came, (asking,) members; their `lists` and what was `played`, each (asking, slots)."""

    members: Int64s
    lists: Int32s
    played: Flags


@dataclass(frozen=True)
class Carousel:
    """`tastes` (members, size), `segments` (members,), `weights` (lists, size), `popularity` (lists,); and the value of
    each member's best carousel, `best` (members,).
    """

    config: CarouselConfig
    tastes: Doubles
    segments: Int64s
    weights: Doubles
    popularity: Doubles
    best: Doubles

    @classmethod
    def drawn(cls, config: CarouselConfig, rng: np.random.Generator) -> Self:
        """A world by chance; tastes have unit variance in each direction."""
        segments = rng.integers(config.segments, size=config.members)
        centres = rng.standard_normal((config.segments, config.size)) * np.sqrt(1.0 - config.apart)
        tastes = centres[segments] + rng.standard_normal((config.members, config.size)) * np.sqrt(config.apart)
        weights = rng.standard_normal((config.lists, config.size)) * config.taste / np.sqrt(config.size)
        popularity = config.popularity + config.spread * rng.standard_normal(config.lists)
        world = cls(config, tastes, segments, weights, popularity, np.zeros(config.members))
        parts = [world._best(tastes[at : at + AT_ONCE]) for at in range(0, config.members, AT_ONCE)]
        return cls(config, tastes, segments, weights, popularity, np.concatenate(parts))

    @property
    def looks(self) -> Doubles:
        """(slots,) the chance that each is looked at."""
        behind = np.arange(self.config.slots) - self.config.visible + 1
        return np.asarray(self.config.patience ** np.maximum(behind, 0))

    def asking(self, rng: np.random.Generator) -> Int64s:
        """(asking,) the members who come on a day."""
        return rng.integers(self.config.members, size=self.config.asking)

    def chances(self, members: Int64s, lists: Int32s) -> Doubles:
        """(n, slots) the chance that each member plays each of their lists, if looked at."""
        logits = self.popularity[lists] + np.einsum("nd,nkd->nk", self.tastes[members], self.weights[lists])
        return np.asarray(1.0 / (1.0 + np.exp(-logits)))

    def played(self, members: Int64s, lists: Int32s, rng: np.random.Generator) -> Flags:
        """(n, slots) what each plays, of what they look at."""
        chances = self.chances(members, lists)
        looked = (
            rng.random((len(members), 1)) < self.looks
        )  # one patience a member: whoever sees a slot saw those before
        return np.asarray(looked & (rng.random(chances.shape) < chances))

    def regret(self, members: Int64s, lists: Int32s) -> Doubles:
        """(n,) what the best carousel is worth more than each of these."""
        return self.best[members] - self.chances(members, lists) @ self.looks

    def _best(self, tastes: Doubles) -> Doubles:
        logits = self.popularity + tastes @ self.weights.T
        top = -np.sort(-np.partition(logits, -self.config.slots, axis=1)[:, -self.config.slots :], axis=1)
        return np.asarray((1.0 / (1.0 + np.exp(-top))) @ self.looks)

"""A laboratory of feedback loops: members choose from what models rank, models learn from what they chose, and again.

The protocol of Chaney, Stewart and Engelhardt, "How algorithmic confounding in recommendation systems increases
homogeneity and decreases utility", RecSys 2018: every member takes one title a step, the one of the largest

    known utility * rank^-attention

among all that they have not had, as the recommender ranks them. Titles that came after it last learned stand at random
places of the ranking. At the start everybody is shown titles at random; then recommenders learn once (`once`) or at
each step. Members and titles have mixtures of attributes, theta_u and beta_i; the true utility is theta_u . beta_i, of
which a member knows `known` beforehand. Both have Beta distributions of standard deviation `SPREAD`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.histories import training_data
from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.events import SCHEMA
from matinee.history import TrainingData
from matinee.maths.arrays import Doubles, Int32s

SPREAD = 1e-5
HOUR = 3_600_000_000  # microseconds: a step


@dataclass(frozen=True, slots=True)
class LaboratoryConfig:
    """Members, attributes of a title, steps in all, of which `startup` without a recommender, titles that appear at
    each step, how fast attention falls with the rank, and the share of its utility that is known of a title.
    """

    members: int = 100
    attributes: int = 20
    steps: int = 110
    startup: int = 10
    appear: int = 10
    attention: float = 0.8
    known: float = 0.98

    def __post_init__(self) -> None:
        if not 0 < self.startup < self.steps or min(self.members, self.attributes, self.appear) < 2:
            raise BadRequest(f"a laboratory needs 0 < startup < steps and two of everything, got {self}")


class Moment(NamedTuple):
    """What a recommender may know at a step: what everybody took so far, and who asks."""

    data: TrainingData
    requests: Requests


Recommender: TypeAlias = Callable[[Moment, np.random.Generator], Doubles]  # (members, titles), higher is better


@dataclass(frozen=True)
class Laboratory:
    """Members and titles with their truth: `utility` and what is `known` of it, both (members, titles).

    Title i appears at step i // `config.appear`. The catalogue holds the titles' attributes as vectors. A `seed` fixes
    all chance: every recommender meets the same members, titles, start and places of new titles.
    """

    config: LaboratoryConfig
    seed: int
    catalog: Catalog
    utility: Doubles
    known: Doubles

    @classmethod
    def drawn(cls, config: LaboratoryConfig = LaboratoryConfig(), seed: int = 0) -> Self:
        """theta_u ~ Dir(10 Dir(1)), beta_i ~ Dir(0.1 Dir(100)), all Dirichlets over the attributes."""
        rng, size = np.random.default_rng([seed, 0]), config.attributes
        titles = config.steps * config.appear
        tastes = rng.dirichlet(10.0 * rng.dirichlet(np.ones(size)), config.members)
        attributes = rng.dirichlet(0.1 * rng.dirichlet(np.full(size, 100.0)), titles)
        utility = _beta(tastes @ attributes.T, rng)
        known = utility * _beta(np.full_like(utility, config.known), rng)
        ids = pl.DataFrame({"item_id": [f"t{at}" for at in range(titles)]})
        catalog = Catalog.from_frame(ids).with_vectors({"attributes": attributes.astype(np.float32)})
        return cls(config, seed, catalog, utility, known)

    def run(self, recommenders: Sequence[Recommender], once: bool = False) -> Run:
        """All steps: member m is served by recommender m mod their number; each learns from what all members took.

        With `once` they learn at the end of the start alone.
        """
        config, titles = self.config, len(self.catalog)
        taken = np.zeros((config.members, config.steps), np.int32)
        had = np.zeros((config.members, titles), np.bool_)
        members = np.arange(config.members)
        scores, ranked = np.zeros((config.members, titles)), 0
        for step in range(config.steps):
            if step == config.startup or (step > config.startup and not once):
                scores, ranked = self._scores(recommenders, taken[:, :step]), step * config.appear
            chosen = self._choices(scores, had, step, ranked)
            taken[:, step], had[members, chosen] = chosen, True
        return Run(taken, scores, had, self.utility)

    def ideal(self, moment: Moment, rng: np.random.Generator) -> Doubles:
        """The recommender that knows the truth."""
        return self.utility

    def _scores(self, recommenders: Sequence[Recommender], taken: Int32s) -> Doubles:
        moment, step = self._moment(taken), taken.shape[1]
        found = [one(moment, np.random.default_rng([self.seed, 2, step, at])) for at, one in enumerate(recommenders)]
        members = np.arange(len(taken))
        return np.asarray(np.stack(found)[members % len(found), members], np.float64)

    def _choices(self, scores: Doubles, had: np.ndarray, step: int, ranked: int) -> Int32s:
        """(members,) what each takes: the first `ranked` titles stand by their scores, later ones anywhere."""
        there = (step + 1) * self.config.appear
        places = np.random.default_rng([self.seed, 1, step]).random((len(had), there))
        if ranked:
            order = np.where(had[:, :ranked], -np.inf, scores[:, :ranked]).argsort(axis=1).argsort(axis=1)
            places[:, :ranked] = 1.0 - (order + 0.5) / ranked
        places[had[:, :there]] = np.inf
        ranks = 1.0 + places.argsort(axis=1).argsort(axis=1)
        worth = np.where(had[:, :there], -np.inf, self.known[:, :there] * ranks**-self.config.attention)
        return np.asarray(worth.argmax(axis=1), np.int32)

    def _moment(self, taken: Int32s) -> Moment:
        members, steps = taken.shape
        names = pl.Series([f"m{member:04}" for member in range(members)])
        events = pl.DataFrame(
            {
                "event_id": [f"e{at}" for at in range(taken.size)],
                "user_id": names.gather(np.repeat(np.arange(members), steps)),
                "item_id": pl.Series(self.catalog.item_ids).gather(taken.ravel()),
                "kind": pl.repeat("play", taken.size, eager=True),
                "timestamp": np.tile(np.arange(steps) * HOUR, members),
                "value": np.ones(taken.size),
            }
        )
        empty = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in events.columns]
        events = events.with_columns(pl.col("timestamp").cast(SCHEMA["timestamp"]), *empty).select(SCHEMA.keys())
        data = training_data(events, self.catalog, steps * HOUR)
        return Moment(data, Requests.of_histories(data.histories, np.full(members, steps * HOUR)))


class Run(NamedTuple):
    """What came of it: `taken` (members, steps) titles, the last `scores`, `had` and the true `utility`, each
    (members, titles).
    """

    taken: Int32s
    scores: Doubles
    had: np.ndarray
    utility: Doubles

    def overlap(self, pairs: Int32s) -> Doubles:
        """(pairs,) Jaccard index of what the two members of each pair (pairs, 2) had."""
        one, other = self.had[pairs[:, 0]], self.had[pairs[:, 1]]
        return np.asarray((one & other).sum(axis=1) / (one | other).sum(axis=1))

    def nearest(self) -> Int32s:
        """(members, 2) each member with the one whose last scores are nearest by cosine, the first of equals."""
        moved = self.scores - self.scores.mean(axis=1, keepdims=True)
        unit = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
        near = unit @ unit.T
        np.fill_diagonal(near, -np.inf)
        return np.column_stack([np.arange(len(near)), near.argmax(axis=1)]).astype(np.int32)

    def enjoyed(self) -> Doubles:
        """(members,) utility of all that each took."""
        return np.asarray((self.utility * self.had).sum(axis=1))

    def reach(self) -> float:
        """Share of the titles that anybody took."""
        return float(self.had.any(axis=0).mean())


class Effect(NamedTuple):
    """What a recommender does to a laboratory, beside the ideal one: `near` and `at_random`, by how much the members of
    a pair had more in common, of those nearest by their scores and of any; `utility`, relative; `reach` of titles.
    """

    near: float
    at_random: float
    utility: float
    reach: float


def effect(run: Run, ideal: Run, pairs: Int32s) -> Effect:
    """Of a run and the ideal one in the same laboratory; `pairs` (pairs, 2) of any members."""
    near = run.nearest()
    return Effect(
        near=float((run.overlap(near) - ideal.overlap(near)).mean()),
        at_random=float((run.overlap(pairs) - ideal.overlap(pairs)).mean()),
        utility=float(run.enjoyed().sum() / ideal.enjoyed().sum() - 1.0),
        reach=run.reach(),
    )


def _beta(means: Doubles, rng: np.random.Generator) -> Doubles:
    """Beta variables of these means and standard deviation `SPREAD`."""
    means = np.clip(means, 1e-6, 1 - 1e-6)
    a = means * (means * (1 - means) / SPREAD**2 - 1)
    return rng.beta(a, a * (1 - means) / means)

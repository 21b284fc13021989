"""A log of pages in a world: each member's own titles are pushed, by chance whose every probability is logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from matinee.data.shown_choices import SHOWN
from matinee.maths.arrays import Doubles, Flags, Int64s
from matinee.maths.sampling import plackett_luce
from matinee.page import WEB
from matinee.simulate.echo import asked, log_of
from matinee.simulate.truth import every_title
from matinee.simulate.world import World

DRAWS = 20  # of a page, from which the truth is taken


@dataclass(frozen=True, slots=True)
class PagesConfig:
    """`pages` that a member opens, of one row of `titles`. `strength`: standard deviation of the log-odds
    with which titles are pushed to a member; `knows`: their correlation with what the member likes.
    """

    pages: int = 8
    titles: int = 12
    strength: float = 1.1
    knows: float = 0.0
    audiences: int = 8


@dataclass(frozen=True)
class EchoPages:
    """What came of it.

    seen, liked    (members, titles)
    propensities   (members, titles) of being seen on any page, by `DRAWS` pages of each member
    truth          (members, titles) the chance that the member likes the title when it is seen
    shown          `data.shown_choices.SHOWN`: every page that was opened, with its probabilities
    user_ids       of the members, in order
    """

    seen: Flags
    liked: Flags
    propensities: Doubles
    truth: Doubles
    shown: pl.DataFrame
    user_ids: list[str]

    @classmethod
    def of(cls, world: World, rng: np.random.Generator, config: PagesConfig = PagesConfig()) -> Self:
        """Each page is drawn by Plackett-Luce; each place is looked at as the web's layout says."""
        truth = every_title(world, asked(world))
        logits = _pushed(truth, rng, config)
        looked = WEB.attention.columns(config.titles, WEB.visible)
        user_ids = world.members.people.user_ids.to_list()
        seen, frames = np.zeros(truth.shape, np.bool_), []
        for page in range(config.pages):
            items, log_probs = _drawn(logits, rng, config.titles)
            member, place = np.nonzero(rng.random(items.shape) < looked)
            seen[member, items[member, place]] = True
            frames.append(_frame(items, log_probs, user_ids, page))
        liked = seen & (rng.random(truth.shape) < truth)
        on_a_page = _chances(logits, rng, looked)
        return cls(seen, liked, 1 - (1 - on_a_page) ** config.pages, truth, pl.concat(frames), user_ids)

    def events(self, world: World) -> pl.DataFrame:
        """`events.SCHEMA`, see `echo.log_of`."""
        return log_of(self.seen, self.liked, self.user_ids, world)


def _pushed(truth: Doubles, rng: np.random.Generator, config: PagesConfig) -> Doubles:
    """(members, titles) log-odds."""
    liking = np.log(truth) - np.log1p(-truth)
    liking = (liking - liking.mean(axis=1, keepdims=True)) / liking.std(axis=1, keepdims=True)
    audience = rng.integers(config.audiences, size=len(truth))
    other = np.sqrt(1 - config.knows**2) * rng.normal(size=(config.audiences, truth.shape[1]))[audience]
    return np.asarray(config.strength * (config.knows * liking + other))


def _drawn(logits: Doubles, rng: np.random.Generator, n: int) -> tuple[Int64s, Doubles]:
    seeds = rng.integers(2**63, size=len(logits)).astype(np.uint64)
    return plackett_luce(logits.astype(np.float32), n, 1.0, seeds)


def _chances(logits: Doubles, rng: np.random.Generator, looked: Doubles) -> Doubles:
    """(members, titles) of being seen on one page: the mean over pages of sum_k a_k P(title | those before)."""
    found, members = np.zeros(logits.shape), np.arange(len(logits))
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    for _ in range(DRAWS):
        items, left = _drawn(logits, rng, len(looked))[0], weights.copy()
        for k, chance in enumerate(looked):
            found += chance / DRAWS * left / left.sum(axis=1, keepdims=True)
            left[members, items[:, k]] = 0.0
    return found


def _frame(items: Int64s, log_probs: Doubles, user_ids: list[str], page: int) -> pl.DataFrame:
    """One page of every member, a line a title."""
    members, columns = np.indices(items.shape).reshape(2, -1)
    users = pl.Series("user_id", user_ids, pl.String).gather(members)
    known = pl.DataFrame({"user_id": users, "column": columns, "item": items.ravel(), "log_prob": log_probs.ravel()})
    told = known.with_columns(
        pl.format("{}-{}", "user_id", pl.lit(page)).alias("decision_id"),
        pl.lit("home").alias("surface"),
        pl.lit(0).alias("row"),
        pl.lit(WEB.visible).alias("visible"),
    )
    return told.select(
        (pl.col(name) if name in told.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in SHOWN.items()
    )

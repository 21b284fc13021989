"""A log in which a service pushed some titles, in a world where it is known how hard: who saw what, and liked it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from matinee.decision import People, Requests, Situations
from matinee.events import clean
from matinee.maths.arrays import Doubles, Flags
from matinee.simulate.truth import every_title
from matinee.simulate.world import World

MOST = 0.95  # propensity


@dataclass(frozen=True, slots=True)
class EchoConfig:
    """`shown`: titles that the average member looks at. `strength`: standard deviation of the log-odds with which
    titles are pushed. `popular`: correlation of the push with the titles' appeal; the rest has nothing to do with it.
    """

    shown: float = 60.0
    strength: float = 1.0
    popular: float = 0.5


@dataclass(frozen=True)
class Echo:
    """What came of it.

    seen, liked    (members, titles)
    propensities   (titles,) of being seen, the same for all members
    truth          (members, titles) the chance that the member likes the title when it is seen
    user_ids       of the members, in order
    """

    seen: Flags
    liked: Flags
    propensities: Doubles
    truth: Doubles
    user_ids: list[str]

    @classmethod
    def of(cls, world: World, rng: np.random.Generator, config: EchoConfig = EchoConfig()) -> Self:
        """Each member sees each title on its own, as often as it is pushed, and likes it as the world says."""
        titles = len(world.titles)
        appeal = world.titles.appeal.astype(np.float64)
        follows = (appeal - appeal.mean()) / max(float(appeal.std()), 1e-9)
        push = config.popular * follows + np.sqrt(1 - config.popular**2) * rng.normal(size=titles)
        odds = np.exp(config.strength * push)
        propensities = np.minimum(config.shown / titles * odds / odds.mean(), MOST)
        truth = every_title(world, asked(world))
        seen = rng.random(truth.shape) < propensities
        liked = seen & (rng.random(truth.shape) < truth)
        return cls(seen, liked, propensities, truth, world.members.people.user_ids.to_list())

    def events(self, world: World) -> pl.DataFrame:
        """`events.SCHEMA`, see `log_of`."""
        return log_of(self.seen, self.liked, self.user_ids, world)


def log_of(seen: Flags, liked: Flags, user_ids: list[str], world: World) -> pl.DataFrame:
    """`events.SCHEMA`: an impression a title `seen` (members, titles), a second apart, and a play to the end of what
    was `liked`.
    """
    member, title = np.nonzero(seen)
    place = np.cumsum(seen, axis=1)[member, title] - 1
    looks = pl.DataFrame(
        {
            "user_id": pl.Series(user_ids, dtype=pl.String).gather(member),
            "item_id": pl.Series(world.catalog.item_ids, dtype=pl.String).gather(title),
            "timestamp": pl.from_epoch(pl.Series(world.config.start + place * 1_000_000), "us").dt.replace_time_zone(
                "UTC"
            ),
            "liked": liked[member, title],
            "source": pl.repeat("home", len(member), eager=True),
        }
    )
    plays = looks.filter("liked").with_columns(pl.lit("play").alias("kind"), pl.lit(1.0).alias("value"))
    both = [looks.with_columns(pl.lit("impression").alias("kind"), pl.lit(None, pl.Float64).alias("value")), plays]
    told = pl.concat(both).with_columns(pl.format("{}-{}-{}", "kind", "user_id", "item_id").alias("event_id"))
    now = told["timestamp"].max()
    return clean(told.drop("liked").sort("timestamp", maintain_order=True), now)[0]  # type: ignore[arg-type]


def asked(world: World) -> Requests:
    """What every member asks at the beginning."""
    members = np.arange(len(world.members), dtype=np.int32)
    times = np.full(len(members), world.config.start, np.int64)
    people: People = world.members.people
    histories = world.members.ring.histories(members)
    return Requests(times, members, people, histories, Situations.unknown(len(members)))

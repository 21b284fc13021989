"""Requests: the situations that each want a decision, as they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from matinee.clock import Clocks
from matinee.decision.company import Company
from matinee.decision.control import Control
from matinee.decision.dials import OFF, Dials
from matinee.decision.episodes import Episodes
from matinee.errors import require_share
from matinee.history import Histories
from matinee.maths.arrays import Int8s, Int32s, Int64s, UInt64s
from matinee.maths.ragged import Ragged
from matinee.page import WEB, Layout
from matinee.profile import Profile
from matinee.situation import Context, Situations, country_codes, device_codes, language_codes


def situations_of(events: pl.DataFrame, clocks: Clocks) -> Situations:
    """The situation of each event (`events.SCHEMA`), as a request made then and there would have it."""
    clock = clocks.read(events)
    return Situations(
        country_codes(events["country"]),
        device_codes(events["device"]),
        language_codes(events["language"]),
        clock["hour"].to_numpy().astype(np.int8),
        clock["weekday"].to_numpy().astype(np.int8),
    )


@dataclass(frozen=True)
class People:
    """The distinct members of a batch: a person is one row here, whatever the number of their requests.

    `user_ids` and `account_ids` (people,) text; `rules` (people,) the place in `profiles` of what each person's profile
    says beside ids and name: `profiles` holds each distinct one once, so that what follows from it is decided once.
    """

    user_ids: pl.Series
    account_ids: pl.Series
    rules: Int32s
    profiles: tuple[Profile, ...]

    def __len__(self) -> int:
        return len(self.rules)

    @classmethod
    def of(cls, profiles: Sequence[Profile]) -> People:
        """People with these profiles."""
        distinct: dict[Profile, int] = {}
        rules = [distinct.setdefault(one.nameless(), len(distinct)) for one in profiles]
        return cls(
            pl.Series([one.user_id for one in profiles], dtype=pl.String),
            pl.Series([one.account_id for one in profiles], dtype=pl.String),
            np.array(rules, np.int32),
            tuple(distinct),
        )

    def profile(self, person: int) -> Profile:
        """The profile of one person, without their name."""
        rule = self.profiles[int(self.rules[person])]
        return replace(rule, user_id=self.user_ids[person], account_id=self.account_ids[person])


@dataclass(frozen=True)
class Cells:
    """Experiments by `names`, and the arm of each request in each: `arms` (batch, experiments), -1 = in none."""

    names: tuple[str, ...]
    arms: Int8s

    def __len__(self) -> int:
        return len(self.arms)

    @classmethod
    def joined(cls, parts: Sequence[Cells]) -> Cells:
        """Those of all parts, one part after the other, in all experiments of any of them."""
        names = tuple(dict.fromkeys(name for one in parts for name in one.names))
        arms = [np.full((len(one), len(names)), -1, np.int8) for one in parts]
        for one, wide in zip(parts, arms, strict=True):
            wide[:, [names.index(name) for name in one.names]] = one.arms
        return cls(names, np.concatenate(arms))

    def take(self, rows: Int64s) -> Cells:
        """Those of these batch rows, in this order."""
        return Cells(self.names, self.arms[rows])


@dataclass(frozen=True, repr=False)
class Requests:
    """A batch of situations that each want a decision, as columns: one path for a batch of one and of 100,000.

    times        (batch,) microseconds since 1970, UTC
    members      (batch,) rows of `people`
    histories    (batch) as of `times`, of what had arrived
    situations   (batch) country, device, language, local hour and weekday of each
    about        (batch,) the title asked about, dense index
    queries      (batch) what was typed
    together     (batch) who else watches, rows of `people`, with their histories
    exclude      (batch) lists of titles not to be shown
    candidates   (batch) lists of titles to choose from; None = every eligible title
    episodes     (batch) chain and step, where decisions follow one another, with what was suggested before and answered
    cells        (batch) experiments and arms
    arrived      (batch,) the place in the log's order of arrival up to which histories count; None where no log is
    logged_digests  (batch,) of the histories that decisions of a log saw, while these are left empty
    seeds        (batch,) of the chance of each, so that the rest of the batch has no part in it; None = the batch's

    One `surface`, `layout`, `exploration` (0 = the best page, 1 = rows and titles drawn in proportion to their
    worth; None = the policy's own), setting of the `dials` and `control` (filter, boosts, promotions) serve the whole
    batch.
    """

    times: Int64s
    members: Int32s
    people: People
    histories: Histories
    situations: Situations
    surface: str = "home"
    layout: Layout = WEB
    exploration: float | None = None
    dials: Dials = OFF
    about: Int32s | None = None
    queries: tuple[str, ...] | None = None
    together: Company | None = None
    exclude: Ragged | None = None
    candidates: Ragged | None = None
    episodes: Episodes | None = None
    cells: Cells | None = None
    arrived: Int64s | None = None
    logged_digests: UInt64s | None = None
    seeds: UInt64s | None = None
    control: Control = Control()

    def __post_init__(self) -> None:
        batch = len(self.times)
        for name in COLUMNS:
            value = getattr(self, name)
            assert value is None or len(value) == batch, f"{name} has length {len(value)}, the batch has {batch}"
        if self.exploration is not None:
            require_share("exploration", self.exploration)

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        return f"Requests({len(self):,} for {self.surface!r})"

    def bits(self, rng: np.random.Generator) -> UInt64s:
        """(batch,) the random bits of each decision: its own seed, where it has one, else drawn of `rng`."""
        return rng.integers(2**64, size=len(self), dtype=np.uint64) if self.seeds is None else self.seeds

    def digest(self, b: int) -> int:
        """64 bits of all that is known of what member `b` did, see `Histories.digests`."""
        return int(self.digests[b])

    @cached_property
    def digests(self) -> UInt64s:
        """(batch,) `digest` of each."""
        return self.histories.digests() if self.logged_digests is None else self.logged_digests

    @cached_property
    def user_ids(self) -> pl.Series:
        """(batch,) who asks."""
        if len(self.people) == 1:
            return self.people.user_ids.new_from_index(0, len(self))
        return self.people.user_ids.gather(self.members)

    def profile(self, b: int) -> Profile:
        """The profile of who asks, without their name."""
        return self.people.profile(int(self.members[b]))

    def take(self, rows: Int64s) -> Requests:
        """The requests of these batch rows, in this order."""
        return replace(self, **{name: _taken(getattr(self, name), rows) for name in COLUMNS})

    @classmethod
    def of_histories(
        cls,
        histories: Histories,
        times: Int64s | int = 0,
        profiles: Sequence[Profile] | None = None,
        contexts: Sequence[Context] | None = None,
        **fields: Any,
    ) -> Requests:
        """Requests of these `profiles` in these `contexts` (batch); left out, nothing is known of who and where."""
        batch = len(histories)
        people = People.of([Profile("anonymous")] if profiles is None else profiles)
        members = np.zeros(batch, np.int32) if profiles is None else np.arange(batch, dtype=np.int32)
        when = np.broadcast_to(np.asarray(times, np.int64), (batch,))
        if "situations" not in fields:
            fields["situations"] = Situations.unknown(batch) if contexts is None else Situations.of(contexts)
        return cls(when, members, people, histories, **fields)


COLUMNS = (
    "times",
    "members",
    "histories",
    "situations",
    "about",
    "queries",
    "together",
    "exclude",
    "candidates",
    "episodes",
    "cells",
    "arrived",
    "logged_digests",
    "seeds",
)


def _taken(column: Any, rows: Int64s) -> Any:
    if column is None:
        return None
    return tuple(column[b] for b in rows) if isinstance(column, tuple) else column.take(rows)

"""Requests: the situations that each want a decision, as they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.clock import Clocks
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.page import WEB, Layout
from matinee.profile import Profile


@dataclass(frozen=True, slots=True)
class Context:
    """The situation of one request. None and -1 mean unknown; `weekday` 0 is Monday, both are local time."""

    country: str | None = None
    device: str | None = None
    language: str | None = None
    hour: int = -1
    weekday: int = -1


def contexts_of(events: pl.DataFrame, clocks: Clocks) -> tuple[Context, ...]:
    """The situation of each event (`events.SCHEMA`), as a request made then and there would have it."""
    where = events.select("country", "device", "language")
    return tuple(Context(*row) for row in where.hstack(clocks.read(events)).iter_rows())


@dataclass(frozen=True, repr=False)
class Requests:
    """A batch of situations that each want a decision.

    All per-request fields have length `batch`: `times` (microseconds since 1970, UTC), `profiles`, `contexts`,
    `histories` as of those times. `exclude` holds dense title indexes not to be shown (flat, per request);
    `seeds` the title a similar-titles request asks about. One `layout` and one `exploration` (0 = the best page,
    1 = rows and titles drawn in proportion to their worth; None = the policy's own) serve the whole batch.
    """

    times: NDArray[np.int64]
    profiles: tuple[Profile, ...]
    histories: Histories
    contexts: tuple[Context, ...]
    surface: str = "home"
    layout: Layout = WEB
    exclude: tuple[NDArray[np.int32], ...] | None = None
    seeds: NDArray[np.int32] | None = None
    exploration: float | None = None

    def __post_init__(self) -> None:
        batch = len(self.times)
        for name in ("profiles", "histories", "contexts", "exclude", "seeds"):
            value = getattr(self, name)
            assert value is None or len(value) == batch, f"{name} has length {len(value)}, the batch has {batch}"
        if self.exploration is not None and not 0.0 <= self.exploration <= 1.0:
            raise BadRequest(f"exploration is {self.exploration}; give a number from 0 to 1")

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        return f"Requests({len(self):,} for {self.surface!r})"

    def take(self, rows: NDArray[np.int64]) -> Requests:
        """The requests of these batch rows, in this order."""
        return replace(
            self,
            times=self.times[rows],
            profiles=tuple(self.profiles[b] for b in rows),
            histories=self.histories.take(rows),
            contexts=tuple(self.contexts[b] for b in rows),
            exclude=None if self.exclude is None else tuple(self.exclude[b] for b in rows),
            seeds=None if self.seeds is None else self.seeds[rows],
        )

    @classmethod
    def joined(cls, parts: Sequence[Requests]) -> Requests:
        """One batch out of parts that were asked for the same surface, layout and exploration."""
        first = parts[0]
        return replace(
            first,
            times=np.concatenate([part.times for part in parts]),
            profiles=tuple(profile for part in parts for profile in part.profiles),
            histories=Histories.joined([part.histories for part in parts]),
            contexts=tuple(context for part in parts for context in part.contexts),
            exclude=None if first.exclude is None else tuple(one for part in parts for one in part.exclude or ()),
            seeds=None if first.seeds is None else np.concatenate([part.seeds for part in parts]),
        )

    @classmethod
    def of_histories(cls, histories: Histories, times: NDArray[np.int64] | int = 0, **fields: Any) -> Requests:
        """Requests of anonymous members in no particular context: for fitting, evaluation, seeds and tests."""
        batch = len(histories)
        nobody = Profile("anonymous")
        fields.setdefault("profiles", (nobody,) * batch)
        fields.setdefault("contexts", (Context(),) * batch)
        return cls(np.broadcast_to(np.asarray(times, np.int64), (batch,)), histories=histories, **fields)

"""What the people who run a service see of the billboard that learns: plain data, and ready plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class TitleBelief:
    """What is believed of a title, for somebody of whom nothing is known: mean reward with its 95 % interval, the
    chance to be chosen; looks and the mean reward learned from; decisions that showed it lately.
    """

    item_id: str
    title: str
    mean: float
    low: float
    high: float
    chance: float
    looks: float
    reward: float | None
    shown: int


@dataclass(frozen=True, slots=True)
class DayShown:
    """A day of billboards: how many, how many titles, and the entropy of the choice in nats (mean of -log p)."""

    day: str
    decisions: int
    titles: int
    entropy: float


@dataclass(frozen=True, slots=True)
class VersionKept:
    """A version: up to which moment it learned, looks so far, and the regret a decision that it still expects of
    itself: E[reward of the best title] - E[reward of the one it chooses], for somebody of whom nothing is known.
    """

    version: int
    as_of: str
    looks: float
    regret: float


class Plot(NamedTuple):
    """A drawing with its heading and what it means."""

    heading: str
    drawing: Markup
    about: str


@dataclass(frozen=True, slots=True)
class Studio:
    """The billboard now. `learned_today`: looks learned from since midnight, UTC."""

    billboard: str
    version: int
    as_of: str
    learned_today: float
    titles: Sequence[TitleBelief]
    days: Sequence[DayShown]
    versions: Sequence[VersionKept]
    plots: Sequence[Plot] = ()

    def json(self) -> dict[str, Any]:
        """All but the drawings, as plain data."""
        told = asdict(self)
        del told["plots"]
        return told

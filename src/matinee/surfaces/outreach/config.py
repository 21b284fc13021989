"""How outreach behaves: how often, when, about what, and how much is left to chance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from matinee.errors import BadRequest, require_share


class By(StrEnum):
    """What decides whom to write to."""

    UPLIFT = "uplift"  # what a message adds to the chance to return
    OPEN_RATE = "open-rate"  # the chance that it is opened
    RANDOM = "random"  # nothing: the log that every effect can be learned from


@dataclass(frozen=True, slots=True)
class OutreachConfig:
    """Limits of a member, and what is offered.

    `cap` messages in `days` at most, each `rest` hours or more after the one before it. Nothing is
    sent from the hour `quiet` to the hour `awake` of the member's own clock. A title is an arrival
    for `fresh` days. `each`: titles offered for each reason. `exploration`: the share of the
    budget, and of the choice of titles and reasons, left to chance.
    """

    cap: int = 2
    days: int = 7
    rest: int = 20
    quiet: int = 21
    awake: int = 9
    fresh: int = 14
    each: int = 4
    exploration: float = 0.1

    def __post_init__(self) -> None:
        require_share("exploration of outreach", self.exploration)
        for name in ("quiet", "awake"):
            if not 0 <= getattr(self, name) <= 23:
                raise BadRequest(f"{name} is {getattr(self, name)}; give an hour from 0 to 23")
        for name in ("cap", "days", "rest", "fresh", "each"):
            if not getattr(self, name) >= 1:
                raise BadRequest(f"{name} of outreach is {getattr(self, name)}; give a number of at least 1")

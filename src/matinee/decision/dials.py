"""Dials: how far a page may leave what is likeliest, for the sake of more than accuracy."""

from __future__ import annotations

from dataclasses import dataclass, fields

from matinee.errors import require_share


@dataclass(frozen=True, slots=True)
class Dials:
    """Five shares from 0, what is likeliest alone, to 1, as far as is sensible; `surfaces.dials` says what each weighs.

    `diversity`: titles, and rows, less like those before them. `calibration`: the mix of genres of what the member
    likes. `novelty`: titles that fewer members know. `freshness`: titles that were looked at and passed by give way.
    `exposure`: titles that few members met have a share of the places.
    """

    diversity: float = 0.0
    calibration: float = 0.0
    novelty: float = 0.0
    freshness: float = 0.0
    exposure: float = 0.0

    def __post_init__(self) -> None:
        for name in NAMES:
            require_share(f"the dial {name}", getattr(self, name))


NAMES = tuple(one.name for one in fields(Dials))
OFF = Dials()

"""Dials: how far a page may leave what is likeliest, for the sake of more than accuracy."""

from __future__ import annotations

from dataclasses import dataclass, fields

from matinee.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Dials:
    """Four shares from 0, what is likeliest alone, to 1, as far as is sensible; `surfaces.dials` says what each weighs.

    `diversity`: titles, and rows, less like those before them. `calibration`: the mix of genres of what the member
    likes. `novelty`: titles that fewer members know. `freshness`: titles that were looked at and passed by give way.
    """

    diversity: float = 0.0
    calibration: float = 0.0
    novelty: float = 0.0
    freshness: float = 0.0

    def __post_init__(self) -> None:
        for name in NAMES:
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise BadRequest(f"the dial {name} is {value}; give a number from 0 to 1")


NAMES = tuple(one.name for one in fields(Dials))
OFF = Dials()

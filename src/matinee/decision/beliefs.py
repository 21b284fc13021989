"""Beliefs: what a policy holds to be true of one member's tastes, as numbers that a page can say in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class GenreBelief(NamedTuple):
    """`share` of what the member likes is of this genre, of what everybody likes `usual`; 0..1 each. `titles` liked."""

    genre: int
    share: float
    usual: float
    titles: int


class TitleBelief(NamedTuple):
    """A title that the member likes, and its `weight` in 0..1 of what all of them together do to the page."""

    item: int
    weight: float


class PersonBelief(NamedTuple):
    """Somebody who made, or plays in, several titles that the member likes."""

    name: str
    titles: int


class ScreenBelief(NamedTuple):
    """The share of plays on a kind of screen, of those of which the screen is known."""

    device: str
    share: float


@dataclass(frozen=True)
class Beliefs:
    """What is believed of one member, the strongest of each kind first.

    `likes`: titles that they like. `tone` and `usual_tone`: the mean lightness (`tone.tones`, -1..1) of what they like,
    and of what everybody likes now.
    """

    likes: int
    genres: tuple[GenreBelief, ...]
    titles: tuple[TitleBelief, ...]
    people: tuple[PersonBelief, ...]
    screens: tuple[ScreenBelief, ...]
    tone: float
    usual_tone: float

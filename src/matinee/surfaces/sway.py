"""What boosts, wishes for less and promotions make of titles: odds that count more or less, and shares of the places.

A title of any genre of which its member wants less (`Profile.less_genres`) counts as boosted by `LESS`. The dial for
exposure is one more promotion, of titles that few members met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.control import passing_at
from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, UInt16s
from matinee.maths.shares import Shares

LESS = 0.25
EXPOSURE = 0.2  # share of the places that promotions leave which the dial gives to titles that few members met, at 1
UNTOLD = np.zeros(0, np.bool_)


@dataclass(frozen=True)
class Sway:
    """Of a batch: `factors` (batch, titles) what each title's odds count times, without titles where nothing is
    boosted; `shares` (promotions,), `groups` (batch, titles) as `maths.shares.Shares` has them, without titles where
    nothing is promoted.
    """

    factors: Floats
    shares: Doubles
    groups: UInt16s

    @classmethod
    def of(cls, catalog: Catalog, requests: Requests, seldom: Flags = UNTOLD, wished: Doubles | None = None) -> Self:
        """What the control and the dial for exposure of these requests ask for, and what is wished; `seldom` (titles,)
        those that few members met, without titles where nobody knows; `wished` (batch, titles) in the form of
        `less_of`, which tells it where it is left out.
        """
        control, times = requests.control, requests.times
        told = less_of(catalog, requests) if wished is None else wished
        if control.boosts:
            told = _boosts(catalog, requests) + (told if told.size else 0.0)
        promoted = [(one.share, passing_at(catalog, one.of, times)) for one in control.promotions]
        if requests.dials.exposure and len(seldom) and not seldom.all():
            left = 1.0 - sum(share for share, _ in promoted)
            promoted.append((EXPOSURE * requests.dials.exposure * max(left, 0.0), _for_all(seldom, len(requests))))
        groups = np.zeros((len(requests), len(catalog) if promoted else 0), np.uint16)
        for k, (_, titles) in enumerate(promoted):
            groups |= titles.astype(np.uint16) << np.uint16(k)
        return cls(np.exp(told).astype(np.float32), np.array([share for share, _ in promoted]), groups)

    @property
    def boosts(self) -> bool:
        """Whether anything is boosted."""
        return bool(self.factors.shape[1])

    @property
    def promotes(self) -> bool:
        """Whether anything is promoted."""
        return bool(self.groups.shape[1])

    @property
    def promoted(self) -> Flags:
        """(batch, titles) which titles are promoted."""
        return self.groups > 0

    def boosted(self, worth: Doubles | Floats) -> Any:
        """(batch, titles) `worth` with its odds boosted: f p / (1 - p + f p); to the bit itself where f is 1."""
        return with_odds(worth, self.factors) if self.boosts else worth

    def honest(self, worths: Floats, items: Int32s) -> Floats:
        """What `boosted` took these `worths` of `items` (batch, ...) from; those of item -1 stay."""
        if not self.boosts:
            return worths
        batch = np.arange(len(items)).reshape(-1, *[1] * (items.ndim - 1))
        return np.where(items >= 0, with_odds(worths, 1.0 / self.factors[batch, items]), worths)

    def logits(self, b: int, items: Int32s) -> Floats:
        """What the boosts add to the logits of these titles for request `b`."""
        return np.log(self.factors[b, items]) if self.boosts else np.zeros(len(items), np.float32)

    def of_one(self, b: int) -> Shares:
        """The shares of request `b`, of which no place has been had."""
        return Shares(self.shares, self.groups[b], np.zeros(len(self.shares) + 1, np.int64))


def less_of(catalog: Catalog, requests: Requests) -> Doubles:
    """(batch, titles) the log of what the wish of who asks for less makes of each title's odds; without titles where
    nobody wishes for less.
    """
    people = requests.people
    if not any(one.less_genres for one in people.profiles):
        return np.empty((len(requests), 0))
    less = np.zeros((len(people.profiles), len(catalog)))
    for rule, profile in enumerate(people.profiles):
        less[rule, _of_any(catalog, profile.less_genres)] = np.log(LESS)
    return less[people.rules[requests.members]]


def with_odds(worth: Doubles | Floats, factors: Floats) -> Any:
    """(batch, titles) `worth` with odds that count `factors` times; to the bit itself where that is 1."""
    return np.where(factors == 1.0, worth, factors * worth / (1.0 - worth + factors * worth)).astype(worth.dtype)


def _boosts(catalog: Catalog, requests: Requests) -> Doubles:
    """(batch, titles) the log of what boosts make of each title's odds."""
    found = np.zeros((len(requests), len(catalog)))
    for boost in requests.control.boosts:
        found += np.log(boost.factor) * passing_at(catalog, boost.of, requests.times)
    return found


def _of_any(catalog: Catalog, genres: Sequence[str]) -> Flags:
    """(titles,) which are of any of these genres, of those that the catalogue knows."""
    found = np.zeros(len(catalog), np.bool_)
    for genre in set(genres) & set(catalog.genres):
        found[catalog.genre_titles[catalog.genres.index(genre)]] = True
    return found


def _for_all(titles: Flags, batch: int) -> Flags:
    return np.broadcast_to(titles, (batch, len(titles)))

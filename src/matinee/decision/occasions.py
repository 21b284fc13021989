"""Occasions: on what screen, at what part of the day and of the week somebody watches; and the words for them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matinee.catalog import Catalog
from matinee.decision.requests import Requests
from matinee.maths.arrays import Flags, Int64s
from matinee.situation import DEVICES, N_DEVICES, Situations

SCREENS = ("", "on the phone", "on the tablet", "on the big screen")  # the first is the web, or none that is known
OF_DEVICE = {"phone": 1, "tablet": 2, "tv": 3, "console": 3, "stick": 3}
DAYTIME, EVENING, LATE = range(3)
BEGINS = ((5, DAYTIME), (18, EVENING), (22, LATE))  # the hour at which each part of the day begins; 0 to 4 is late too
PARTS = ("in the daytime", "in the evening", "late at night")
WEEKEND_PARTS = ("by day at the weekend", "on a weekend evening", "late at the weekend")
N_MOMENTS = 2 * len(PARTS)
_HOURS = np.array([first for first, _ in BEGINS])
_PARTS = np.array([LATE, *(part for _, part in BEGINS)])
KIDS = N_MOMENTS * len(SCREENS)  # whoever has a kids' profile, at any time on any screen
N_OCCASIONS = KIDS + 1
UNKNOWN = -1  # the occasion of who does not say what time it is
SATURDAY = 5

SHORT, LONG, FILM, SERIES, GENRES = range(5)  # features of titles; the genres follow
FEATURES = ("Short ones", "Long ones", "Films", "Series")
SHORT_MINUTES, LONG_MINUTES = 50, 120
TIMES = 10  # a lift is kept in tenths


class Liking(NamedTuple):
    """That titles with a `feature` are watched `lift` times as often on an `occasion` as else."""

    occasion: int
    feature: int
    lift: float


def occasions_of(situations: Situations) -> Int64s:
    """(batch,) the occasion of each situation; `UNKNOWN` without an hour and a weekday."""
    screens = np.zeros(N_DEVICES, np.int64)
    for device, screen in OF_DEVICE.items():
        screens[1 + DEVICES.index(device)] = screen
    hour = situations.hour.astype(np.int64)
    part = _PARTS[np.searchsorted(_HOURS, hour, side="right")]
    moment = part + len(PARTS) * (situations.weekday >= SATURDAY)
    known = (hour >= 0) & (situations.weekday >= 0)
    return np.where(known, screens[situations.device] * N_MOMENTS + moment, UNKNOWN)


def kids_of(requests: Requests) -> Flags:
    """(batch,) which requests come from a kids' profile."""
    people = requests.people
    return np.array([one.kids for one in people.profiles], np.bool_)[people.rules[requests.members]]


def occasion_words(occasion: int) -> str:
    """An occasion as a row says it."""
    if occasion == KIDS:
        return "for kids"
    screen, moment = divmod(occasion, N_MOMENTS)
    weekend, part = divmod(moment, len(PARTS))
    return " ".join(filter(None, [(WEEKEND_PARTS if weekend else PARTS)[part], SCREENS[screen]]))


def feature_words(feature: int, catalog: Catalog) -> str:
    """What titles have in common, as a row says it."""
    return FEATURES[feature] if feature < GENRES else catalog.genres[feature - GENRES]


def liking_key(liking: Liking, catalog: Catalog) -> int:
    """The row key of what is watched more often on an occasion."""
    tenths = min(round(liking.lift * TIMES), 99)
    return (liking.occasion * (GENRES + len(catalog.genres)) + liking.feature) * 100 + tenths


def liking_about(key: int, catalog: Catalog) -> tuple[str, str, str]:
    """What stands in the row's name: feature, occasion and lift, as text."""
    which, tenths = divmod(key, 100)
    occasion, feature = divmod(which, GENRES + len(catalog.genres))
    return feature_words(feature, catalog), occasion_words(occasion), f"{tenths / TIMES:.1f}"


def key_of_about(about: tuple[str, ...], catalog: Catalog) -> int:
    """The inverse of `liking_about`. Raises `ValueError` where the catalogue has no such thing."""
    feature, occasion, lift = about
    names = [feature_words(one, catalog) for one in range(GENRES + len(catalog.genres))]
    said = [occasion_words(one) for one in range(N_OCCASIONS)]
    return liking_key(Liking(said.index(occasion), names.index(feature), float(lift)), catalog)

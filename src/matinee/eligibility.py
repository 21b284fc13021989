"""Guarantees: which titles may be shown to whom, when and where. Applied before any policy, checked after.

A title is eligible for a request when all of these hold:

- maturity     the profile has no limit, or the title's age is known (or its catalogue says one for unrated titles) and
               within it;
- window       it is available at the request's time and not closed;
- country      it is available everywhere, or in the request's country (the profile's when the request says none);
- language     the profile names no languages, or the title has one of them, or the title's are unknown;
- blocks       neither the title nor one of its genres is blocked by the profile, nor excluded by the request.

Names are compared without case and surrounding blanks, also those that no title had when the profile was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from matinee.catalog import Catalog, NameSets
from matinee.decision import Decisions, Layer, Requests
from matinee.maths.arrays import Flags, Int32s, Int64s

Names: TypeAlias = tuple[str, ...]
SetRule: TypeAlias = tuple[Int32s, Flags, Int64s]  # set of each title, may[wish, set], wish of each request
NO_LIMIT = np.iinfo(np.int16).max


def eligible(catalog: Catalog, requests: Requests) -> Flags:
    """Which titles may be shown to each request: (batch, titles) bool."""
    profiles = requests.profiles
    countries = [c.country or p.country for c, p in zip(requests.contexts, profiles, strict=True)]
    places = [(country,) if country else () for country in countries]
    limits = np.array([NO_LIMIT if p.limit is None else p.limit for p in profiles], np.int16)
    start, end = catalog.available
    country = _by_set(catalog.sets_of("countries"), places, _open_to)
    language = _by_set(catalog.sets_of("languages"), [p.languages for p in profiles], _understood_by)
    genre = _by_set(catalog.sets_of("genres"), [p.blocked_genres for p in profiles], _free_of)
    mask = np.empty((len(requests), len(catalog)), np.bool_)
    _apply(catalog.maturity, limits, start, end, requests.times, country, language, genre, mask)
    for b, profile in enumerate(profiles):
        for item_id in profile.blocked_titles:
            mask[b, catalog.titles_named(item_id)] = False
        if requests.exclude is not None:
            mask[b, requests.exclude[b]] = False
    return mask


def only_allowed(titles: Int32s, allowed: Flags, otherwise: int) -> Int32s:
    """`titles` (batch, n) with those that may not be shown replaced: a forbidden title is not even named."""
    batch = np.arange(len(titles))[:, None]
    return np.where((titles < 0) | allowed[batch, np.maximum(titles, 0)], titles, np.int32(otherwise))


def check(catalog: Catalog, decisions: Decisions, allowed: Flags | None = None) -> None:
    """Raise AssertionError unless every title shown was eligible: a bug of a policy, never of its caller.

    `allowed` is the answer of `eligible` where it is at hand already.
    """
    requests, choices = decisions.requests, decisions.choices
    allowed = eligible(catalog, requests) if allowed is None else allowed
    title = decisions.layer(Layer.TITLE)
    leaked = np.flatnonzero(title)[~allowed[choices.decisions[title], choices.actions[title]]]
    if len(leaked):
        first = leaked[0]
        raise AssertionError(
            f"policy {decisions.makers[0].policy!r} showed {len(leaked)} ineligible title(s), the first is "
            f"{catalog.item_ids[choices.actions[first]]!r} at row {choices.rows[first]}, column "
            f"{choices.columns[first]} for member {requests.profiles[choices.decisions[first]].user_id!r}"
        )


def _by_set(sets: NameSets, wishes: Sequence[Names], rule: Callable[[NameSets, Names], Flags]) -> SetRule:
    """Decide `rule` once per set of names and distinct wish."""
    number: dict[Names, int] = {}
    wish_of_request = np.fromiter((number.setdefault(wish, len(number)) for wish in wishes), np.int64, len(wishes))
    table = np.array([rule(sets, wish) for wish in number], np.bool_).reshape(len(number), len(sets.members))
    return sets.of_title, table, wish_of_request


def _open_to(countries: NameSets, country: Names) -> Flags:
    return countries.empty | countries.touching(country)


def _understood_by(languages: NameSets, spoken: Names) -> Flags:
    return languages.empty | languages.touching(spoken) | (not spoken)


def _free_of(genres: NameSets, blocked: Names) -> Flags:
    return ~genres.touching(blocked)


@numba.njit(cache=True, nogil=True)
def _apply(
    maturity: NDArray[np.int16],
    limits: NDArray[np.int16],
    start: Int64s,
    end: Int64s,
    times: Int64s,
    country: SetRule,
    language: SetRule,
    genre: SetRule,
    mask: Flags,
) -> None:
    for b in range(mask.shape[0]):
        limit, now = limits[b], times[b]
        open_to, understood, free = country[1][country[2][b]], language[1][language[2][b]], genre[1][genre[2][b]]
        for i in range(mask.shape[1]):
            mask[b, i] = (
                (limit == NO_LIMIT or 0 <= maturity[i] <= limit)
                and start[i] <= now < end[i]
                and open_to[country[0][i]]
                and understood[language[0][i]]
                and free[genre[0][i]]
            )

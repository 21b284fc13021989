"""Guarantees: which titles may be shown to whom, when and where. Applied before any policy, checked after.

A title is eligible for a request when all of these hold:

- maturity     the profile has no limit, or the title's age is known (or its catalogue says one for unrated titles) and
               within it;
- window       it is available at the request's time and not closed;
- country      it is available everywhere, or in the request's country (the profile's when the request says none);
- language     the profile names no languages, or the title has one of them, or the title's are unknown;
- blocks       neither the title nor one of its genres is blocked by the profile, nor excluded by the request;
- candidates   the request names no candidates, or the title is one of them;
- episode      it was not suggested before in the same episode;
- filter       the request's control has none, or the title passes it.

The last two hold for what is shown and not for what is named: a film that somebody watched founds a row of comedies,
though it is none itself.

Nothing is sent to a member whose profile does not ask for `messages`.

Where people watch together a title is eligible when it is for each of them.

Names are compared without case and surrounding blanks, also those that no title had when the profile was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from matinee.catalog import Catalog, NameSets
from matinee.decision import Control, Decisions, Layer, Requests, RowName, row_key
from matinee.decision.control import passing_at
from matinee.decision.decisions import SILENT
from matinee.decision.rows import ABOUT_A_TITLE
from matinee.events import DAY
from matinee.maths.arrays import Flags, Int16s, Int32s, Int64s
from matinee.maths.ragged import Ragged, owners_of
from matinee.profile import Profile
from matinee.situation import N_COUNTRIES, country_code, country_of

Names: TypeAlias = tuple[str, ...]
NO_LIMIT = np.iinfo(np.int16).max


class SetRule(NamedTuple):
    """A rule on sets of names: the set of each title, and whether each wish lets each set pass (wishes, sets)."""

    of_title: Int32s
    passes: Flags


@dataclass(frozen=True)
class Eligibility:
    """Which titles may be shown, decided once for every distinct rule and time: `masks` (rules, titles), and the row of
    `masks` that holds for each request, `rules` (batch,). What one request alone excludes is not in it.
    """

    masks: Flags
    rules: Int32s


def eligible(catalog: Catalog, requests: Requests) -> Flags:
    """Which titles may be shown to each request: (batch, titles) bool."""
    found = eligibility(catalog, requests)
    mask = found.masks[found.rules]
    if requests.candidates is not None:
        offered = np.zeros_like(mask)
        offered[_flat(requests.candidates)] = True
        mask &= offered
    if requests.together is not None:
        b, person = _flat(requests.together.people)
        for at in range(len(b)):
            mask[b[at]] &= eligible(catalog, _alone(requests, int(b[at]), int(person[at])))[0]
    if requests.exclude is not None:
        mask[_flat(requests.exclude)] = False
    if requests.episodes is not None:
        mask[_flat(requests.episodes.suggested)] = False
    return mask


def nameable(catalog: Catalog, requests: Requests, allowed: Flags) -> Flags:
    """Which titles may be named to each request, as reasons and above rows: (batch, titles).

    Those that it may be shown, `allowed`, where it brings neither a filter nor an episode.
    """
    if requests.episodes is None and not requests.control.filter:
        return allowed
    return eligible(catalog, replace(_begun_anew(requests), control=Control()))


def eligibility(catalog: Catalog, requests: Requests) -> Eligibility:
    """The masks of all distinct rules (profile, country, moment between two changes of availability) of a batch.

    Where what passes the filter changes by day, days are told apart, too.
    """
    people, control = requests.people, requests.control
    rules = people.rules[requests.members]
    moments = np.searchsorted(catalog.changes, requests.times, side="right")
    countries = countries_of(requests)
    keys = (rules.astype(np.int64) * N_COUNTRIES + countries) * (len(catalog.changes) + 1) + moments
    if control.by_day:
        keys = np.unique(np.stack([keys, requests.times // DAY]), axis=1, return_inverse=True)[1]
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    masks = _masks(catalog, [people.profiles[rules[at]] for at in first], countries[first], requests.times[first])
    if control.filter:
        masks &= passing_at(catalog, control.filter, requests.times[first])
    return Eligibility(masks, number.astype(np.int32))


def _alone(requests: Requests, b: int, person: int) -> Requests:
    """Request `b` as if another of its people had asked it alone."""
    one = requests.take(np.array([b]))
    return replace(one, members=np.array([person], np.int32), together=None)


def _flat(lists: Ragged) -> tuple[Int64s, Int32s]:
    """Ragged lists as pairs: (request, value)."""
    return owners_of(lists.offsets), lists.values


def countries_of(requests: Requests) -> Int16s:
    """(batch,) codes of where each request is made: as it says, else as the profile does, 0 where nobody knows."""
    of_rule = np.array([country_code(profile.country) for profile in requests.people.profiles], np.int16)
    said = requests.situations.country
    return np.where(said > 0, said, of_rule[requests.people.rules[requests.members]])


def _masks(catalog: Catalog, profiles: Sequence[Profile], countries: Int16s, times: Int64s) -> Flags:
    """(rules, titles): what each of these profiles may see in these countries at these times."""
    limits = np.array([NO_LIMIT if one.limit is None else one.limit for one in profiles], np.int16)
    start, end = catalog.available
    country = _by_set(catalog.sets_of("countries"), [_place(int(code)) for code in countries], _open_to)
    language = _by_set(catalog.sets_of("languages"), [one.languages for one in profiles], _understood_by)
    genre = _by_set(catalog.sets_of("genres"), [one.blocked_genres for one in profiles], _free_of)
    masks = np.empty((len(profiles), len(catalog)), np.bool_)
    _apply(catalog.maturity, limits, start, end, times, country, language, genre, masks)
    for rule, profile in enumerate(profiles):
        for item_id in profile.blocked_titles:
            masks[rule, catalog.titles_named(item_id)] = False
    return masks


def only_allowed(titles: Int32s, allowed: Flags, otherwise: int) -> Int32s:
    """`titles` (batch, n) with those that may not be shown replaced: a forbidden title is not even named."""
    batch = np.arange(len(titles))[:, None]
    return np.where((titles < 0) | allowed[batch, np.maximum(titles, 0)], titles, np.int32(otherwise))


def check(catalog: Catalog, decisions: Decisions, allowed: Flags | None = None) -> None:
    """Raise AssertionError unless every title shown, and every title named as a reason or above a row, was eligible,
    every picture is of the title beside it, and whatever was sent went to those who want it: a bug of a policy, never
    of its caller.

    `allowed` is the answer of `eligible` where it is at hand already.
    """
    choices = decisions.choices
    allowed = eligible(catalog, decisions.requests) if allowed is None else allowed
    title, row = decisions.layer(Layer.TITLE), decisions.layer(Layer.ROW)
    _require(title, choices.actions, "showed", catalog, decisions, allowed)
    allowed = nameable(catalog, decisions.requests, allowed)
    reasoned = title | decisions.layer(Layer.WATCHER) | decisions.layer(Layer.REASON)
    _require(reasoned & (choices.evidence >= 0), choices.evidence, "named", catalog, decisions, allowed)
    about = np.array([_about(name, catalog) for name in decisions.row_names] + [-1], np.int32)
    above = np.where(row, about[np.where(row, choices.actions, -1)], np.int32(-1))
    _require(above >= 0, above, "named", catalog, decisions, allowed)
    _require_pictured(catalog, decisions)
    _require_wanted(decisions)


def _begun_anew(requests: Requests) -> Requests:
    """The same as if nothing had been suggested before."""
    return replace(requests, episodes=None)


def _about(name: RowName, catalog: Catalog) -> int:
    """The title that a row is about, -1 where it is about none."""
    return row_key(name, catalog) if name.kind in ABOUT_A_TITLE else -1


def _require(lines: Flags, titles: Int32s, did: str, catalog: Catalog, decisions: Decisions, allowed: Flags) -> None:
    """`titles` (lines,) are eligible for the requests of the choices `lines`."""
    choices = decisions.choices
    leaked = np.flatnonzero(lines)[~allowed[choices.decisions[lines], titles[lines]]]
    if len(leaked):
        first = leaked[0]
        raise AssertionError(
            f"policy {decisions.makers[0].policy!r} {did} {len(leaked)} ineligible title(s), the first is "
            f"{catalog.item_ids[titles[first]]!r} at row {choices.rows[first]}, column {choices.columns[first]} "
            f"for member {decisions.requests.user_ids[int(choices.decisions[first])]!r}"
        )


def _require_pictured(catalog: Catalog, decisions: Decisions) -> None:
    """Every picture is one of the title that stands right before it, at the same place."""
    choices, pictured = decisions.choices, np.flatnonzero(decisions.layer(Layer.ART))
    of = pictured - 1
    beside = (choices.layers[of] == Layer.TITLE) & (choices.decisions[of] == choices.decisions[pictured])
    there = np.array([len(catalog.artworks[item]) for item in np.where(beside, choices.actions[of], 0)], np.int64)
    strange = ~beside | (choices.actions[pictured] < 0) | (choices.actions[pictured] >= there)
    if strange.any():
        at = pictured[strange][0]
        raise AssertionError(
            f"policy {decisions.makers[0].policy!r} chose picture {choices.actions[at]} at row {choices.rows[at]}, "
            f"column {choices.columns[at]}, which is none of the title there"
        )


def wants_messages(requests: Requests) -> Flags:
    """(batch,) whether each member asked to be written to."""
    said = np.array([profile.messages for profile in requests.people.profiles], np.bool_)
    return said[requests.people.rules[requests.members]]


def _require_wanted(decisions: Decisions) -> None:
    """Whatever was sent went to members who asked for messages."""
    sent = decisions.choices.decisions[decisions.layer(Layer.SEND) & (decisions.choices.actions != SILENT)]
    unwanted = sent[~wants_messages(decisions.requests)[sent]]
    if len(unwanted):
        raise AssertionError(
            f"policy {decisions.makers[0].policy!r} writes to {len(unwanted)} member(s) who do not want messages, the "
            f"first is {decisions.requests.user_ids[int(unwanted[0])]!r}"
        )


def _by_set(sets: NameSets, wishes: Sequence[Names], rule: Callable[[NameSets, Names], Flags]) -> SetRule:
    """Decide `rule` once per set of names and distinct wish."""
    known: dict[Names, Flags] = {}
    for wish in wishes:
        if wish not in known:
            known[wish] = rule(sets, wish)
    return SetRule(
        sets.of_title, np.array([known[wish] for wish in wishes], np.bool_).reshape(len(wishes), len(sets.members))
    )


def _place(code: int) -> Names:
    country = country_of(code)
    return (country,) if country else ()


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
        open_to, understood, free = country.passes[b], language.passes[b], genre.passes[b]
        for i in range(mask.shape[1]):
            mask[b, i] = (
                (limit == NO_LIMIT or 0 <= maturity[i] <= limit)
                and start[i] <= now < end[i]
                and open_to[country.of_title[i]]
                and understood[language.of_title[i]]
                and free[genre.of_title[i]]
            )

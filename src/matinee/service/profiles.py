"""Profiles at the door: every name as the catalogue spells it; what cannot be understood is refused, never ignored."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from matinee.catalog import Catalog, folded
from matinee.clock import zone_names
from matinee.errors import UnknownName
from matinee.profile import Profile
from matinee.situation import ISO_COUNTRIES

NEAREST = 3  # known names offered for one that is not
AROUND = 200  # names before and after it in the alphabet that are looked through for them
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")  # the form of a code: en, pt-br


@dataclass(frozen=True)
class Vocabulary:
    """The names that one field of a profile may hold, and how each is spelt: nothing where it is unknown."""

    field: str
    names: Sequence[str]
    spell: Callable[[str], Sequence[str]]


def understood(profile: Profile, catalog: Catalog, stored: Profile | None = None) -> Profile:
    """The profile with every name as the catalogue spells it, whatever its case and surrounding blanks.

    What the `stored` profile says may be said again, though no title has that name today. Where the catalogue tells no
    title's language, every well-formed code is one. Raises `UnknownName` with the nearest known names.
    """
    before = stored or Profile(profile.user_id)
    languages = catalog.names_in("languages")
    spoken = _among("languages", languages) if languages else Vocabulary("languages", (), _language)
    places = _among("country", (*catalog.names_in("countries"), *ISO_COUNTRIES))
    zones = _among("time_zone", zone_names())
    genres, less = (_among(one, catalog.names_in("genres")) for one in ("blocked_genres", "less_genres"))
    titles = Vocabulary("blocked_titles", catalog.item_ids, lambda name: _ids(catalog, name))
    return replace(
        profile,
        languages=_spelt(profile.languages, before.languages, spoken),
        country=next(iter(_spelt(_one(profile.country), _one(before.country), places)), None),
        time_zone=next(iter(_spelt(_one(profile.time_zone), _one(before.time_zone), zones)), None),
        blocked_titles=_spelt(profile.blocked_titles, before.blocked_titles, titles),
        blocked_genres=_spelt(profile.blocked_genres, before.blocked_genres, genres),
        less_genres=_spelt(profile.less_genres, before.less_genres, less),
    )


def _spelt(names: Sequence[str], stored: Sequence[str], known: Vocabulary) -> tuple[str, ...]:
    """Each name once, as the catalogue spells it, else as it is stored already."""
    found: dict[str, None] = {}
    for name in names:
        spellings = known.spell(name) or [one for one in stored if folded(one) == folded(name)]
        if not spellings:
            raise UnknownName(f"{known.field}: {name[:100]!r} is not known to this catalogue; {_nearest(name, known)}")
        found.update(dict.fromkeys(spellings))
    return tuple(found)


def _among(field: str, names: Sequence[str]) -> Vocabulary:
    spelling = {folded(name): (name,) for name in reversed(names)}
    return Vocabulary(field, names, lambda name: spelling.get(folded(name), ()))


def _ids(catalog: Catalog, name: str) -> list[str]:
    return [catalog.item_ids[item] for item in catalog.titles_named(name)]


def _language(name: str) -> Sequence[str]:
    code = folded(name)
    return (code,) if LANGUAGE.fullmatch(code) else ()


def _one(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _nearest(name: str, known: Vocabulary) -> str:
    """What to write instead: the nearest known names, of those near in the alphabet."""
    spelling = {folded(one): one for one in reversed(known.names)}
    ordered = sorted(spelling)
    at = bisect_left(ordered, folded(name))
    close = get_close_matches(folded(name), ordered[max(at - AROUND, 0) : at + AROUND], NEAREST)
    if not close:
        return "leave it out, or give one of those it knows"
    return f"the nearest it knows: {', '.join(spelling[one] for one in close)}"

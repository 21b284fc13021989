"""Age ratings of the systems that catalogues carry, as the youngest age they are meant for."""

from __future__ import annotations

import re
from collections.abc import Mapping

OLDEST = 21  # no rating system goes beyond; a larger number is no age

_MPA = {"G": 0, "PG": 8, "PG13": 13, "R": 17, "NC17": 18, "X": 18}
_TV = {"TVY": 0, "TVY7": 7, "TVY7FV": 7, "TVG": 0, "TVPG": 8, "TV14": 14, "TVMA": 17}
_BBFC = {"U": 0, "UC": 0, "PG": 8, "12A": 12, "R18": 18}
_AGES: Mapping[str, int] = {**_MPA, **_TV, **_BBFC}

_SYSTEM = re.compile(r"^(MPAA|MPA|BBFC|FSK|RATED|USA|US|GB|UK|DE)(?=.)")
_BARE_AGE = re.compile(r"^(?:FREIGEGEBEN)?(?:AB|AGES?)?([0-9]{1,2})(?:\+|YEARS?|JAHREN?)?$")


def age_of(rating: str) -> int | None:
    """The minimum age behind a rating of the MPA, the TV Parental Guidelines, FSK or BBFC, or a bare age.

    Case, spaces and punctuation do not matter ("pg 13", "TV_MA", "FSK ab 12", "US: R"). None when it says nothing:
    unknown ratings, "NR", "Unrated". Where a system gives guidance without an age, the BBFC's reading is taken: PG
    "should not unsettle a child aged around eight".

    >>> age_of("PG-13"), age_of("tv-ma"), age_of("FSK 16"), age_of("12A"), age_of("NR")
    (13, 17, 16, 12, None)
    """
    letters = re.sub(r"[^0-9A-Z+]", "", rating.upper())
    name = _SYSTEM.sub("", letters)
    if name in _AGES:
        return _AGES[name]
    bare = _BARE_AGE.match(name)
    age = int(bare[1]) if bare else OLDEST + 1
    return age if age <= OLDEST else None

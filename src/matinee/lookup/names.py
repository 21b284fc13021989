"""What things are called: the name as written, and each other name that it brings in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from matinee.lookup.words import words_of

BRACKETS = re.compile(r"\s*\(([^()]+)\)")
ALSO = re.compile(r"^a\.?k\.?a\.?\s+", re.IGNORECASE)
ARTICLE_LAST = re.compile(r"^(.+), (The|A|An|Le|La|Les|L'|Il|Der|Die|Das|El|Los|Las)$", re.IGNORECASE)


def names_of(written: Sequence[Sequence[str]]) -> Iterator[tuple[str, int]]:
    """Every name of each thing, `written` in one way or more: letters and digits alone, and the place of the thing."""
    for at, names in enumerate(written):
        for one in dict.fromkeys(joined(spoken) for name in names for spoken in spoken_names(name)):
            yield one, at


def spoken_names(written: str) -> list[str]:
    """The name and those in brackets: "Bicycle Thieves (a.k.a. The Bicycle Thief)"; "Matrix, The" as people say it."""
    inside = [ALSO.sub("", one.strip()) for one in BRACKETS.findall(written)]
    bare = BRACKETS.sub("", written).strip()
    names = [bare or written, *(one for one in inside if not one.isdigit())]
    names += [written] if written.startswith("(") else []
    return [*names, *(ARTICLE_LAST.sub(r"\2 \1", one) for one in names if ARTICLE_LAST.match(one))]


def joined(text: str) -> str:
    """The letters and digits of a text in a row: "Star Wars" and "starwars" are the same."""
    return "".join(words_of(text))

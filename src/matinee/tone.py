"""Tone: how light or how serious a title is, read from its genres and tags; a stated list of words, nothing learned."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from matinee.catalog import Catalog
from matinee.maths.arrays import Floats

LIGHTNESS: Mapping[str, float] = {  # by the beginning of a word: 1 = light, -1 = heavy
    "comed": 1.0,
    "sitcom": 1.0,
    "funny": 1.0,
    "humor": 1.0,
    "humour": 1.0,
    "feel-good": 1.0,
    "lighthearted": 1.0,
    "children": 1.0,
    "kids": 1.0,
    "famil": 0.8,
    "animat": 0.8,
    "cartoon": 0.8,
    "musical": 0.8,
    "parod": 0.8,
    "romanc": 0.4,
    "romantic": 0.4,
    "adventur": 0.3,
    "fantasy": 0.3,
    "biograph": -0.3,
    "histor": -0.4,
    "mystery": -0.4,
    "drama": -0.6,
    "thriller": -0.6,
    "suspense": -0.6,
    "crime": -0.6,
    "noir": -0.8,
    "dark": -0.8,
    "tragic": -1.0,
    "traged": -1.0,
    "sad": -1.0,
    "bleak": -1.0,
    "disturbing": -1.0,
    "violen": -1.0,
    "gore": -1.0,
    "war": -1.0,
    "horror": -1.0,
    "holocaust": -1.0,
}
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_WHOLE = frozenset({"war", "sad", "dark", "gore"})  # short ones, which begin other words too


def lightness_of(names: Sequence[str]) -> float:
    """The mean of what the known words of these names say, in -1..1; 0 where none is known."""
    words = {word for name in names for word in _WORD.findall(name.casefold())}
    said = [value for start, value in LIGHTNESS.items() for word in words if _says(word, start)]
    return sum(said) / len(said) if said else 0.0


def tones(catalog: Catalog) -> Floats:
    """(titles,) the lightness of each title by its genres and tags: 1 = light, -1 = heavy, 0 = neither or unknown."""
    both = zip(catalog.titles["genres"].to_list(), catalog.titles["tags"].to_list(), strict=True)
    known: dict[tuple[str, ...], float] = {}
    found = []
    for genres, tags in both:
        key = (*genres, *tags)
        if key not in known:
            known[key] = lightness_of(key)
        found.append(known[key])
    return np.array(found, np.float32)


def _says(word: str, start: str) -> bool:
    return word == start if start in _WHOLE else word.startswith(start)

"""Things by name, while it is typed: whole, begun, its words in any order, joined, split or mistyped.

    closeness   what was typed
    1           a name, to the letter
    0.9         the beginning of one
    0.85        the beginnings of words of it, in any order
    below 0.85  0.85 times the best likeness of a beginning of a name (optimal string alignment: insertions, deletions,
                substitutions and swaps of neighbours), or slightly less of a part within it

Likeness is measured by rapidfuzz for the `AMONG` names with the most and rarest letter triples in common.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from matinee.lookup.grams import gram_scores, grams_of, largest
from matinee.lookup.names import joined, names_of
from matinee.lookup.words import LAST, WordIndex
from matinee.maths.arrays import Flags, Floats, Int32s

AMONG = 100
WHOLE, BEGUN, WORDS = 1.0, 0.9, 0.85
WITHIN = 0.9  # how much a likeness within a name counts beside one of its beginning
BY_WHOLE = 0.03  # what the likeness of the whole name adds, to tell equal beginnings apart
LEAST = 0.5  # likeness
SHORT = 3  # letters from which on mistypings are looked for


class Matches(NamedTuple):
    """Places, ascending, and how close each is to what was typed, 0..1."""

    items: Int32s
    closeness: Floats


class Matcher:
    """Things that have names, to be matched: titles, people, genres. Safe to share by threads."""

    def __init__(self, written: Sequence[str], others: Sequence[Sequence[str]] = ()) -> None:
        """`written` (things,) the name of each, `others` (things,) further names; none where left out."""
        every = [(name, *more) for name, more in zip_longest(written, others, fillvalue=())]
        pairs = sorted(names_of(every))
        self._names = [name for name, _ in pairs]
        self._owner = np.array([item for _, item in pairs], np.int32)
        self._grams = grams_of(self._names)
        self._words = WordIndex([" ".join(names) for names in every])
        self._written, self._size = written, len(written)

    def match(self, query: str, allowed: Flags) -> Matches:
        """Everything `allowed` (things,) that is named so or nearly so.

        All that match to the letter are among them, whatever their number; of those mistyped, some of `AMONG` names.
        """
        typed, closeness = joined(query), np.zeros(self._size, np.float32)
        closeness[self._words.matching(query)] = WORDS
        begun = range(bisect_left(self._names, typed), bisect_left(self._names, typed + LAST)) if typed else range(0)
        closeness[self._owner[begun]] = BEGUN
        whole = range(begun.start, bisect_left(self._names, typed + "\0", begun.start))
        closeness[self._owner[whole]] = WHOLE
        closeness[~allowed] = 0.0
        if len(typed) >= SHORT and np.count_nonzero(closeness) < AMONG:
            self._mistyped(typed, allowed, closeness)
        items = np.flatnonzero(closeness).astype(np.int32)
        return Matches(items, closeness[items])

    def share(self, query: str, at: int) -> float:
        """How much of a name stands in a query, 0..1."""
        return min(1.0, len(joined(query)) / max(len(joined(self._written[at])), 1))

    def _mistyped(self, typed: str, allowed: Flags, closeness: Floats) -> None:
        near = largest(gram_scores(self._grams, typed, len(self._names)), self._owner, allowed, AMONG)
        found = likeness(typed, [self._names[at] for at in near])
        found = np.where(found >= LEAST, WORDS * found, 0.0)
        np.maximum.at(closeness, self._owner[near], found.astype(np.float32))


def likeness(typed: str, names: Sequence[str]) -> Floats:
    """(names,) how like what was typed each name's beginning is, or else a part of it, 0..1; then the whole name."""
    if not names:
        return np.zeros(0, np.float32)
    n = len(typed)
    begun = np.max([_alike(typed, [name[:length] for name in names]) for length in (n - 1, n, n + 1)], axis=0)
    longer = np.array([len(name) for name in names]) > n
    within = np.where(longer, process.cdist([typed], names, scorer=fuzz.partial_ratio)[0] / 100.0, 0.0)
    closest = np.maximum(begun, WITHIN * within)
    return np.asarray((1.0 - BY_WHOLE) * closest + BY_WHOLE * _alike(typed, names), np.float32)


def _alike(typed: str, names: Sequence[str]) -> Floats:
    return np.asarray(process.cdist([typed], names, scorer=OSA.normalized_similarity)[0])

"""Strings that share rare letter triples with what was typed: sparse tf-idf of character 3-grams, mistypings and all.

The weight of a triple is its idf, log((1 + strings) / (1 + strings with it)); a string's score is the sum over the
typed triples that it holds, each counted once. Two marks stand before the first letter, so that beginnings weigh more
and one letter is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, Int64s
from matinee.maths.ragged import offsets_of

START, END = "\x02\x02", "\x00"
BITS = 21  # of a code point


class Grams(NamedTuple):
    """Triple k of `codes` (ascending) stands in the strings `values[offsets[k]:offsets[k + 1]]` and weighs `idf[k]`."""

    codes: Int64s
    offsets: Int64s
    values: Int32s
    idf: Floats


def grams_of(strings: Sequence[str]) -> Grams:
    """The triples of strings without marks and control characters."""
    text = np.frombuffer("".join(START + one + END for one in strings).encode("utf-32-le"), np.uint32).astype(np.int64)
    string = np.cumsum(np.append(0, text[:-1] == 0))
    codes = _codes(text)
    inside = (text[:-2] != 0) & (text[1:-1] != 0) & (text[2:] != 0)
    pairs = np.unique(np.stack([codes[inside], string[:-2][inside]]), axis=1) if inside.any() else np.empty((2, 0), int)
    known, counts = np.unique(pairs[0], return_counts=True)
    idf = np.log((1.0 + len(strings)) / (1.0 + counts))
    return Grams(known, offsets_of(counts), pairs[1].astype(np.int32), idf.astype(np.float32))


def gram_scores(grams: Grams, typed: str, n: int) -> Floats:
    """(n strings,) the shared weight of each with what was typed."""
    scores = np.zeros(n, np.float32)
    codes = np.unique(_codes(np.frombuffer((START + typed).encode("utf-32-le"), np.uint32).astype(np.int64)))
    at = np.searchsorted(grams.codes, codes)
    at = at[at < len(grams.codes)]
    known = at[np.isin(grams.codes[at], codes)]
    _add(known, grams.offsets, grams.values, grams.idf, scores)
    return scores


def largest(scores: Floats, owner: Int32s, allowed: Flags, k: int) -> Int32s:
    """The `k` strings with the largest scores above 0 whose `owner` (strings,) is `allowed`, best first."""
    found = np.empty(k, np.int64)
    values = np.empty(k)
    size = _largest(scores, owner, allowed, found, values)
    return found[:size].astype(np.int32)


def _codes(text: Int64s) -> Int64s:
    """Each three code points in a row as one number."""
    return text[:-2] << 2 * BITS | text[1:-1] << BITS | text[2:]


@numba.njit(cache=True, nogil=True)
def _add(known: Int64s, offsets: Int64s, values: Int32s, idf: Floats, scores: Floats) -> None:
    for gram in known:
        for at in range(offsets[gram], offsets[gram + 1]):
            scores[values[at]] += idf[gram]


@numba.njit(cache=True, nogil=True)
def _largest(scores: Floats, owner: Int32s, allowed: Flags, found: Int64s, values: Doubles) -> int:
    """Insertion into a short sorted list; the earlier of equal ones stays."""
    size, least = 0, 0.0
    for one in range(len(scores)):
        if scores[one] <= least or not allowed[owner[one]]:
            continue
        at = min(size, len(found) - 1)
        while at > 0 and values[at - 1] < scores[one]:
            found[at], values[at] = found[at - 1], values[at - 1]
            at -= 1
        found[at], values[at] = one, scores[one]
        size = min(size + 1, len(found))
        if size == len(found):
            least = values[size - 1]
    return size

"""Words of a text, and the titles that hold, for each typed word, one that starts with it: a sorted list, complete."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from matinee.maths.arrays import Flags, Int32s

LAST = "\U0010ffff"  # after every letter


def words_of(text: str) -> list[str]:
    """The words of a text without case and diacritics: "Amélie's" -> ["amelies"].

    A text without any letter or digit is made of its marks: "!!!" -> ["!!!"], so that it can be found too.
    """
    plain = unicodedata.normalize("NFKD", text.replace("'", "").replace("’", ""))
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    return re.findall(r"\w+", kept) or kept.split()


class WordIndex:
    """Finds texts by the beginnings of their words, in any order."""

    def __init__(self, texts: Sequence[str]) -> None:
        words = [words_of(text) for text in texts]
        entries = sorted((word, at, len(held), item) for item, held in enumerate(words) for at, word in enumerate(held))
        self._size = len(texts)
        self._keys = [entry[0] for entry in entries]
        self._items = np.array([entry[3] for entry in entries], np.int32)

    def matching(self, query: str) -> Flags:
        """(texts,) whether each holds, for every word of `query`, a word that starts with it; none for no word.

        Cost: one pass over the texts and over the words that start with those typed.
        """
        prefixes = words_of(query)
        matched = np.full(self._size, bool(prefixes))
        for prefix in prefixes:
            matched &= self._holding(prefix)
        return matched

    def find(self, query: str, n: int, allowed: Flags) -> list[int]:
        """The first `n` texts that are `allowed` (texts,) and match.

        Words that are the rarest prefix exactly come first, then texts that begin with it, then shorter ones.
        """
        prefixes = words_of(query)
        if not prefixes:
            return []
        matched = self.matching(query) & allowed
        some = min((self._starting_with(prefix) for prefix in prefixes), key=len)
        found: dict[int, None] = {}
        for item in some[matched[some]]:
            if len(found) == n:
                break
            found[int(item)] = None
        return list(found)

    def _starting_with(self, prefix: str) -> Int32s:
        """The texts of the words that start with it, in the order of the words."""
        return self._items[bisect_left(self._keys, prefix) : bisect_left(self._keys, prefix + LAST)]

    def _holding(self, prefix: str) -> Flags:
        held = np.zeros(self._size, np.bool_)
        held[self._starting_with(prefix)] = True
        return held

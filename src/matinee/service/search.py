"""Title search while typing: a sorted list of words, so a look-up costs what the rarest of its words matches."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator

from matinee.catalog import Catalog

LAST = "\U0010ffff"  # after every letter


def words_of(text: str) -> list[str]:
    """The words of a text without case and diacritics: "Amélie's" -> ["amelies"].

    A text without any letter or digit is made of its marks: "!!!" -> ["!!!"], so that it can be found too.
    """
    plain = unicodedata.normalize("NFKD", text.replace("'", "").replace("’", ""))
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    return re.findall(r"\w+", kept) or kept.split()


class TitleSearch:
    """Finds titles by the beginnings of their words."""

    def __init__(self, catalog: Catalog) -> None:
        self._words = [words_of(name) for name in catalog.names]
        entries = sorted(
            (word, at, len(words), item) for item, words in enumerate(self._words) for at, word in enumerate(words)
        )
        self._keys = [entry[0] for entry in entries]
        self._items = [entry[3] for entry in entries]

    def find(self, query: str, n: int, allowed: Callable[[int], bool]) -> list[int]:
        """The first `n` title indexes that are allowed and hold, for each word of `query`, a word that starts with it.

        Words that are the rarest prefix exactly come first, then titles that begin with it, then shorter titles.
        Cost: O(log words) a word of the query, and the titles that match its rarest one, until `n` are found.
        """
        prefixes = words_of(query)
        if not prefixes:
            return []
        lead = min(prefixes, key=lambda prefix: len(self._range(prefix)))
        others = [prefix for prefix in prefixes if prefix != lead]
        found: dict[int, None] = {}
        for item in self._starting_with(lead):
            if len(found) == n:
                break
            if item not in found and self._has(item, others) and allowed(item):
                found[item] = None
        return list(found)

    def _range(self, prefix: str) -> range:
        """Where the words that start with it stand."""
        return range(bisect_left(self._keys, prefix), bisect_left(self._keys, prefix + LAST))

    def _starting_with(self, prefix: str) -> Iterator[int]:
        return (self._items[at] for at in self._range(prefix))

    def _has(self, item: int, prefixes: list[str]) -> bool:
        return all(any(word.startswith(prefix) for word in self._words[item]) for prefix in prefixes)

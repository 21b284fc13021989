"""Title search while typing: a sorted list of words, so a look-up costs what it returns."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator

from matinee.catalog import Catalog

LOOKED_AT = 2_000  # candidates examined at most, however common the first letters are


def words_of(text: str) -> list[str]:
    """The words of a text without case and diacritics: "Amélie's" -> ["amelies"]."""
    plain = unicodedata.normalize("NFKD", text.replace("'", "").replace("’", ""))
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"\w+", kept.casefold())


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
        """At most `n` title indexes that are allowed and hold, for each word of `query`, a word that starts with it.

        Exact words come first, then titles that begin with the word, then shorter titles.
        Cost: O(log words + titles examined), at most `LOOKED_AT` of them.
        """
        prefixes = words_of(query)
        if not prefixes:
            return []
        lead = max(prefixes, key=len)
        others = [prefix for prefix in prefixes if prefix is not lead]
        found: dict[int, None] = {}
        for item in self._starting_with(lead):
            if len(found) == n:
                break
            if item not in found and allowed(item) and self._has(item, others):
                found[item] = None
        return list(found)

    def _starting_with(self, prefix: str) -> Iterator[int]:
        first = bisect_left(self._keys, prefix)
        for at in range(first, min(first + LOOKED_AT, len(self._keys))):
            if not self._keys[at].startswith(prefix):
                return
            yield self._items[at]

    def _has(self, item: int, prefixes: list[str]) -> bool:
        return all(any(word.startswith(prefix) for word in self._words[item]) for prefix in prefixes)

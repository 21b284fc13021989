"""What titles are about, by words: genres, tags, people, years and descriptions, each word weighed by how rare it is.

A title's closeness to a query is the share of the query's weight that the title's words cover, a word in a description
counting less than a tag, a tag than a genre:

    closeness = sum_w idf(w) weight(w, title) / sum_w idf(w)      over the words w of the query that say something
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.lookup.matcher import Matcher
from matinee.lookup.words import LAST, words_of
from matinee.maths.arrays import Floats, Int32s
from matinee.maths.ragged import offsets_of

WEIGHTS = {"genres": 1.0, "tags": 0.9, "people": 0.9, "years": 0.9, "text": 0.4}
SILENT = frozenset(
    words_of(
        "a about an and any are at by film films for from great good in is me movie movies of on or series show shows "
        "some something starring story that the title to watch with"
    )
)
MEANT = {  # what people say for a genre
    "funny": "comedy", "hilarious": "comedy", "laugh": "comedy", "scary": "horror", "creepy": "horror",
    "spooky": "horror", "romantic": "romance", "love": "romance", "kids": "children", "family": "children",
    "cartoon": "animation", "animated": "animation", "scifi": "sci", "sf": "sci", "cowboy": "western",
    "documentary": "documentary", "sad": "drama", "exciting": "thriller", "suspense": "thriller",
    "detective": "mystery", "whodunit": "mystery", "gangster": "crime", "heist": "crime", "magic": "fantasy",
    "songs": "musical", "military": "war",
}  # fmt: skip
ENTRY = {"word": pl.String, "item": pl.Int32, "weight": pl.Float32}
BEGINNING = 3  # letters from which on the last word may be unfinished
BEGUN, MISTYPED = np.float32(0.9), np.float32(0.7)  # what words count that are unfinished, or read as another
NEARLY = 0.6  # closeness from which on an unknown word is read as a known one


class Topics:
    """The words of a catalogue's titles. Safe to share by threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._size = len(catalog)
        found = pl.DataFrame(list(_entries(catalog)), ENTRY, orient="row")
        found = found.group_by("word", "item").agg(pl.col("weight").max()).sort("word", "item")
        counts = found.group_by("word", maintain_order=True).len()
        self._words = counts["word"].to_list()
        self._offsets = offsets_of(counts["len"].to_numpy())
        self._items, self._weights = found["item"].to_numpy(), found["weight"].to_numpy()

    def closeness(self, query: str) -> Floats:
        """(titles,) how much of what was typed each title is about, 0..1."""
        typed = [stem(word) for word in words_of(query) if word not in SILENT]
        total, weight = np.zeros(self._size, np.float32), 0.0
        for at, word in enumerate(typed):
            covered = self._covered(word, unfinished=at == len(typed) - 1)
            idf = float(np.log((1.0 + self._size) / (1.0 + np.count_nonzero(covered))))
            total += idf * covered
            weight += idf
        return total / np.float32(weight) if weight else total

    def _covered(self, word: str, unfinished: bool) -> Floats:
        """(titles,) the weight of one word in each."""
        covered = np.zeros(self._size, np.float32)
        for first, last, trust in self._ranges(word, unfinished):
            lines = slice(self._offsets[first], self._offsets[last])
            np.maximum.at(covered, self._items[lines], trust * self._weights[lines])
        return covered

    def _ranges(self, word: str, unfinished: bool) -> Iterator[tuple[int, int, np.float32]]:
        """Ranges of the vocabulary that a typed word means, with how sure that is: itself, the genre that people say so
        for, what it begins, or else the nearest word.
        """
        meant = [at for one in (word, MEANT.get(word)) if one and (at := self._place(one)) >= 0]
        yield from ((at, at + 1, np.float32(1)) for at in meant)
        first, last = bisect_left(self._words, word), bisect_left(self._words, word + LAST)
        if unfinished and len(word) >= BEGINNING and last > first:
            yield first, last, BEGUN
        elif not meant:
            yield from self._nearest(word)

    def _place(self, word: str) -> int:
        """The place of a word in the vocabulary, -1 for none."""
        at = bisect_left(self._words, word)
        return at if at < len(self._words) and self._words[at] == word else -1

    def _nearest(self, word: str) -> Iterator[tuple[int, int, np.float32]]:
        """The word that was probably meant."""
        near = self._spelling.match(word, np.ones(len(self._words), np.bool_))
        if len(word) > BEGINNING and near.closeness.max(initial=0.0) >= NEARLY:
            at = int(near.items[near.closeness.argmax()])
            yield at, at + 1, MISTYPED

    @cached_property
    def _spelling(self) -> Matcher:
        return Matcher(self._words)


def stem(word: str) -> str:
    """A word without the plural of English, roughly, in queries and titles alike: "comedies" -> "comedy"."""
    if word[0].isdigit():
        return word
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _entries(catalog: Catalog) -> Iterator[tuple[str, int, float]]:
    """(word, title, weight) of all that is told of titles."""
    for field, weight in WEIGHTS.items():
        for item, told in enumerate(_told(catalog, field)):
            for one in told:
                words = [stem(word) for word in words_of(one)]
                for word in dict.fromkeys([*words, *(["".join(words)] if field != "text" else [])]):
                    if word not in SILENT:
                        yield word, item, weight


def _told(catalog: Catalog, field: str) -> Sequence[Sequence[str]]:
    if field == "years":
        return [[] if year is None else _years(year) for year in catalog.titles["released"].dt.year().to_list()]
    if field == "text":
        return [[one] if one else [] for one in catalog.titles["text"].to_list()]
    return catalog.titles[field].to_list()


def _years(year: int) -> list[str]:
    """1994: "1994", "1990s", "90s"."""
    decade = f"{year // 10 * 10}s"
    return [str(year), decade, decade[2:]]


def places(matched: Floats, n: int) -> Int32s:
    """The `n` places with the largest numbers above 0, best first, then the earlier."""
    n = min(n, int(np.count_nonzero(matched)))
    best = np.sort(np.argpartition(-matched, max(n - 1, 0))[:n])
    return best[np.argsort(-matched[best], kind="stable")].astype(np.int32)

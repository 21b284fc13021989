"""Moods: what somebody may want of this moment, a theme of the catalogue or none, lighter or heavier or either.

A theme is a cluster of the catalogue's genres and tags; the tone is that of `matinee.tone`. A mood says of each title
what it adds to the log-odds that the title is enjoyed now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.cluster.vq import kmeans2

from matinee.catalog import Catalog
from matinee.maths.arrays import Doubles, Floats, Int64s
from matinee.maths.ragged import Ragged
from matinee.maths.text import informativeness, tfidf
from matinee.tone import tones

THEMES = 10
TAGS = 150  # the commonest, that themes are made of beside the genres
SAMPLE = 5_000  # titles that themes are learned from
ROUNDS = 30
WISHES = (0.0, 1.0, -1.0)  # either, lighter, heavier
DIGITS = 4  # of a theme's numbers, so that those kept are those used


@dataclass(frozen=True)
class Themes:
    """Clusters of titles: `words` (names of genres and tags), `idf` (words,), and `centres` (themes, words)."""

    words: tuple[str, ...]
    idf: Doubles
    centres: Doubles

    @classmethod
    def learned(cls, catalog: Catalog) -> Self:
        """Spherical k-means (Dhillon and Modha 2001) of the titles' TF-IDF rows; the same titles, the same themes."""
        words = (*catalog.genres, *_commonest(catalog.title_tags, catalog.tags))
        counts = _counts(catalog, words)
        idf = np.round(informativeness(counts), DIGITS)
        rows = tfidf(counts, idf)
        step = max(1, -(-len(catalog) // SAMPLE))
        known = rows[np.flatnonzero(np.diff(rows.indptr))][::step].toarray().astype(np.float64)
        distinct = len(np.unique(known, axis=0))
        if distinct < 2:
            return cls(words, idf, np.zeros((0, len(words))))
        k = min(THEMES, distinct)
        centres, _ = kmeans2(known, k, ROUNDS, minit="++", rng=np.random.default_rng(0), missing="warn")
        lengths = np.sqrt((centres**2).sum(axis=1, keepdims=True))
        return cls(words, idf, np.round(centres / np.maximum(lengths, 1e-9), DIGITS))

    def closeness(self, catalog: Catalog) -> Doubles:
        """(themes, titles) the cosine of each title with each theme, 0..1."""
        return np.asarray((tfidf(_counts(catalog, self.words), self.idf) @ self.centres.T).T, np.float64)

    @property
    def plain(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {"words": self.words, "idf": self.idf.tolist(), "centres": self.centres.tolist()}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Self:
        """What `plain` gave."""
        words = tuple(plain["words"])
        centres = np.array(plain["centres"], np.float64).reshape(-1, len(words))
        return cls(words, np.array(plain["idf"], np.float64), centres)

    def names(self) -> tuple[str, ...]:
        """What each theme is about: the two words that weigh most in it."""
        return tuple(", ".join(self.words[at] for at in np.argsort(-one)[:2]) for one in self.centres)


@dataclass(frozen=True)
class Moods:
    """All moods of a catalogue: every theme and none, each with every wish of tone.

    `themes` (moods,) the theme of each, -1 = none; `wishes` (moods,) -1..1 the tone that it asks for; `gains`
    (moods, titles) what it adds to the log-odds of enjoyment; `tones` (titles,).
    """

    themes: Int64s
    wishes: Doubles
    gains: Doubles
    tones: Floats

    @classmethod
    def of(cls, themes: Themes, catalog: Catalog, theme_gain: float, tone_gain: float) -> Self:
        """A title as near to a theme as titles are on average gains nothing; one a standard deviation nearer
        `theme_gain`, and one as light as can be gains `tone_gain` where that is wished.
        """
        lightness = tones(catalog)
        closeness = themes.closeness(catalog)
        near = closeness - closeness.mean(axis=1, keepdims=True)
        near /= np.maximum(near.std(axis=1, keepdims=True), 1e-9)
        of_theme = theme_gain * np.vstack((np.zeros(len(catalog)), near))
        own = np.append(0.0, [_mean_tone(one, lightness) for one in closeness])
        of_tone = np.array([tone_gain * wish * (lightness - lightness.mean()) for wish in WISHES])
        gains = (of_theme[:, None, :] + of_tone[None, :, :]).reshape(-1, len(catalog))
        wishes = np.clip(own[:, None] + np.array(WISHES), -1.0, 1.0).ravel()
        return cls(np.repeat(np.arange(len(of_theme)) - 1, len(WISHES)), wishes, gains, lightness)

    def __len__(self) -> int:
        return len(self.wishes)

    @cached_property
    def odds(self) -> Doubles:
        """(moods, titles) e^gains: by what each mood multiplies the odds of enjoyment."""
        return np.exp(self.gains)

    @cached_property
    def prior(self) -> Doubles:
        """(moods,) before any answer: one in three wants nothing in particular, all else alike."""
        plain = (self.themes < 0) & (np.arange(len(self)) % len(WISHES) == 0)
        others = max(len(self) - 1, 1)
        return np.where(plain, 1 / 3 if len(self) > 1 else 1.0, 2 / 3 / others)


def _mean_tone(closeness: Doubles, lightness: Floats) -> float:
    total = closeness.sum()
    return float(closeness @ lightness / total) if total > 0 else 0.0


def _commonest(titles: Ragged, names: tuple[str, ...]) -> tuple[str, ...]:
    counts = np.bincount(titles.values, minlength=len(names))
    return tuple(names[at] for at in np.sort(np.argsort(-counts, kind="stable")[:TAGS]))


def _counts(catalog: Catalog, words: tuple[str, ...]) -> sparse.csr_matrix:
    """(titles, words) 1 where a title has the word as a genre or a tag."""
    number = {word: at for at, word in enumerate(words)}
    both = zip(catalog.titles["genres"].to_list(), catalog.titles["tags"].to_list(), strict=True)
    lists = [sorted({number[one] for one in (*genres, *tags) if one in number}) for genres, tags in both]
    found = Ragged.of(lists)
    return sparse.csr_matrix((np.ones(len(found.values)), found.values, found.offsets), (len(lists), len(words)))

"""Moods: what somebody may want of this moment, a theme or none, and something lighter, heavier or either.

A theme is a set of titles that the scorer takes to be alike, and the tone is that of `matinee.tone`.
A mood says of each title what it adds to the log-odds that the title is enjoyed now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy.cluster.vq import kmeans2

from matinee.catalog import Catalog
from matinee.decision import Requests, Scorer
from matinee.history import Histories
from matinee.maths.arrays import Doubles, Floats, Int32s, Int64s
from matinee.tone import tones

THEMES = 12
ASKED = 600  # titles, evenly spaced, of which the scorer is asked what goes with them,
LEADS = 300  # and those with the strongest answers, which make the themes
FEW = 10  # titles that a theme is made of, on average, where there are few
WIDTH = 8  # directions of the answers that are told apart
ROUNDS = 30
AT_ONCE = 64
WISHES = (0.0, 1.0, -1.0)  # either, lighter, heavier

Themes = tuple[tuple[int, ...], ...]  # the titles that each theme is made of


def themes_of(scorer: Scorer, titles: int) -> Themes:
    """What there is to be in the mood for: spherical k-means (Dhillon and Modha 2001) of titles by what the scorer
    answers to somebody who liked one of them alone, in their first principal directions. No themes where it answers
    everybody alike.
    """
    every = np.arange(0, titles, max(1, titles // ASKED), dtype=np.int32)
    strength = np.concatenate([part.std(axis=1) for part in _answers(scorer, every)])
    leads = every[np.sort(np.argsort(-strength, kind="stable")[:LEADS])]
    leads = leads[strength[np.searchsorted(every, leads)] > 0]
    if len(leads) < 2:
        return ()
    answers = np.concatenate([_standardised(part).astype(np.float32) for part in _answers(scorer, leads)])
    sizes, directions = np.linalg.eigh((answers @ answers.T).astype(np.float64))
    rows = directions[:, -WIDTH:] * np.sqrt(np.maximum(sizes[-WIDTH:], 0.0))
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    k = min(THEMES, -(-len(leads) // FEW))
    _, group = kmeans2(rows, k, ROUNDS, minit="++", rng=np.random.default_rng(0))
    return tuple(tuple(leads[group == at].tolist()) for at in range(k) if (group == at).any())


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
    def of(cls, themes: Themes, scorer: Scorer, catalog: Catalog, theme_gain: float, tone_gain: float) -> Self:
        """A title that goes with a theme as titles do on average gains nothing; one a standard deviation more
        `theme_gain`, and one as light as can be gains `tone_gain` where that is wished.
        """
        lightness, n = tones(catalog), len(catalog)
        near = np.vstack([np.zeros((0, n)), *_answers_to(scorer, themes, n)])
        of_tone = np.array([tone_gain * wish * (lightness - lightness.mean()) for wish in WISHES])
        of_theme = theme_gain * np.vstack((np.zeros(n), near))
        gains = (of_theme[:, None, :] + of_tone[None, :, :]).reshape(-1, n)
        own = np.append(0.0, [lightness[list(one)].mean() for one in themes])
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

    def genres(self, catalog: Catalog) -> Doubles:
        """(themes, genres) by how many standard deviations the titles of each genre gain in each theme on average."""
        bare = self.gains[len(WISHES) :: len(WISHES)]
        spread = np.maximum(bare.std(axis=1, keepdims=True), 1e-9)
        lists = [catalog.genre_titles[g] for g in range(len(catalog.genres))]
        found = [bare[:, one].mean(axis=1) if len(one) else np.zeros(len(bare)) for one in lists]
        return np.asarray(np.array(found).reshape(-1, len(bare)).T / spread)


def _answers(scorer: Scorer, titles: Int32s) -> Sequence[Doubles]:
    """What the scorer adds for somebody who liked one of these alone, some at a time: (some, titles scored)."""
    parts = [titles[at : at + AT_ONCE] for at in range(0, len(titles), AT_ONCE)]
    return [_asked(scorer, [[int(one)] for one in part], part) for part in parts]


def _answers_to(scorer: Scorer, themes: Themes, n: int) -> Sequence[Doubles]:
    """(themes, n) the same for somebody who liked all titles of a theme, standardised; padded for titles to come."""
    found = _standardised(_asked(scorer, [list(one) for one in themes])) if themes else np.zeros((0, n))
    return [np.pad(found, ((0, 0), (0, n - found.shape[1])))]


def _asked(scorer: Scorer, liked: list[list[int]], alone: Int32s | None = None) -> Doubles:
    """Scores of those who liked these beyond the scores of nobody; 0 for the one that each of `alone` liked."""
    scores = scorer.score(Requests.of_histories(Histories.of_items([*liked, []]))).astype(np.float64)
    added = scores[:-1] - scores[-1]
    if alone is not None:
        added[np.arange(len(alone)), alone] = 0.0
    return np.asarray(added)


def _standardised(rows: Doubles) -> Doubles:
    """Each row moved and scaled to mean 0 and standard deviation 1; a constant row becomes 0."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(rows.std(axis=1, keepdims=True), 1e-9))

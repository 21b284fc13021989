"""A distribution over single titles for each request of a batch: what an estimate enumerates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.errors import BadData
from matinee.maths.arrays import Doubles, Flags, Int32s
from matinee.maths.ragged import Ragged

SUM_TOLERANCE = 1e-6  # how far from 1 the probabilities of a request may sum, by rounding


@dataclass(frozen=True, repr=False)
class Distribution:
    """P(title) for each title that a request could be shown: `candidates` (batch) lists of titles in rising order,
    `probs` along their values. A request with nothing to choose from has an empty list.

    Raises `BadData` where the probabilities of a request are not in 0..1 or do not sum to 1, whatever they weigh.
    """

    candidates: Ragged
    probs: Doubles

    def __post_init__(self) -> None:
        lines = self.candidates.offsets[-1]
        assert self.probs.shape == (lines,), f"{self.probs.shape} probabilities of {lines} titles"
        wrong = ~((self.probs >= 0) & (self.probs <= 1 + SUM_TOLERANCE))
        if wrong.any():
            raise BadData(f"a title has the probability {self.probs[wrong][0]}; give one from 0 to 1")
        wrong = ~(np.abs(self.sums(self.probs) - 1) <= SUM_TOLERANCE) & (np.diff(self.candidates.offsets) > 0)
        if wrong.any():
            b = int(np.argmax(wrong))
            raise BadData(
                f"the probabilities of request {b} sum to {self.sums(self.probs)[b]}; give each title that "
                "could be chosen its probability, so that they sum to 1"
            )

    def __len__(self) -> int:
        return len(self.candidates)

    def __repr__(self) -> str:
        return f"Distribution({len(self):,} requests, {len(self.probs):,} titles)"

    def sums(self, of_titles: Doubles) -> Doubles:
        """Any number a title (values,) summed by request: (batch,)."""
        lengths = np.diff(self.candidates.offsets)
        of_title = np.repeat(np.arange(len(self)), lengths)
        return np.asarray(np.bincount(of_title, of_titles, len(self)), np.float64)

    def of(self, items: Int32s) -> Doubles:
        """(batch,) the probability of one title each; 0 for what is no candidate."""
        wide = np.int64(2**32)
        lengths = np.diff(self.candidates.offsets)
        keys = np.repeat(np.arange(len(self)), lengths) * wide + self.candidates.values
        asked = np.arange(len(self)) * wide + np.maximum(items, 0)
        place = np.minimum(np.searchsorted(keys, asked), max(len(keys) - 1, 0))
        there = (keys[place] == asked) & (items >= 0) if len(keys) else np.zeros(len(self), np.bool_)
        return np.where(there, np.append(self.probs, 0.0)[place], 0.0)

    @classmethod
    def of_masks(cls, masks: Flags, probs: Doubles) -> Distribution:
        """Out of which titles could be chosen, (batch, titles), and their probabilities (batch, titles)."""
        _, titles = np.nonzero(masks)
        offsets = np.append(0, np.cumsum(np.count_nonzero(masks, axis=1))).astype(np.int64)
        return cls(Ragged(offsets, titles.astype(np.int32)), probs[masks].astype(np.float64))

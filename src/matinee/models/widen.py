"""A scorer fitted on an older, shorter catalogue, made to answer for today's longer one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Requests, Scorer, Tell, quiet
from matinee.errors import BadRequest
from matinee.history import TrainingData


@dataclass(frozen=True)
class Widened:
    """`scorer` with one column for each of `n_titles` titles: titles it never saw share each request's lowest score.

    A title that came after training so ranks last by itself until the next training; rows of new arrivals,
    which do not rank by score alone, still show it.
    """

    scorer: Scorer
    n_titles: int

    def fit(self, data: TrainingData, rng: np.random.Generator, tell: Tell = quiet) -> Self:
        """Refused: fit the scorer inside; a fresh fit needs no widening."""
        raise BadRequest("a widened scorer cannot be fitted; fit the scorer inside it")

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, n_titles)."""
        scores = self.scorer.score(requests)
        lowest = scores.min(axis=1, keepdims=True)
        return np.hstack([scores, np.repeat(lowest, self.n_titles - scores.shape[1], axis=1)])

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """As the scorer inside; nothing explains a title it never saw."""
        return self.scorer.explain(requests, items)

    def save(self, folder: Path) -> None:
        """Save the scorer inside."""
        self.scorer.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Refused: load the scorer inside."""
        raise BadRequest("load the scorer that was saved and widen it with `widened`")


def widened(scorer: Scorer, fitted: int, n_titles: int) -> Scorer:
    """`scorer`, fitted on `fitted` titles, answering for `n_titles`; itself when the numbers are equal."""
    inside = scorer.scorer if isinstance(scorer, Widened) else scorer
    return inside if fitted == n_titles else Widened(inside, n_titles)

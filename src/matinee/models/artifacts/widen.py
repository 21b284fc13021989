"""A scorer fitted on an older, shorter catalogue, made to answer for today's longer one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.decision import Explain, Progress, Requests, Scorer, no_progress, scored
from matinee.errors import BadRequest
from matinee.history import TrainingData
from matinee.models.cold_start import Prior


@runtime_checkable
class Growing(Protocol):
    """A scorer that can tell something about titles which came after it was fitted: it knows titles by content."""

    def for_titles(self, catalog: Catalog) -> Scorer:
        """The scorer answering for every title of `catalog`, which begins with the titles that it was fitted on.

        It stays fitted on what it was, and saves that. Where no title came since, it may be the scorer itself.
        """
        ...


@dataclass(frozen=True)
class Widened:
    """`scorer` with one column for each of `n_titles` titles: titles it never saw share each request's lowest score.

    A title that came after training so ranks last by itself until the next training; rows of new arrivals,
    which do not rank by score alone, still show it.
    """

    scorer: Scorer
    n_titles: int

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Refused: fit the scorer inside; a fresh fit needs no widening."""
        raise BadRequest("a widened scorer cannot be fitted; fit the scorer inside it")

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, n_titles)."""
        return with_lowest(self.scorer.score(requests), self.n_titles)

    def score_with_reasons(self, requests: Requests) -> tuple[NDArray[np.float32], Explain]:
        """(batch, n_titles), and `explain` of these requests."""
        scores, explain = scored(self.scorer, requests)
        return with_lowest(scores, self.n_titles), explain

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


@dataclass(frozen=True)
class WidePrior(Prior):
    """A prior for a catalogue that grew by `added` titles: each is as likely as the least liked of the known ones."""

    added: int = 0

    @classmethod
    def over(cls, prior: Prior, n_titles: int) -> Self:
        """`prior` for `n_titles` titles."""
        return cls(prior.popularity, prior.kappa, prior.scale, n_titles - prior.popularity.n_titles)

    @property
    def n_titles(self) -> int:
        """Number of titles it answers for."""
        return self.popularity.n_titles + self.added

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, n_titles) float32, a fresh array."""
        return with_lowest(super().scores(requests), self.n_titles)


def require_appended(fitted: int, catalog: Catalog) -> None:
    """Raise `BadRequest` when `catalog` has fewer titles than the scorer was `fitted` on."""
    if len(catalog) < fitted:
        raise BadRequest(
            f"the scorer was fitted on {fitted:,} titles and the catalogue has {len(catalog):,}; titles are appended, "
            "never removed: give the whole catalogue, or fit anew"
        )


def for_catalog(scorer: Scorer, fitted: int, catalog: Catalog) -> Scorer:
    """`scorer`, fitted on the first `fitted` titles of `catalog`, answering for all: by content where it can."""
    require_appended(fitted, catalog)
    if isinstance(scorer, Growing):
        return scorer.for_titles(catalog)
    return widened(scorer, fitted, len(catalog))


def widened(scorer: Scorer, fitted: int, n_titles: int) -> Scorer:
    """`scorer`, fitted on `fitted` titles, answering for `n_titles`; itself when the numbers are equal."""
    inside = scorer.scorer if isinstance(scorer, Widened) else scorer
    return inside if fitted == n_titles else Widened(inside, n_titles)


def with_lowest(scores: NDArray[np.float32], n_titles: int) -> NDArray[np.float32]:
    """Scores (batch, known titles) with each row's lowest for the titles that are not known: (batch, n_titles)."""
    added = n_titles - scores.shape[1]
    return np.hstack([scores, np.repeat(scores.min(axis=1, keepdims=True), added, axis=1)])

"""Local EASE: a ridge regression of each title on its nearest titles, for catalogues whose square does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.decision import Requests, Tell, quiet
from matinee.errors import BadRequest, NotFitted
from matinee.history import TrainingData
from matinee.maths.local_gram import local_ridge
from matinee.maths.similarity import nearest, weighted
from matinee.models.sparse_map import Rows, SparseMap, rows_of


@dataclass(frozen=True, slots=True)
class SparseInverseConfig:
    """`neighbors`: titles in each regression; memory and quality grow with it. `l2`: ridge penalty. `dropout`:
    probability that a like is hidden in training, see `linear_autoencoder`. `half_life`: in later likes, None = order
    is ignored. `kappa`: history length at which popularity counts half.
    """

    neighbors: int = 200
    l2: float = 500.0
    dropout: float = 0.0
    half_life: float | None = None
    kappa: float = 3.0

    def __post_init__(self) -> None:
        for name in ("neighbors", "l2", "half_life", "kappa"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadRequest(f"the sparse inverse's {name} is {value}; give a number above 0")
        if not 0 <= self.dropout < 1:
            raise BadRequest(f"the sparse inverse's dropout is {self.dropout}; give a number from 0 to below 1")


class SparseInverse:
    """EASE where each column of the map may use only the title's nearest titles, and is exact for these.

    Column i minimises |x_i - X_S w|² + l2 |w|² over the `neighbors` titles S nearest to i by cosine. Right from some
    20,000 titles on: memory is neighbors x titles, time grows with the likes of the neighbours. It fails where
    many weak influences from all over the catalogue add up. (after the sparse approximation of Steck 2019, NeurIPS)
    """

    def __init__(self, config: SparseInverseConfig = SparseInverseConfig()) -> None:
        self.config = config
        self._fitted: SparseMap | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, tell: Tell = quiet) -> Self:
        """Find every title's neighbours and solve its regression."""
        rows = fit_rows(data.matrix, self.config, tell)
        self._fitted = SparseMap.fit(rows, self.config, data, rng)
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) sums of weights, plus the prior of `cold_start`."""
        return self._map().score(requests)

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title with the largest positive term of each item's sum, or -1."""
        return self._map().explain(requests, items)

    def save(self, folder: Path) -> None:
        """Write the map and the prior."""
        self._map().save(folder, self.config)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        config, fitted = SparseMap.load(folder, SparseInverseConfig)
        scorer = cls(config)
        scorer._fitted = fitted
        return scorer

    def _map(self) -> SparseMap:
        if self._fitted is None:
            raise NotFitted("the sparse inverse was asked before it was fitted; call fit or load first")
        return self._fitted


def fit_rows(likes: sparse.csr_matrix, config: SparseInverseConfig, tell: Tell = quiet) -> Rows:
    """The map's rows from likes (members, titles)."""
    tell("finding neighbours", 0.0)
    starts, titles, _ = nearest(weighted(likes, "cosine"), config.neighbors)

    def progress(done: float) -> None:
        tell("fitting each title's weights", 0.2 + 0.8 * done)

    inflation = config.dropout / (1 - config.dropout)
    values = local_ridge(likes, starts, titles, config.l2, inflation, progress=progress)
    return rows_of(sparse.csr_matrix((values, titles, starts), shape=(likes.shape[1],) * 2).T)

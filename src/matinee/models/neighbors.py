"""Item neighbours: titles liked by the same members as those of the history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self, get_args

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Requests, Tell, quiet
from matinee.errors import BadRequest, NotFitted
from matinee.history import TrainingData
from matinee.maths.similarity import Weighting, nearest, weighted
from matinee.models.sparse_map import SparseMap


@dataclass(frozen=True, slots=True)
class NeighborsConfig:
    """`k`: neighbours kept of each title. `weighting`: "cosine", "tfidf" or "bm25", see `maths.similarity`.
    `half_life`: in later likes, None = order is ignored. `kappa`: history length at which popularity counts half.
    """

    k: int = 100
    weighting: Weighting = "tfidf"
    half_life: float | None = None
    kappa: float = 3.0

    def __post_init__(self) -> None:
        if self.weighting not in get_args(Weighting):
            raise BadRequest(f"neighbors know no weighting {self.weighting!r}; choose from {get_args(Weighting)}")
        for name in ("k", "half_life", "kappa"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadRequest(f"neighbors' {name} is {value}; give a number above 0")


class Neighbors:
    """score_i = sum over the history of similarity(j, i), where i is among the `k` nearest of j.

    Right as a first model of any catalogue: nothing to tune, quick to fit, easy to explain, and sparse at any size.
    It fails where titles rarely share members, and a title outside every neighbourhood keeps its popularity.
    """

    def __init__(self, config: NeighborsConfig = NeighborsConfig()) -> None:
        self.config = config
        self._fitted: SparseMap | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, tell: Tell = quiet) -> Self:
        """Find every title's neighbours."""
        rows = nearest(weighted(data.matrix, self.config.weighting), self.config.k)
        self._fitted = SparseMap.fit(rows, self.config, data, rng)
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) sums of similarities, plus the prior of `cold_start`."""
        return self._map().score(requests)

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title most similar to each item (weighted by recency), or -1."""
        return self._map().explain(requests, items)

    def save(self, folder: Path) -> None:
        """Write the neighbours and the prior."""
        self._map().save(folder, self.config)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        config, fitted = SparseMap.load(folder, NeighborsConfig)
        scorer = cls(config)
        scorer._fitted = fitted
        return scorer

    def _map(self) -> SparseMap:
        if self._fitted is None:
            raise NotFitted("neighbors were asked before they were fitted; call fit or load first")
        return self._fitted

"""Item neighbours: titles liked by the same members as those of the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from matinee.decision import Progress
from matinee.errors import BadRequest
from matinee.history import Histories, TrainingData
from matinee.maths.similarity import Weighting, nearest, weighted
from matinee.models.cold_start import history_rows
from matinee.models.sparse_map import Rows, SparseMapScorer


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


class Neighbors(SparseMapScorer[NeighborsConfig]):
    """score_i = sum over the history of similarity(j, i), where i is among the `k` nearest of j.

    Right as a first model of any catalogue: nothing to tune, quick to fit, easy to explain, and sparse at any size.
    It fails where titles rarely share members, and a title outside every neighbourhood keeps its popularity.
    """

    config_type = NeighborsConfig

    def find_rows(self, data: TrainingData, progress: Progress) -> Rows:
        """Every title's neighbours."""
        return nearest(weighted(data.matrix, self.config.weighting), self.config.k)

    def read_histories(self, histories: Histories, n: int) -> Rows:
        """Every liked title, by `half_life`."""
        return history_rows(histories, n, self.config.half_life)

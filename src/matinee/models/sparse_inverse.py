"""Local EASE: a ridge regression of each title on its nearest titles, for catalogues whose square does not fit."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import sparse

from matinee.decision import Progress, no_progress
from matinee.errors import BadRequest
from matinee.history import Histories, TrainingData
from matinee.maths.local_gram import local_ridge
from matinee.maths.similarity import nearest, weighted
from matinee.models.cold_start import history_rows
from matinee.models.sparse_map import Rows, SparseMapScorer, rows_of


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


class SparseInverse(SparseMapScorer[SparseInverseConfig]):
    """EASE where each column of the map may use only the title's nearest titles, and is exact for these.

    Column i minimises |x_i - X_S w|² + l2 |w|² over the `neighbors` titles S nearest to i by cosine. Right from some
    20,000 titles on: memory is neighbors x titles, time grows with the likes of the neighbours. It fails where
    many weak influences from all over the catalogue add up. (after the sparse approximation of Steck 2019, NeurIPS)
    """

    config_type = SparseInverseConfig

    def find_rows(self, data: TrainingData, progress: Progress) -> Rows:
        """Every title's neighbours, and its regression on them."""
        return fit_rows(data.matrix, self.config, progress)

    def read_histories(self, histories: Histories, n: int) -> Rows:
        """Every liked title, by `half_life`."""
        return history_rows(histories, n, self.config.half_life)


def fit_rows(likes: sparse.csr_matrix, config: SparseInverseConfig, progress: Progress = no_progress) -> Rows:
    """The map's rows from likes (members, titles)."""
    progress("finding neighbours", 0.0)
    starts, titles, _ = nearest(weighted(likes, "cosine"), config.neighbors)

    def share(done: float) -> None:
        progress("fitting each title's weights", 0.2 + 0.8 * done)

    inflation = config.dropout / (1 - config.dropout)
    values = local_ridge(likes, starts, titles, config.l2, inflation, progress=share)
    return rows_of(sparse.csr_matrix((values, titles, starts), shape=(likes.shape[1],) * 2).T)

"""A sparse linear map from a history to titles, with its prior: what neighbours, SLIM and the sparse inverse share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.decision import Requests
from matinee.errors import ArtifactRefused
from matinee.history import Histories, TrainingData
from matinee.maths.sparse_dense import add_sparse_rows, strongest_sparse
from matinee.models import storage
from matinee.models.cold_start import Prior, history_rows

Rows: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]


class MapConfig(Protocol):
    """What every config of such a scorer says: see `cold_start`."""

    @property
    def half_life(self) -> float | None:
        """In later likes; None = order is ignored."""

    @property
    def kappa(self) -> float:
        """History length at which popularity counts half."""


Config = TypeVar("Config", bound=MapConfig)


@dataclass(frozen=True)
class SparseMap:
    """score_i = sum over the history j of weight_j * B_ji, plus the prior of `cold_start`.

    `rows` are the rows of B: row j holds `values[starts[j]:starts[j + 1]]` at `titles[...]`; memory grows with them.
    """

    rows: Rows
    prior: Prior
    half_life: float | None

    @classmethod
    def fit(cls, rows: Rows, config: MapConfig, data: TrainingData, rng: np.random.Generator) -> Self:
        """Join the map with a prior fitted to its answers."""
        n = len(data.catalog)

        def part(histories: Histories) -> NDArray[np.float32]:
            out = np.zeros((len(histories), n), np.float32)
            add_sparse_rows(*history_rows(histories, n, config.half_life), *rows, out)
            return out

        return cls(rows, Prior.fit(data, rng, config.kappa, part), config.half_life)

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) sums of rows, plus the prior."""
        out = self.prior.scores(requests)
        add_sparse_rows(*self._history(requests), *self.rows, out)
        return out

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title with the largest positive term of each item's sum, or -1."""
        return strongest_sparse(*self._history(requests), *self.rows, np.ascontiguousarray(items, np.int32))

    def save(self, folder: Path, config: MapConfig) -> None:
        """Write the rows and the prior."""
        storage.write(folder, config, row_arrays(self.rows), prior_scale=self.prior.scale)
        self.prior.save(folder)

    @classmethod
    def load(cls, folder: Path, config_type: type[Config]) -> tuple[Config, Self]:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        config, arrays, extra = storage.read(folder, config_type, ROW_DTYPES, "prior_scale")
        prior = Prior.load(folder, config.kappa, extra["prior_scale"])
        return config, cls(checked_rows(arrays, prior.n_titles, prior.n_titles, folder), prior, config.half_life)

    def _history(self, requests: Requests) -> Rows:
        return history_rows(requests.histories, self.prior.n_titles, self.half_life)


ROW_DTYPES: dict[str, type[np.generic]] = {"starts": np.int64, "titles": np.int32, "values": np.float32}


def row_arrays(rows: Rows) -> dict[str, NDArray[Any]]:
    """Sparse rows under the names that they are stored by."""
    return dict(zip(ROW_DTYPES, rows, strict=True))


def checked_rows(arrays: dict[str, NDArray[Any]], n_rows: int, n_titles: int, folder: Path) -> Rows:
    """The rows out of arrays read from `folder`; raises `ArtifactRefused` when a reader of them could leave an array.

    The compiled kernels do not look where they read, so this does.
    """
    starts, titles, values = rows = arrays["starts"], arrays["titles"], arrays["values"]
    sound = (
        starts.shape == (n_rows + 1,)
        and titles.shape == values.shape == (int(starts[-1]),)
        and bool(starts[0] == 0 and (np.diff(starts) >= 0).all())
        and bool(((titles >= 0) & (titles < n_titles)).all())
    )
    if not sound:
        raise ArtifactRefused(f"{folder} has sparse rows that do not fit together; {storage.REMEDY}")
    return rows


def rows_of(matrix: sparse.sparray | sparse.spmatrix) -> Rows:
    """The rows of any sparse matrix, columns ascending, without stored zeros."""
    rows = sparse.csr_matrix(matrix, dtype=np.float32)
    rows.eliminate_zeros()
    rows.sort_indices()
    return rows.indptr.astype(np.int64), rows.indices.astype(np.int32), rows.data

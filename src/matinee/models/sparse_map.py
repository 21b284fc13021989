"""Scorers that are a sparse linear map: what neighbours, SLIM, the sparse inverse and Markov share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.decision import Progress, Requests, no_progress
from matinee.errors import ArtifactRefused, NotFitted
from matinee.history import Histories, TrainingData
from matinee.maths.sparse_dense import add_sparse_rows, compressed, strongest_sparse
from matinee.models.artifacts import storage
from matinee.models.cold_start import Prior

Rows: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]


class MapConfig(Protocol):
    """What every config of such a scorer says: see `cold_start`."""

    @property
    def kappa(self) -> float:
        """History length at which popularity counts half."""


Config = TypeVar("Config", bound=MapConfig)


class SparseMapScorer(ABC, Generic[Config]):
    """score_i = sum over the history j of weight_j * B_ji, plus the prior of `cold_start`, with a sparse B.

    A subclass names the type of its config, finds the rows of B and reads histories; scoring, reasons and storage are
    here. Memory grows with the entries of B.
    """

    config_type: ClassVar[Any]

    def __init__(self, config: Config | None = None) -> None:
        self.config: Config = self.config_type() if config is None else config
        self._fitted: tuple[Rows, Prior] | None = None

    @abstractmethod
    def find_rows(self, data: TrainingData, progress: Progress) -> Rows:
        """The rows of B: row j holds `values[starts[j]:starts[j + 1]]` at `titles[...]`."""

    @abstractmethod
    def read_histories(self, histories: Histories, n: int) -> Rows:
        """Offsets, titles below `n` and weights of what speaks in each history."""

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Find the map, and a prior fitted to its answers."""
        rows, n = self.find_rows(data, progress), len(data.catalog)

        def part(histories: Histories) -> NDArray[np.float32]:
            return self._add_part(histories, rows, np.zeros((len(histories), n), np.float32))

        self._fitted = rows, Prior.fit(data, rng, self.config.kappa, part)
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) sums of rows, plus the prior of `cold_start`."""
        rows, prior = self._state()
        return self._add_part(requests.histories, rows, prior.scores(requests))

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title with the largest positive term of each item's sum, or -1."""
        rows, prior = self._state()
        history = self.read_histories(requests.histories, prior.n_titles)
        return strongest_sparse(*history, *rows, np.ascontiguousarray(items, np.int32))

    def save(self, folder: Path) -> None:
        """Write the rows and the prior."""
        rows, prior = self._state()
        storage.write(folder, self.config, row_arrays(rows), prior_scale=prior.scale)
        prior.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        config, arrays, extra = storage.read(folder, cls.config_type, ROW_DTYPES, "prior_scale")
        scorer, prior = cls(config), Prior.load(folder, config.kappa, extra["prior_scale"])
        scorer._fitted = checked_rows(arrays, prior.n_titles, prior.n_titles, folder), prior
        return scorer

    def _add_part(self, histories: Histories, rows: Rows, out: NDArray[np.float32]) -> NDArray[np.float32]:
        add_sparse_rows(*self.read_histories(histories, out.shape[1]), *rows, out)
        return out

    def _state(self) -> tuple[Rows, Prior]:
        if self._fitted is None:
            raise NotFitted(f"{type(self).__name__} was asked before it was fitted; call fit or load first")
        return self._fitted


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
    return compressed(rows)

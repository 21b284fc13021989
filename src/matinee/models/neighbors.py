"""Item neighbours: titles liked by the same members as those of the history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Requests, Tell, quiet
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.history import Histories, TrainingData
from matinee.maths.similarity import Weighting, nearest, weighted
from matinee.maths.sparse_dense import add_sparse_rows, strongest_sparse
from matinee.models import storage
from matinee.models.cold_start import Prior, history_rows

Rows = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]


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
        self._fitted: tuple[Rows, Prior] | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, tell: Tell = quiet) -> Self:
        """Find every title's neighbours."""
        rows = nearest(weighted(data.matrix, self.config.weighting), self.config.k)
        n = len(data.catalog)

        def part(histories: Histories) -> NDArray[np.float32]:
            return self._add_part(histories, rows, np.zeros((len(histories), n), np.float32))

        self._fitted = rows, Prior.fit(data, rng, self.config.kappa, part)
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) sums of similarities, plus the prior of `cold_start`."""
        rows, prior = self._state()
        return self._add_part(requests.histories, rows, prior.scores(requests))

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title most similar to each item (weighted by recency), or -1."""
        rows, prior = self._state()
        history = history_rows(requests.histories, prior.n_titles, self.config.half_life)
        return strongest_sparse(*history, *rows, np.ascontiguousarray(items, np.int32))

    def save(self, folder: Path) -> None:
        """Write the neighbours and the prior."""
        (starts, titles, values), prior = self._state()
        arrays: dict[str, NDArray[Any]] = {"starts": starts, "titles": titles, "similarities": values}
        storage.write(folder, self.config, arrays, prior_scale=prior.scale)
        prior.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        dtypes: dict[str, type[np.generic]] = {"starts": np.int64, "titles": np.int32, "similarities": np.float32}
        config, arrays, extra = storage.read(folder, NeighborsConfig, dtypes, "prior_scale")
        scorer, prior = cls(config), Prior.load(folder, config.kappa, extra["prior_scale"])
        rows = arrays["starts"], arrays["titles"], arrays["similarities"]
        if not _consistent(rows, prior.n_titles):
            raise ArtifactRefused(f"{folder} has neighbour lists that do not fit together; {storage.REMEDY}")
        scorer._fitted = rows, prior
        return scorer

    def _add_part(self, histories: Histories, rows: Rows, out: NDArray[np.float32]) -> NDArray[np.float32]:
        add_sparse_rows(*history_rows(histories, len(rows[0]) - 1, self.config.half_life), *rows, out)
        return out

    def _state(self) -> tuple[Rows, Prior]:
        if self._fitted is None:
            raise NotFitted("neighbors were asked before they were fitted; call fit or load first")
        return self._fitted


def _consistent(rows: Rows, n: int) -> bool:
    """Whether no reader of these rows can leave an array: the compiled kernels do not look."""
    starts, titles, values = rows
    return (
        starts.shape == (n + 1,)
        and titles.shape == values.shape == (int(starts[-1]),)
        and bool(starts[0] == 0 and (np.diff(starts) >= 0).all())
        and bool(((titles >= 0) & (titles < n)).all())
    )

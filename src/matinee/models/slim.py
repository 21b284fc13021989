"""SLIM: each title predicted from the few titles that a sparse, non-negative regression picks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Requests, Tell, quiet
from matinee.errors import BadRequest, NotFitted, TooLarge
from matinee.history import TrainingData
from matinee.maths.elastic_net import nonnegative, nonnegative_among
from matinee.maths.similarity import nearest, weighted
from matinee.models.memory import available_bytes
from matinee.models.sparse_map import SparseMap, rows_of


@dataclass(frozen=True, slots=True)
class SlimConfig:
    """`l1`: in likes, more leaves fewer titles in each sum. `l2`: ridge penalty. `candidates`: how many of the most
    similar titles each sum may use; None = all, which takes titles² floats. `half_life`: in later likes, None = order
    is ignored. `kappa`: history length at which popularity counts half.
    """

    l1: float = 2.0
    l2: float = 400.0
    candidates: int | None = None
    half_life: float | None = None
    kappa: float = 3.0

    def __post_init__(self) -> None:
        for name in ("l2", "candidates", "half_life", "kappa"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadRequest(f"SLIM's {name} is {value}; give a number above 0")
        if not self.l1 >= 0:
            raise BadRequest(f"SLIM's l1 is {self.l1}; give 0 or a number above")


class Slim:
    """score_i = sum over the history of w_ji, where w_i minimises |x_i - Xw|²/2 + l1 |w| + l2 |w|²/2, w >= 0, w_ii = 0.

    Right where every score should be a sum of a few positive, nameable reasons, and the map should be small. It fails
    to learn that two titles exclude each other, which EASE's negative weights can. (Ning and Karypis 2011)
    """

    def __init__(self, config: SlimConfig = SlimConfig()) -> None:
        self.config = config
        self._fitted: SparseMap | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, tell: Tell = quiet) -> Self:
        """Fit every title's regression. Raises `TooLarge` when all titles are candidates and titles² do not fit."""
        config, likes = self.config, data.matrix

        def progress(done: float) -> None:
            tell("fitting each title's weights", done)

        if config.candidates is None:
            require_memory(likes.shape[1], available_bytes())
            weights = nonnegative(likes, config.l1, config.l2, progress=progress)
        else:
            starts, titles, _ = nearest(weighted(likes, "cosine"), config.candidates)
            weights = nonnegative_among(likes, starts, titles, config.l1, config.l2, progress=progress)
        self._fitted = SparseMap.fit(rows_of(weights.T), config, data, rng)
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) sums of weights, plus the prior of `cold_start`."""
        return self._map().score(requests)

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title with the largest weight in each item's sum, or -1."""
        return self._map().explain(requests, items)

    def save(self, folder: Path) -> None:
        """Write the weights and the prior."""
        self._map().save(folder, self.config)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        config, fitted = SparseMap.load(folder, SlimConfig)
        scorer = cls(config)
        scorer._fitted = fitted
        return scorer

    def _map(self) -> SparseMap:
        if self._fitted is None:
            raise NotFitted("SLIM was asked before it was fitted; call fit or load first")
        return self._fitted


def require_memory(titles: int, available: int) -> None:
    """Refuse a fit over all titles that would not fit into `available` bytes: the Gram matrix and rows at work."""
    needed = 5 * titles * titles
    if needed > available:
        raise TooLarge(
            f"SLIM over all of {titles:,} titles needs {needed:,} bytes and {available:,} are available; "
            "set candidates, to 200 for example, or use a larger machine"
        )

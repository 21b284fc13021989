"""EASE and EDLAE: one linear map from a history to every title, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.decision import Requests, Tell, quiet
from matinee.errors import ArtifactRefused, BadRequest, NotFitted, TooLarge
from matinee.history import Histories, TrainingData
from matinee.maths.gram import gram, inverse_by_rows, invert_upper, mirror_scaled
from matinee.maths.sparse_dense import add_rows, strongest
from matinee.models import storage
from matinee.models.cold_start import Prior, history_rows
from matinee.models.memory import available_bytes


@dataclass(frozen=True, slots=True)
class EaseConfig:
    """`l2`: ridge penalty; 200 to 1,000 suit most catalogues. `dropout`: probability that a like is hidden in training;
    0 is EASE, about 0.5 with a smaller `l2` is EDLAE. `half_life`: in later likes, None = order is ignored; about 5
    suits predicting the very next title. `kappa`: history length at which popularity counts half.
    """

    l2: float = 500.0
    dropout: float = 0.0
    half_life: float | None = None
    kappa: float = 3.0

    def __post_init__(self) -> None:
        for name in ("l2", "half_life", "kappa"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadRequest(f"EASE's {name} is {value}; give a number above 0")
        if not 0 <= self.dropout < 1:
            raise BadRequest(f"EASE's dropout is {self.dropout}; give a number from 0 to below 1")


class Ease:
    """Predict a member's likes as a weighted sum of their other likes.

    minimise |X - XB|² + l2 |B|² with a zero diagonal has the solution P = (XᵀX + l2 I)⁻¹, B_ij = -P_ij / P_jj.
    Hiding each like of the input with probability p, in the mean over all ways to hide them, adds p / (1 - p) * n_j to
    l2 for title j with n_j likes: popular titles must explain more of others before they may (EDLAE, Steck 2020).
    Right for catalogues up to some 20,000 titles with plenty of co-likes; it fails when n² floats do not fit, and it
    knows nothing of titles that nobody liked: they keep their popularity. (Steck 2019, arXiv 1905.03375)
    """

    def __init__(self, config: EaseConfig = EaseConfig()) -> None:
        self.config = config
        self._fitted: tuple[NDArray[np.float32], Prior] | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, tell: Tell = quiet, memory: int | None = None) -> Self:
        """Solve for the map, in at most 8 n² bytes. `memory`: bytes that may be used; by default what the machine has.

        Raises `TooLarge` when that is not enough.
        """
        members, titles = data.matrix.shape
        require_memory(members, titles, available_bytes() if memory is None else memory)
        weights = fit_map(data.matrix, self.config.l2, self.config.dropout)
        prior = Prior.fit(data, rng, self.config.kappa, lambda histories: self._part(histories, weights))
        self._fitted = weights, prior
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) sums of map rows over each history, plus the prior of `cold_start`."""
        weights, prior = self._state()
        return self._add_part(requests.histories, weights, prior.scores(requests))

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title with the largest positive term of each item's sum, or -1."""
        weights, _ = self._state()
        rows = history_rows(requests.histories, len(weights), self.config.half_life)
        return strongest(*rows, weights, np.ascontiguousarray(items, np.int32))

    def save(self, folder: Path) -> None:
        """Write the map and the prior."""
        weights, prior = self._state()
        storage.write(folder, self.config, {"map": weights}, prior_scale=prior.scale)
        prior.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote, the map mapped into memory; raises `ArtifactRefused` on anything else."""
        config, arrays, extra = storage.read(folder, EaseConfig, {"map": np.float32}, "prior_scale")
        scorer, weights = cls(config), arrays["map"]
        prior = Prior.load(folder, config.kappa, extra["prior_scale"])
        if weights.shape != (prior.n_titles, prior.n_titles):
            raise ArtifactRefused(f"{folder} has a map of shape {weights.shape}; {storage.REMEDY}")
        scorer._fitted = weights, prior
        return scorer

    def _part(self, histories: Histories, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._add_part(histories, weights, np.zeros((len(histories), len(weights)), np.float32))

    def _add_part(
        self, histories: Histories, weights: NDArray[np.float32], out: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        add_rows(*history_rows(histories, len(weights), self.config.half_life), weights, out)
        return out

    def _state(self) -> tuple[NDArray[np.float32], Prior]:
        if self._fitted is None:
            raise NotFitted("EASE was asked before it was fitted; call fit or load first")
        return self._fitted


def fit_map(likes: sparse.csr_matrix, l2: float, dropout: float = 0.0) -> NDArray[np.float32]:
    """EASE's map B (titles, titles) from likes (members, titles), by the cheaper of two equal ways."""
    if few_members(*likes.shape):
        counts = np.asarray(likes.power(2).sum(axis=0), np.float32).ravel()
        return mirror_scaled(inverse_by_rows(likes, penalties(counts, l2, dropout)))
    return solve(gram(likes), l2, dropout)


def solve(upper_gram: NDArray[np.float32], l2: float, dropout: float = 0.0) -> NDArray[np.float32]:
    """EASE's map B from the upper triangle of XᵀX, in place: the Gram matrix is overwritten by the result."""
    diagonal = np.diag_indices(len(upper_gram))
    upper_gram[diagonal] += penalties(upper_gram[diagonal], l2, dropout)
    return mirror_scaled(invert_upper(upper_gram))


def penalties(counts: NDArray[np.float32], l2: float, dropout: float) -> NDArray[np.float32]:
    """What is added to each title's place of the Gram diagonal, `counts` (titles,): l2 + p / (1 - p) * n_j."""
    return np.asarray(l2 + dropout / (1 - dropout) * counts, np.float32)


def few_members(members: int, titles: int) -> bool:
    """Whether a factorization of the size of the members costs less than one of the size of the titles."""
    return 2 * members <= titles


def require_memory(members: int, titles: int, available: int) -> None:
    """Refuse a solve that would not fit into `available` bytes."""
    needed = 4 * titles * (titles + (members if few_members(members, titles) else 0))
    if needed > available:
        raise TooLarge(
            f"EASE on {titles:,} titles needs {needed:,} bytes and {available:,} are available; "
            "fit on fewer titles, use the sparse inverse, factors or neighbors, or a larger machine"
        )

"""EASE with corrected targets: a linear map from what a member liked to what they would like of all titles."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from scipy import sparse

from matinee.data.exposures import Propensities
from matinee.decision import Progress, Requests, no_progress
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.history import TrainingData
from matinee.maths.arrays import Doubles, Floats, Int32s
from matinee.maths.gram import gram, touched
from matinee.models.artifacts import storage
from matinee.models.debiased.targets import DebiasConfig, targets_of
from matinee.models.linear_autoencoder import Map, require_memory
from matinee.models.memory import available_bytes


@dataclass(frozen=True, slots=True)
class DebiasedEaseConfig:
    """`l2`: ridge penalty. `debias`: how targets are corrected."""

    l2: float = 300.0
    debias: DebiasConfig = field(default_factory=DebiasConfig)

    def __post_init__(self) -> None:
        if isinstance(self.debias, dict):
            object.__setattr__(self, "debias", DebiasConfig(**self.debias))
        if not self.l2 > 0:
            raise BadRequest(f"debiased EASE's l2 is {self.l2}; give a number above 0")


class DebiasedEase:
    """score_j = rate_j + sum over the history of B_ij: EASE that learns corrected targets T instead of likes X.

    minimise |T - XB|² + l2 |B|² with a zero diagonal has the solution, P = (XᵀX + l2 I)⁻¹ and A = P XᵀT,
    B_ij = A_ij - P_ij A_jj / P_jj. T as `targets.targets_of` has them; with T = X it is EASE. Inputs are what members
    liked, as they stand: they are as biased when the model is asked as when it learns, and only targets need not be.
    Right where the log tells what was looked at in vain; without looks it is a guess from popularity. It fails where
    propensities are near 0: then the cap decides.
    """

    def __init__(
        self, config: DebiasedEaseConfig = DebiasedEaseConfig(), propensities: Propensities | None = None
    ) -> None:
        self.config = config
        self.propensities = propensities
        self._fitted: tuple[Map, Floats] | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Solve for the map; nothing in it is random. Raises `TooLarge` where it does not fit into memory."""
        members, titles = data.matrix.shape
        require_memory(members, titles, available_bytes() // 4)
        progress("correcting targets", 0.0)
        targets = targets_of(data, self.config.debias, self.propensities)
        progress("solving", 0.2)
        liked = touched(data.matrix)
        weights = solve_targets(data.matrix[:, liked], targets.residual, liked, self.config.l2)
        self._fitted = _square(weights, liked, len(data.catalog)), targets.rates.astype(np.float32)
        return self

    def score(self, requests: Requests) -> Floats:
        """(batch, titles) rates plus sums of map rows over each history."""
        solved, rates = self._state()
        out = np.tile(rates, (len(requests), 1))
        return solved.add(requests.histories, None, out)

    def explain(self, requests: Requests, items: Int32s) -> Int32s:
        """(batch, k): the history title with the largest positive term of each item's sum, or -1."""
        return self._state()[0].strongest(requests.histories, None, items)

    def save(self, folder: Path) -> None:
        """Write the map and the rates."""
        solved, rates = self._state()
        storage.write(folder, self.config, {"titles": solved.titles, "map": solved.weights, "rates": rates})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        dtypes = {"titles": np.int32, "map": np.float32, "rates": np.float32}
        config, arrays, _ = storage.read(folder, DebiasedEaseConfig, dtypes)
        titles, weights, rates = (arrays[name] for name in dtypes)
        rising = titles.ndim == rates.ndim == 1 and bool((np.diff(titles, prepend=-1, append=len(rates)) > 0).all())
        if not rising or weights.shape != (len(titles), len(titles)):
            raise ArtifactRefused(
                f"{folder} has a map of shape {weights.shape} for titles of shape {titles.shape}; {storage.REMEDY}"
            )
        scorer = cls(config)
        scorer._fitted = Map(titles, weights, len(rates)), rates
        return scorer

    def _state(self) -> tuple[Map, Floats]:
        if self._fitted is None:
            raise NotFitted("debiased EASE was asked before it was fitted; call fit or load first")
        return self._fitted


def solve_targets(inputs: sparse.csr_matrix, targets: sparse.csr_matrix, same: Int32s, l2: float) -> Doubles:
    """B (inputs, targets) of least |T - XB|² + l2 |B|²; column `same[i]` of T is input i, whose B is zero."""
    upper = gram(inputs).astype(np.float64)
    whole = upper + np.triu(upper, 1).T
    inverse = np.linalg.inv(whole + l2 * np.eye(len(whole)))
    found = inverse @ np.asarray((inputs.T.astype(np.float64) @ targets).todense())
    own = found[np.arange(len(same)), same] / np.diag(inverse)
    found[:, same] -= inverse * own
    return np.asarray(found)


def _square(weights: Doubles, liked: Int32s, n: int) -> Map:
    """The map between all titles of the catalogue; what nobody liked has no row."""
    whole = np.zeros((n, n), np.float32)
    whole[liked] = weights
    whole[np.diag_indices(n)] = 0.0
    return Map(np.arange(n, dtype=np.int32), whole, n)

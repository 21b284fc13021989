"""Factors of corrected targets: few dimensions instead of a map between all titles."""

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
from matinee.models.artifacts import storage
from matinee.models.cold_start import history_rows
from matinee.models.debiased.targets import DebiasConfig, targets_of
from matinee.models.reasons import top_reasons


@dataclass(frozen=True, slots=True)
class DebiasedFactorsConfig:
    """`size`: dimensions. `reg`: penalty, in shares of the number of members or titles. `rounds` of half steps.
    `debias`: how targets are corrected.
    """

    size: int = 16
    reg: float = 0.03
    rounds: int = 8
    debias: DebiasConfig = field(default_factory=DebiasConfig)

    def __post_init__(self) -> None:
        if isinstance(self.debias, dict):
            object.__setattr__(self, "debias", DebiasConfig(**self.debias))
        for name in ("size", "reg", "rounds"):
            if not getattr(self, name) > 0:
                raise BadRequest(f"debiased factors' {name} is {getattr(self, name)}; give a number above 0")


class DebiasedFactors:
    """score_j = rate_j + sum over the history i of v_i g_i·h_j, with factors h of corrected targets.

    h minimises sum over *all* cells of (T_ui - base_i - w_u·h_i)² + reg (titles |w_u|² + members |h_i|²), T as
    `targets.targets_of` has them: cells that nobody saw count as base, not as dislikes. A member is folded in from what
    they liked: g_i = (HᵀH + reg titles I)⁻¹ h_i, v_i = the mean weight of the title's looks * (1 - base_i). Right and
    wrong where `DebiasedEase` is, for catalogues that are too large for its map.
    """

    def __init__(
        self, config: DebiasedFactorsConfig = DebiasedFactorsConfig(), propensities: Propensities | None = None
    ) -> None:
        self.config = config
        self.propensities = propensities
        self._fitted: tuple[Floats, Floats, Floats] | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Half steps from a random start, each exact."""
        progress("correcting targets", 0.0)
        targets = targets_of(data, self.config.debias, self.propensities)
        progress("half steps", 0.3)
        factors = fit_factors(targets.residual, self.config, rng)
        inverse = _inverse(factors, self.config.reg)
        pulls = (targets.weights * (1 - targets.base))[:, None] * (factors @ inverse)
        self._fitted = tuple(one.astype(np.float32) for one in (pulls, factors, targets.rates))  # type: ignore[assignment]
        return self

    def score(self, requests: Requests) -> Floats:
        """(batch, titles) rates plus the part of the member's point."""
        pulls, factors, rates = self._state()
        offsets, items, weights = history_rows(requests.histories, len(rates))
        likes = sparse.csr_matrix((weights, items, offsets), (len(requests), len(rates)), copy=True)
        return np.asarray(rates + (likes @ pulls) @ factors.T, np.float32)

    def explain(self, requests: Requests, items: Int32s) -> Int32s:
        """(batch, k): the history title whose part of the member's point adds most to each score, if it adds."""
        pulls, factors, rates = self._state()
        offsets, seen, weights = history_rows(requests.histories, len(rates))

        def told(b: int, asked: Int32s) -> tuple[Int32s, Floats]:
            mine = slice(offsets[b], offsets[b + 1])
            return seen[mine], factors[asked] @ (pulls[seen[mine]] * weights[mine, None]).T

        return top_reasons(items, (items >= 0) & (items < len(rates)), told)

    @property
    def title_vectors(self) -> Floats:
        """(titles, size) h, for an index of titles."""
        return self._state()[1]

    def save(self, folder: Path) -> None:
        """Write what is added by a like, the factors and the rates."""
        pulls, factors, rates = self._state()
        storage.write(folder, self.config, {"pulls": pulls, "factors": factors, "rates": rates})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        dtypes = {"pulls": np.float32, "factors": np.float32, "rates": np.float32}
        config, arrays, _ = storage.read(folder, DebiasedFactorsConfig, dtypes)
        pulls, factors, rates = (arrays[name] for name in dtypes)
        if not (rates.ndim == 1 and pulls.shape == factors.shape == (len(rates), config.size)):
            raise ArtifactRefused(
                f"{folder} has factors of shapes {pulls.shape} and {factors.shape} for rates of {rates.shape}; "
                f"{storage.REMEDY}"
            )
        scorer = cls(config)
        scorer._fitted = pulls, factors, rates
        return scorer

    def _state(self) -> tuple[Floats, Floats, Floats]:
        if self._fitted is None:
            raise NotFitted("debiased factors were asked before they were fitted; call fit or load first")
        return self._fitted


def fit_factors(residual: sparse.csr_matrix, config: DebiasedFactorsConfig, rng: np.random.Generator) -> Doubles:
    """H (titles, size) of least |R - W Hᵀ|² + reg (titles |W|² + members |H|²), by `config.rounds` of half steps."""
    members, titles = residual.shape
    factors: Doubles = rng.normal(0.0, 0.1, (titles, config.size))
    across = residual.T.tocsr()
    for _ in range(config.rounds):
        points = (residual @ factors) @ _inverse(factors, config.reg)
        gram = points.T @ points + config.reg * max(members, 1) * np.eye(config.size)
        factors = (across @ points) @ np.linalg.inv(gram)
    return factors


def _inverse(factors: Doubles, reg: float) -> Doubles:
    """(size, size) (HᵀH + reg titles I)⁻¹."""
    size = factors.shape[1]
    return np.linalg.inv(factors.T @ factors + reg * len(factors) * np.eye(size))

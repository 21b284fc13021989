"""Targets corrected for what was shown: weighted likes, or doubly robust."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import sparse

from matinee.data.exposures import Exposures, Propensities, by_counts, by_popularity, exposures_of
from matinee.errors import BadRequest
from matinee.history import TrainingData
from matinee.maths.arrays import Doubles
from matinee.maths.propensities import Norm, Weighing, inverse

SHRINK = 10.0  # looks that the rate of all titles counts as


class Correction(StrEnum):
    """How targets are corrected."""

    IPS = "ips"
    DOUBLY_ROBUST = "doubly-robust"


@dataclass(frozen=True, slots=True)
class DebiasConfig:
    """`correction`, `cap` of the weights 1 / propensity (less variance, more bias) and `norm`, what they are divided
    by. A cap of 1 makes all weights equal.
    """

    correction: Correction = Correction.DOUBLY_ROBUST
    cap: float = 5.0
    norm: Norm = Norm.NONE

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "correction", Correction(self.correction))
        except ValueError as error:
            known = [str(one) for one in Correction]
            raise BadRequest(f"{self.correction!r} is no correction; give one of {known}") from error
        object.__setattr__(self, "norm", self.weighing.norm)

    @property
    def weighing(self) -> Weighing:
        """Cap and norm."""
        return Weighing(self.cap, self.norm)


@dataclass(frozen=True)
class Targets:
    """What a model learns instead of likes: T = 1 baseᵀ + `residual`, with E[T] = what members like of all titles.

    residual  (members, titles), an entry a pair that met: weight * (liked - base)
    base      (titles,) the share of looks that were liked; zeros where targets are weighted likes
    rates     (titles,) what is believed of a member without history
    weights   (titles,) mean weight of each title's pairs, 1 where it has none
    """

    residual: sparse.csr_matrix
    base: Doubles
    rates: Doubles
    weights: Doubles


def targets_of(data: TrainingData, config: DebiasConfig, propensities: Propensities | None = None) -> Targets:
    """The corrected targets of training data.

        IPS            T_ui = w_ui y_ui                             w = min(1 / propensity, cap) where seen, else 0
        doubly robust  T_ui = base_i + w_ui (y_ui - base_i)

    base_i = (likes_i + SHRINK * likes / looks) / (looks_i + SHRINK). Where the log tells of no look in vain, nobody
    knows what was seen: targets are weighted likes, and propensities, unless given, a power of popularity.
    Sources: Saito et al. 2020 (arXiv 1909.03601) for weighted likes; Wang et al. 2019 for the doubly robust.
    """
    met = exposures_of(data)
    propensities = propensities or (by_counts if met.in_vain else by_popularity())
    robust = config.correction is Correction.DOUBLY_ROBUST and met.in_vain
    weights = inverse(propensities(data, met), config.weighing)
    looks, likes, weighed, sums = _counts(met, weights)
    overall = likes.sum() / max(looks.sum(), 1)
    rate = (likes + SHRINK * overall) / (looks + SHRINK)
    base = rate if robust else np.zeros(len(rate))
    residual = sparse.csr_matrix((weights * (met.liked - base[met.titles]), (met.members, met.titles)), met.shape)
    means = np.divide(sums, looks, out=np.ones(len(looks)), where=looks > 0)
    return Targets(residual, base, rate if met.in_vain else weighed / max(met.shape[0], 1), means)


def _counts(met: Exposures, weights: Doubles) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Looks, likes, weights of likes and weights of looks, each (titles,)."""
    n = met.shape[1]
    liked = met.liked.astype(np.float64)
    each = (None, liked, weights * liked, weights)
    looks, likes, weighed, sums = (np.bincount(met.titles, one, n).astype(np.float64) for one in each)
    return looks, likes, weighed, sums

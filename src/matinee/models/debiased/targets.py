"""Targets corrected for what was shown: weighted likes, or doubly robust."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import sparse

from matinee.data.exposures import Exposures, Propensities, by_default, exposures_of
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
class Weighed:
    """What `met` whom, and the `weights` (pairs,) of it. `looks`: whether the log tells of looks in vain; where it does
    not, nobody knows what was seen and not liked.
    """

    met: Exposures
    weights: Doubles

    @property
    def looks(self) -> bool:
        """Whether dislikes are known, or at least that nothing came of a look."""
        return self.met.in_vain

    @property
    def of_titles(self) -> Doubles:
        """(titles,) the mean weight of each title's pairs, 1 where it has none."""
        n = self.met.shape[1]
        sums, counts = np.bincount(self.met.titles, self.weights, n), np.bincount(self.met.titles, minlength=n)
        return np.divide(sums, counts, out=np.ones(n), where=counts > 0)


def weighed(data: TrainingData, config: DebiasConfig, propensities: Propensities | None = None) -> Weighed:
    """Every pair that met, weighed. Propensities, unless given, are estimated: from counts of looks, or from
    popularity where the log tells of no look in vain.
    """
    met = exposures_of(data)
    return Weighed(met, inverse((propensities or by_default)(data, met), config.weighing))


@dataclass(frozen=True)
class Targets:
    """What a model learns instead of likes: T = 1 baseᵀ + `residual`, with E[T] = what members like of all titles.

    residual  (members, titles), an entry a pair that met: weight * (liked - base)
    base      (titles,) the share of looks that were liked; zeros where targets are weighted likes
    rates     (titles,) what is believed of a member without history
    """

    residual: sparse.csr_matrix
    base: Doubles
    rates: Doubles


def targets_of(data: TrainingData, config: DebiasConfig, propensities: Propensities | None = None) -> Targets:
    """The corrected targets of training data.

        IPS            T_ui = w_ui y_ui                             w = min(1 / propensity, cap) where seen, else 0
        doubly robust  T_ui = base_i + w_ui (y_ui - base_i)

    base_i = (likes_i + SHRINK * likes / looks) / (looks_i + SHRINK). Where the log tells of no look in vain, targets
    are weighted likes. Sources: Saito et al. 2020 (arXiv 1909.03601) for weighted likes; Wang et al. 2019 for the
    doubly robust.
    """
    each = weighed(data, config, propensities)
    met, weights = each.met, each.weights
    (members, n), liked = met.shape, met.liked.astype(np.float64)
    looks, likes, sums = (np.bincount(met.titles, one, n) for one in (np.ones(len(liked)), liked, weights * liked))
    rate = (likes + SHRINK * likes.sum() / max(looks.sum(), 1)) / (looks + SHRINK)
    robust = each.looks and config.correction is Correction.DOUBLY_ROBUST
    base = rate if robust else np.zeros(n)
    residual = sparse.csr_matrix((weights * (liked - base[met.titles]), (met.members, met.titles)), met.shape)
    return Targets(residual, base, rate if each.looks else sums / max(members, 1))

"""Propensities: how likely each thing was seen at all, estimated in several ways, and the weights out of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Int64s

STEPS = 200  # of Newton's method for `logistic`
SMALL = 1e-9


class Norm(StrEnum):
    """What the weights of a data set are divided by: nothing, or their mean."""

    NONE = "none"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Weighing:
    """`cap`: no weight is larger, which trades variance for bias. `norm`: whether their mean is 1."""

    cap: float = 20.0
    norm: Norm = Norm.MEAN

    def __post_init__(self) -> None:
        if not self.cap >= 1:
            raise BadRequest(f"the cap of weights is {self.cap}; give a number from 1")
        try:
            object.__setattr__(self, "norm", Norm(self.norm))
        except ValueError as error:
            raise BadRequest(f"weights are divided by {self.norm!r}; give one of {[str(n) for n in Norm]}") from error


def inverse(propensities: Doubles, how: Weighing = Weighing()) -> Doubles:
    """min(1 / p, cap), over its mean where `how` says so; any shape.

    Capped weights give up bias for variance (Ionides 2008); a mean of 1 leaves penalties as they were tuned.
    """
    assert ((propensities > 0) & (propensities <= 1)).all(), "propensities lie in (0, 1]"
    weights = np.minimum(1 / propensities, how.cap)
    return np.asarray(weights / weights.mean() if how.norm is Norm.MEAN and weights.size else weights)


def popularity_power(counts: Int64s, power: float = 0.5) -> Doubles:
    """(titles,) (n_i / max n)^power; titles that nobody had count as seen once.

    Source: Saito et al. 2020 (arXiv 1909.03601), with power 1/2.
    """
    assert counts.ndim == 1, f"counts {counts.shape}"
    if not power >= 0:
        raise BadRequest(f"the power of popularity is {power}; give 0 or more")
    most = max(int(counts.max(initial=0)), 1)
    return np.asarray((np.maximum(counts, 1) / most) ** power)


def naive_bayes(observed: Int64s, at_random: Int64s, cells: int) -> Doubles:
    """(values,) P(seen | value) = P(value | seen) P(seen) / P(value), within (0, 1].

    `observed` (values,): how often each value was given where members chose; `at_random` (values,): the same where
    chance chose, each counted once more (Laplace). P(seen) = sum of `observed` / `cells`.
    Source: Schnabel et al. 2016 (arXiv 1602.05352), section 5.
    """
    assert observed.shape == at_random.shape, f"{observed.shape} and {at_random.shape}"
    if not at_random.sum():
        raise BadRequest("naive Bayes needs some values that chance chose; give a slice of them")
    given = (observed + SMALL) / (observed.sum() + SMALL * len(observed))
    anyway = (at_random + 1) / (at_random.sum() + len(at_random))
    return np.asarray(np.clip(given * (observed.sum() / cells) / anyway, SMALL, 1.0))


def logistic(by_member: Int64s, by_title: Int64s, ridge: float = 0.01) -> tuple[Doubles, Doubles]:
    """The b (members,) and c (titles,) of P(member saw title) = 1 / (1 + e^-(b + c)), of greatest penalised likelihood.

    Counts are all that it needs: how many titles each member saw, and how many members each title. The optimum makes
    both sums come out, but for the ridge. Members of one count share their b, titles of one count their c, so the work
    grows with distinct counts. Newton's steps, in turn. Source: Rasch 1960.
    """
    members, titles = len(by_member), len(by_title)
    assert by_member.sum() == by_title.sum(), f"{by_member.sum()} and {by_title.sum()} are sums of the same matrix"
    lows, of_member, alike = np.unique(by_member, return_inverse=True, return_counts=True)
    kinds, of_title, equal = np.unique(by_title, return_inverse=True, return_counts=True)
    share = np.clip(by_member.sum() / (members * titles), SMALL, 1 - SMALL)
    b, c = np.full(len(lows), np.log(share / (1 - share))), np.zeros(len(kinds))
    for _ in range(STEPS):
        before = b, c
        b = _step(b, c, lows, equal, ridge, np.log(share / (1 - share)))
        c = _step(c, b, kinds, alike, ridge, 0.0)
        if max(np.abs(b - before[0]).max(initial=0.0), np.abs(c - before[1]).max(initial=0.0)) < SMALL:
            break
    return b[of_member], c[of_title]


def _step(own: Doubles, other: Doubles, counts: Int64s, alike: Int64s, ridge: float, centre: float) -> Doubles:
    """One bounded Newton step of each of `own`; `other` stand for `alike` many each."""
    chances = 1 / (1 + np.exp(-(own[:, None] + other[None, :])))
    slope = counts - chances @ alike - ridge * (own - centre)
    return np.asarray(own + np.clip(slope / ((chances * (1 - chances)) @ alike + ridge), -2.0, 2.0))


def of_ratio(shown: Int64s, sought: Int64s, prior: float = 10.0, least: float = 0.01) -> Doubles:
    """(titles,) exposure in proportion to plays where titles are shown over plays where members look by themselves.

    ratio_i = (shown_i + prior * s) / (sought_i + prior), s the ratio of the totals, so that a title that nobody looked
    for has the ratio of all; divided by the largest and at least `least`. It is known up to a factor only. It takes for
    granted that members look for titles as much as they want them; they look for known titles more.
    """
    assert shown.shape == sought.shape, f"{shown.shape} and {sought.shape}"
    if not sought.sum():
        raise BadRequest("no play came from search or a link; exposure cannot be told from them")
    overall = shown.sum() / sought.sum()
    ratio = (shown + prior * overall) / (sought + prior)
    most = ratio.max(initial=0.0)
    return np.clip(ratio / most, least, 1.0) if most > 0 else np.ones(len(shown))

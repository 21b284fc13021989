"""The mean error of predictions when members chose what to rate: estimators, each with its values a cell.

Every cell (member, title) has an error; it is known only where the member rated, which happened with the `propensity`
of that cell. All estimate the mean over all cells. Source: Schnabel et al. 2016 (arXiv 1602.05352), section 3.
"""

from __future__ import annotations

from matinee.maths.arrays import Doubles


def naive(errors: Doubles) -> float:
    """The mean over what was rated: wrong where members rate what they like."""
    assert len(errors), "there is no rating"
    return float(errors.mean())


def ips(errors: Doubles, propensities: Doubles, cells: int) -> float:
    """sum(error / propensity) / cells: right in the mean where the propensities are."""
    assert errors.shape == propensities.shape, f"{errors.shape} and {propensities.shape}"
    return float((errors / propensities).sum() / cells)


def snips(errors: Doubles, propensities: Doubles) -> float:
    """sum(error / propensity) / sum(1 / propensity): a little wrong, and varies less."""
    assert errors.shape == propensities.shape, f"{errors.shape} and {propensities.shape}"
    return float((errors / propensities).sum() / (1 / propensities).sum())


def doubly_robust(errors: Doubles, propensities: Doubles, believed: Doubles, everywhere: float, cells: int) -> float:
    """What a model believes of all cells, corrected: everywhere + sum((error - believed) / propensity) / cells.

    `believed` (ratings,) is what a model says of the error of each rated cell, `everywhere` its mean over all cells.
    Right in the mean where either the propensities or what is believed are.
    Source: Wang et al. 2019, "Doubly robust joint learning for recommendation on data missing not at random".
    """
    assert errors.shape == propensities.shape == believed.shape, "one of each a rating"
    return everywhere + float(((errors - believed) / propensities).sum() / cells)

"""The best rating of a file: what its values are out of, where they tell it surely."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.errors import BadData
from matinee.maths.arrays import Doubles

SCALES = (1.0, 5.0, 10.0, 100.0)
ENOUGH = 20  # ratings from which a scale can be told
WILD = 0.01  # share of values beyond a scale that are taken for slips, and counted
CONTRADICTION = 0.1  # share of values beyond the known best from which on they are no slips
BEYOND = 0.05  # share of values that must lie beyond the next smaller scale


def best_of(values: Doubles) -> float:
    """The smallest of `SCALES` that holds all ratings but a few slips, where they leave no doubt.

    They do when there are `ENOUGH`, the best rating occurs among them, and `BEYOND` of them are above the next smaller
    scale. Raises `BadData` otherwise: a day of a five-star log that holds only ones looks like a scale of 1.
    """
    best = next((scale for scale in SCALES if (values > scale).mean() <= WILD), None)
    doubt = _doubt(values, best)
    if doubt or best is None:
        raise BadData(f"{doubt}; say what the best rating is, for example with --best 5 (in Python best=5)")
    return best


def require_best(best: float | None) -> None:
    """Raise `BadData` where the best rating that was said is no number above 0; None was not said."""
    if best is not None and not (isinstance(best, int | float) and np.isfinite(best) and best > 0):
        raise BadData(f"the best rating is {best!r}; give a number above 0, such as 5 for stars")


def require_fit(values: Doubles, best: float) -> None:
    """Raise `BadData` where too many ratings lie above the best that is known to be slips."""
    beyond = values > best
    if beyond.any() and beyond.mean() > CONTRADICTION:
        raise BadData(
            f"{beyond.sum():,} of {len(values):,} ratings, such as {values[beyond][0]:g}, are above the best rating "
            f"{best:g}; say what the best rating of this file is with --best"
        )


def _doubt(values: Doubles, best: float | None) -> str:
    """Why the scale is not sure; "" where it is."""
    if best is None:
        return f"ratings such as {values.max():g} are on no known scale"
    if len(values) < ENOUGH:
        return f"too few ratings to tell what they are out of: {len(values):,}, up to {values.max():g}"
    if not (values == best).any():
        return f"the ratings reach {values[values <= best].max():g} and do not tell what they are out of"
    below = max((scale for scale in SCALES if scale < best), default=0.0)
    few = values[(values > below) & (values <= best)]
    if best > 1 and len(few) < BEYOND * len(values):
        return (
            f"{len(few):,} of {len(values):,} ratings, such as {few[0]:g}, are above {below:g} and the others are not"
        )
    if best == 1 and _may_be_stars(values):
        return "the ratings are all 1 or less and may be of a larger scale"
    return ""


def _may_be_stars(values: Doubles) -> bool:
    """Whether values up to 1 may be whole or half stars: none is 0, none lies between."""
    return bool((values > 0).all() and np.isin(values, (0.5, 1.0)).all())


def share_scale(values: Doubles, scales: Sequence[float]) -> float:
    """What shares watched are out of: the smallest of the scales that nearly all fit, else the largest."""
    top = float(np.quantile(values, 0.999, method="nearest"))
    return next((scale for scale in scales if top <= scale), scales[-1])

"""Uplift: what sending adds against silence, from a log of sends drawn with known probabilities.

Kennedy 2023 ("Towards optimal doubly robust estimation of heterogeneous causal effects"), Radcliffe
2007 (Qini).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matinee.maths.arrays import Doubles, Flags


class Level(NamedTuple):
    """Who is worth a message: those of more than `price` for sure, those of just that much with
    chance `at_price`.
    """

    price: float
    at_price: float

    def chances(self, values: Doubles) -> Doubles:
        """P(sent) of each value, of their shape."""
        return np.where(values > self.price, 1.0, np.where(values == self.price, self.at_price, 0.0))


def level_of(values: Doubles, budget: float) -> Level:
    """The level at which the sends expected of `values` (n,) are `budget`, or fewer: nothing is
    worth less than 0.

    The water level of a budget: its price is the largest value that cannot be afforded in full.
    """
    assert values.ndim == 1, f"values {values.shape}"
    falling = -np.sort(-values[values > 0])
    afforded = int(max(budget, 0.0))
    if afforded >= len(falling):
        return Level(0.0, 0.0)
    price = float(falling[afforded])
    above, equal = np.count_nonzero(falling > price), np.count_nonzero(falling == price)
    return Level(price, float((budget - above) / equal))


def pseudo_effects(sent: Flags, chance: Doubles, outcome: Doubles, silent: Doubles, written: Doubles) -> Doubles:
    """(n,) an effect of each decision whose mean given what is known of it is the true one, right
    or wrong the models.

    With T = `sent`, e = `chance` of sending, in (0, 1), y = `outcome`, and m0 = `silent`, m1 =
    `written` what models that have not seen it expect of silence and of a message:

        m1 - m0 + T (y - m1) / e - (1 - T) (y - m0) / (1 - e)

    The variance grows as 1 / e and 1 / (1 - e).
    """
    shapes = {one.shape for one in (sent, chance, outcome, silent, written)}
    assert len(shapes) == 1, f"the shapes {shapes} differ"
    assert ((chance > 0) & (chance < 1)).all(), "a decision that was certain tells no effect"
    return written - silent + np.where(sent, (outcome - written) / chance, (silent - outcome) / (1.0 - chance))


def hats(values: Doubles, knots: Doubles) -> Doubles:
    """(n, knots) how near each value is to each knot: piecewise linear, rows sum to 1, ends go on
    level.

    A linear model of them is any function that is linear between the knots. Knots ascend and
    differ.
    """
    assert (np.diff(knots) > 0).all(), f"knots {knots} do not ascend"
    corners = np.eye(len(knots))
    return np.stack([np.interp(values, knots, corner) for corner in corners], axis=-1)


def qini(values: Doubles, sent: Flags, chance: Doubles, outcome: Doubles) -> Doubles:
    """(n + 1,) the effect, in outcomes a decision of all, of writing to the first k by falling
    `values`, k = 0..n.

    Each decision counts y T / e - y (1 - T) / (1 - e). The last is the effect of writing to
    everybody.
    """
    assert values.shape == sent.shape == chance.shape == outcome.shape, f"{values.shape}, {sent.shape}"
    each = np.where(sent, outcome / chance, -outcome / (1.0 - chance))
    order = np.argsort(-values, kind="stable")
    return np.append(0.0, np.cumsum(each[order])) / len(values)


def qini_coefficient(curve: Doubles) -> float:
    """The area between a `qini` curve and the line to its end: 0 for an order by chance."""
    shares = np.linspace(0.0, 1.0, len(curve))
    return float(np.trapezoid(curve - shares * curve[-1], shares))

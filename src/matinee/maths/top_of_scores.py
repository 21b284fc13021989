"""P(an ordered list holds the largest of independent random scores): what Thompson sampling of a list chooses with.

With scores X_a of densities f_a and distribution functions F_a, the list a_1, ..., a_j is the top of all when
X_a1 > ... > X_aj > all others:

    P(a_1 ... a_j) = ∫ D_j(x) ∏_{b not listed} F_b(x) dx,   D_1 = f_a1,   D_j(x) = f_aj(x) ∫_x^∞ D_{j-1},

so that one pass over the list gives all its beginnings. Integrals are taken by the Gauss-Legendre rule on panels no
wider than `PANEL` times the least deviation of the scores that reach into them, running ones by the integral of the
polynomial through a panel's nodes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matinee.maths.arrays import Doubles, Int32s

PANEL = 0.5  # deviations: twelve places among equals come to 4e-7 of the truth
POINTS = 8  # nodes of a panel
TINY = 1e-300
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(POINTS)
_BASIS = np.linalg.inv(np.vander(_NODES, increasing=True))  # (power, node): the polynomial that is 1 at one node
_POWERS = np.arange(1, POINTS + 1)
_AHEAD = ((1.0 - _NODES[:, None] ** _POWERS) / _POWERS) @ _BASIS  # ∫ from a node to the panel's end


class Grid(NamedTuple):
    """Panels of `widths` (panels,), and their `nodes` (panels * POINTS,) in rising order."""

    nodes: Doubles
    widths: Doubles

    @classmethod
    def over(cls, lows: Doubles, highs: Doubles, deviations: Doubles) -> Grid:
        """For scores (k,) that lie between `lows` and `highs`, of these standard deviations."""
        edges, end = [float(lows.min())], float(highs.max())
        while edges[-1] < end:
            at = edges[-1]
            ahead = highs > at
            width = np.maximum(lows[ahead] - at, 0.0) + PANEL * deviations[ahead]
            edges.append(min(at + float(width.min()), end))
        starts, widths = np.array(edges[:-1]), np.diff(edges)
        return cls((starts[:, None] + widths[:, None] * (1.0 + _NODES) / 2.0).ravel(), widths)

    def integral(self, values: Doubles) -> Doubles:
        """(...) of functions given at the nodes (..., nodes)."""
        return np.asarray((values.reshape(*values.shape[:-1], -1, POINTS) @ _WEIGHTS) @ self.widths / 2.0)

    def from_above(self, values: Doubles) -> Doubles:
        """(..., nodes) the integrals from each node to the end."""
        panels = values.reshape(*values.shape[:-1], -1, POINTS)
        whole = (panels @ _WEIGHTS) * self.widths / 2.0
        after = np.append(whole[..., 1:], np.zeros((*whole.shape[:-1], 1)), axis=-1)[..., ::-1].cumsum(axis=-1)[
            ..., ::-1
        ]
        ahead = (panels @ _AHEAD.T) * self.widths[:, None] / 2.0
        return np.maximum((after[..., None] + ahead).reshape(values.shape), 0.0)


def beginnings(grid: Grid, densities: Doubles, below: Doubles, lists: Int32s) -> Doubles:
    """(n, k) the probability of the first, first two, ... of each of `lists` (n, k), places all different among the
    scores, of which `densities` and `below` = F are given at the grid's nodes, each (scores, nodes).
    """
    assert densities.shape == below.shape, f"densities {densities.shape}, below {below.shape}"
    logs = np.log(np.maximum(below, TINY))
    others = np.broadcast_to(logs.sum(axis=0), (len(lists), len(grid.nodes)))
    found, above = np.empty(lists.shape), np.ones(())
    for j in range(lists.shape[1]):
        listed = densities[lists[:, j]] * above
        others = others - logs[lists[:, j]]
        found[:, j] = grid.integral(listed * np.exp(others))
        above = grid.from_above(listed)
    return found

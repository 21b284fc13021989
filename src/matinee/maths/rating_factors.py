"""Factors of ratings that members chose to give: least squares, naive, weighted, or doubly robust.

    f_ui = mean + b_u + c_i + p_u·q_i

minimises the sum over rated cells of w_ui (y_ui - f_ui)², plus penalties; or, doubly robust, over *all* cells that of
(t_ui - f_ui)² with t_ui = m_ui + w_ui (y_ui - m_ui) where rated and m_ui elsewhere, m a model of the ratings. But for
what is constant in f, that is the doubly robust estimate of f's squared error: right where w = 1 / propensity or m is.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.maths.ragged import offsets_of

AT_ONCE = 4_096  # rows whose equations are in memory at one time


class Ratings(NamedTuple):
    """Who rated what how: `members`, `titles` and `values`, each (ratings,), out of `shape` (members, titles)."""

    members: Int32s
    titles: Int32s
    values: Doubles
    shape: tuple[int, int]

    def take(self, which: Int64s) -> Ratings:
        """These ratings, in this order."""
        return Ratings(self.members[which], self.titles[which], self.values[which], self.shape)

    @property
    def cells(self) -> int:
        """Number of cells, rated or not."""
        return self.shape[0] * self.shape[1]


class Plane(NamedTuple):
    """f = left rightᵀ: `left` (members, size + 2) = mean + b_u, 1, p_u and `right` (titles, size + 2) = 1, c_i, q_i."""

    left: Doubles
    right: Doubles

    def at(self, members: Int32s, titles: Int32s) -> Doubles:
        """(n,) f of these cells."""
        return np.asarray(np.einsum("nd,nd->n", self.left[members], self.right[titles]))


class Fit(NamedTuple):
    """`size` of p and q; `reg`: penalty, in shares of the mean weight of a row; `rounds` over members and titles."""

    size: int = 8
    reg: float = 0.1
    rounds: int = 12


def fit_ratings(
    ratings: Ratings,
    weights: Doubles,
    fit: Fit,
    rng: np.random.Generator,
    believed: Plane | None = None,
    total: float | None = None,
) -> Plane:
    """The plane of least loss, from a random start by half steps, each exact.

    `weights` (ratings,); `believed` m makes it doubly robust. `total` is the weight that penalties are shares of: by
    default the sum of the weights, as the self-normalised estimate divides; IPS divides by the number of cells.
    """
    assert weights.shape == ratings.values.shape, f"weights {weights.shape}"
    total = float(weights.sum()) if total is None else total
    total = float(ratings.cells) if believed is not None else total
    mean, (members, titles) = _mean(ratings, weights, believed), ratings.shape
    left = np.zeros((members, fit.size + 2))
    right = np.zeros((titles, fit.size + 2))
    left[:, 0], left[:, 1], right[:, 0] = mean, 1.0, 1.0
    right[:, 2:] = rng.normal(0.0, 0.1, (titles, fit.size))
    by_member = _Side.of(ratings.members, ratings.titles, ratings.values, weights, members)
    by_title = _Side.of(ratings.titles, ratings.members, ratings.values, weights, titles)
    turned = None if believed is None else Plane(believed.right, believed.left)
    for _ in range(fit.rounds):
        found = _half(by_member, right, 0, right[:, 1] + mean, fit.reg * total / members, believed)
        left[:, 0], left[:, 2:] = mean + found[:, 0], found[:, 1:]
        found = _half(by_title, left, 1, left[:, 0], fit.reg * total / titles, turned)
        right[:, 1:] = found
    return Plane(left, right)


def fold_in(
    starts: Int64s, columns: Int32s, values: Doubles, weights: Doubles, right: Doubles, mean: float, ridge: float
) -> Doubles:
    """(rows, size + 2) the left side of rows that rated `columns`, each exact; row r has `starts[r]:starts[r + 1]`."""
    assert columns.shape == values.shape == weights.shape, f"{columns.shape}, {values.shape}, {weights.shape}"
    assert starts[-1] == len(columns), f"starts end at {starts[-1]} of {len(columns)} ratings"
    design = np.ascontiguousarray(np.concatenate([right[:, :1], right[:, 2:]], axis=1))
    found = np.empty((len(starts) - 1, design.shape[1]))
    _weighted(starts, columns, values - mean - right[columns, 1], weights, design, ridge, found)
    return np.concatenate([mean + found[:, :1], np.ones((len(found), 1)), found[:, 1:]], axis=1)


def _mean(ratings: Ratings, weights: Doubles, believed: Plane | None) -> float:
    """The weighted mean, or that of t over all cells."""
    if believed is None:
        return float(np.average(ratings.values, weights=weights))
    surprise = weights @ (ratings.values - believed.at(ratings.members, ratings.titles))
    return float(believed.left.mean(axis=0) @ believed.right.mean(axis=0) + surprise / ratings.cells)


class _Side(NamedTuple):
    """Ratings by row: row r has those of `starts[r]:starts[r + 1]`."""

    starts: Int64s
    columns: Int32s
    values: Doubles
    weights: Doubles

    @classmethod
    def of(cls, rows: Int32s, columns: Int32s, values: Doubles, weights: Doubles, n: int) -> _Side:
        order = np.argsort(rows, kind="stable")
        starts = offsets_of(np.bincount(rows, minlength=n))
        return cls(starts, columns[order], values[order], weights[order])


def _half(side: _Side, other: Doubles, one: int, offset: Doubles, ridge: float, believed: Plane | None) -> Doubles:
    """(rows, size + 1) what goes with the column of ones `one` of `other`, and with its factors."""
    design = np.ascontiguousarray(np.concatenate([other[:, one : one + 1], other[:, 2:]], axis=1))
    rows, d = len(side.starts) - 1, design.shape[1]
    found = np.empty((rows, d))
    if believed is None:
        _weighted(side.starts, side.columns, side.values - offset[side.columns], side.weights, design, ridge, found)
        return found
    own = np.repeat(np.arange(rows), np.diff(side.starts)).astype(np.int32)
    surprise = side.weights * (side.values - believed.at(own, side.columns))
    right = believed.left @ (believed.right.T @ design) - offset @ design
    for k in range(d):
        right[:, k] += np.bincount(own, surprise * design[side.columns, k], rows)
    return np.linalg.solve(design.T @ design + ridge * np.eye(d), right.T).T


def _weighted(
    starts: Int64s, columns: Int32s, targets: Doubles, weights: Doubles, design: Doubles, ridge: float, found: Doubles
) -> None:
    """Ridge regression of each row's targets on the design of its columns, some rows at a time."""
    d = design.shape[1]
    for first in range(0, len(found), AT_ONCE):
        last = min(first + AT_ONCE, len(found))
        systems, sides = np.zeros((last - first, d, d)), np.zeros((last - first, d))
        systems[:] = ridge * np.eye(d)
        _add_rows(starts[first : last + 1], columns, targets, weights, design, systems, sides)
        found[first:last] = np.linalg.solve(systems, sides[:, :, None])[:, :, 0]


@numba.njit(cache=True, nogil=True)
def _add_rows(
    starts: Int64s,
    columns: Int32s,
    targets: Doubles,
    weights: Doubles,
    design: Doubles,
    systems: Doubles,
    sides: Doubles,
) -> None:
    """Add each row's normal equations."""
    d = design.shape[1]
    for row in range(len(starts) - 1):
        for at in range(starts[row], starts[row + 1]):
            x, w = design[columns[at]], weights[at]
            for j in range(d):
                sides[row, j] += w * targets[at] * x[j]
                for k in range(d):
                    systems[row, j, k] += w * x[j] * x[k]

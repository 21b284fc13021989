"""A linear blend of several scorers' answers, its weights learned from what members chose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from matinee.models.ranking.trees import Lists

START = 1.0  # sum of the weights where nothing is known


def fit_blend(lists: Lists, columns: int, ridge: float) -> NDArray[np.float64]:
    """Weights w >= 0 of the first `columns` features, (columns,).

    Minimises -sum over relevant rows of log softmax(z w) within their list + ridge |w - w0|² with w0 = START / columns:
    the conditional logit of McFadden 1974, in which every list is a choice. Without lists it is w0.
    """
    start = np.full(columns, START / max(columns, 1))
    if not len(lists):
        return start
    z = lists.features[:, :columns].astype(np.float64)
    relevant = lists.relevant.astype(np.float64)
    wanted = z.T @ relevant
    lengths = np.diff(lists.offsets)
    chosen = np.add.reduceat(relevant, lists.offsets[:-1])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_sum, share = _softmax(z @ weights, lists.offsets, lengths)
        away = weights - start
        value = chosen @ log_sum - wanted @ weights + ridge * away @ away
        slope = z.T @ (share * np.repeat(chosen, lengths)) - wanted + 2 * ridge * away
        return float(value), slope

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * columns)
    return np.asarray(found.x, np.float64)


def _softmax(
    values: NDArray[np.float64], offsets: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log of the sum of exponentials of each list (lists,), and each row's share of it (rows,)."""
    most = np.maximum.reduceat(values, offsets[:-1])
    raised = np.exp(values - np.repeat(most, lengths))
    total = np.add.reduceat(raised, offsets[:-1])
    return np.log(total) + most, raised / np.repeat(total, lengths)

"""Alternating least squares: half steps end at the exact minimum, on any threads; a fold-in is a row of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from matinee.maths.als import everywhere, fold_in, fold_in_parts, half_step, loss, ridge

ALPHA, D = 0.2, 5


def world(rows: int = 40, columns: int = 30, seed: int = 0):
    rng = np.random.default_rng(seed)
    likes = sparse.csr_matrix((rng.random((rows, columns)) < 0.2).astype(np.float32))
    x, y = (rng.normal(0, 0.3, (n, D)).astype(np.float32) for n in (rows, columns))
    lengths = np.diff(likes.indptr), np.diff(likes.tocsc().indptr)
    ridges = [ridge(one, other, ALPHA, 0.05, 1.0) for one, other in zip(lengths, (columns, rows), strict=True)]
    return likes, x, y, ridges


def exact(likes, y, ridges) -> np.ndarray:
    """Each row by the normal equations in double precision."""
    tall, rows = y.astype(np.float64), []
    for row, penalty in zip(likes.toarray(), ridges, strict=True):
        seen = tall[row > 0]
        system = ALPHA * tall.T @ tall + seen.T @ seen + penalty * np.eye(D)
        rows.append(np.linalg.solve(system, seen.sum(axis=0)))
    return np.array(rows)


def settled(likes, x, y, ridges, threads: int | None = None) -> np.ndarray:
    """Half steps until the row moves no more: one may improve a row without ending."""
    out = x.copy()
    for _ in range(40):
        half_step(likes, out, y, ALPHA, ridges, threads)
    return out


def test_the_row_that_half_steps_end_at_is_the_exact_minimum():
    likes, x, y, ridges = world()
    np.testing.assert_allclose(settled(likes, x, y, ridges[0]), exact(likes, y, ridges[0]), atol=2e-4)


def test_every_half_step_lowers_the_loss():
    likes, x, y, ridges = world()
    before = loss(likes, x, y, ALPHA, tuple(ridges))
    for turn in range(6):
        if turn % 2 == 0:
            half_step(likes, x, y, ALPHA, ridges[0])
        else:
            half_step(likes.T.tocsr(), y, x, ALPHA, ridges[1])
        after = loss(likes, x, y, ALPHA, tuple(ridges))
        assert after <= before * (1 + 1e-6), f"turn {turn}: {before} became {after}"
        before = after


def test_the_loss_is_the_sum_that_it_says():
    """Over all pairs: alpha0 (x y)^2, and for likes (1 - x y)^2 besides; and the penalties."""
    likes, x, y, ridges = world(6, 5)
    fitted, liked = x.astype(float) @ y.T.astype(float), likes.toarray() > 0
    expected = ((1 - fitted) ** 2)[liked].sum() + ALPHA * (fitted**2).sum()
    expected += sum(one @ (side.astype(float) ** 2).sum(axis=1) for one, side in zip(ridges, (x, y), strict=True))
    assert loss(likes, x, y, ALPHA, tuple(ridges)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_number_of_threads_changes_nothing(threads):
    likes, x, y, ridges = world(200, 60)
    np.testing.assert_allclose(settled(likes, x, y, ridges[0], threads), settled(likes, x, y, ridges[0], 1), atol=1e-6)


def test_a_fold_in_is_the_row_of_the_same_history():
    likes, _, y, ridges = world()
    shared = everywhere(y, ALPHA)
    np.testing.assert_allclose(shared, ALPHA * y.T @ y, atol=1e-5)
    rows = exact(likes, y, ridges[0])
    for row in range(10):
        items = likes.indices[likes.indptr[row] : likes.indptr[row + 1]].astype(np.int32)
        weights = np.ones(len(items), np.float32)
        found = fold_in(items, weights, y, shared, float(ridges[0][row]))
        np.testing.assert_allclose(found, rows[row], atol=1e-4)
        parts = fold_in_parts(items, weights, y, shared, float(ridges[0][row]))
        np.testing.assert_allclose(parts.sum(axis=1), found, atol=1e-5)


def test_nobody_who_likes_nothing_has_a_direction():
    _, _, y, _ = world()
    nothing = fold_in(np.empty(0, np.int32), np.empty(0, np.float32), y, everywhere(y, ALPHA), 1.0)
    assert nothing.tolist() == [0.0] * D


def test_the_penalty_grows_with_what_a_row_liked():
    """reg (length + alpha0 others)^nu: 2 (3 + .5 * 4)^2 = 50."""
    assert ridge(np.array([3]), 4, 0.5, 2.0, 2.0).tolist() == [50.0]
    assert ridge(np.array([0, 9]), 4, 0.5, 2.0, 0.0).tolist() == [2.0, 2.0]

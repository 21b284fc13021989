"""Significance: may the difference between two models on the same members be chance?"""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles

BYTES = 64 * 2**20  # what the patterns of one time may take, their signs and what they reach


def sign_flip_test(differences: Doubles, rng: np.random.Generator, draws: int = 10_000) -> Doubles:
    """Two-sided p-value of every column's mean difference by the paired permutation test: (columns,).

    Without a difference between two models each member's `differences` (members, columns) is as likely to have the
    other sign. All 2^members sign patterns are tried when they are at most `draws`, else `draws` random ones:
    p = share of patterns whose |mean| reaches the one seen; with random ones (1 + count) / (1 + draws), never 0.
    Columns share the patterns. Needs no distribution, only exchangeable signs: Fisher 1935; Smucker et al., CIKM 2007.
    A NaN difference says nothing: its member is left out of that column, and a column without a difference has p NaN.
    Memory: `BYTES`, or four patterns where these take more.
    """
    missing = np.isnan(differences)
    differences = np.where(missing, 0.0, differences)  # adds nothing, whatever its sign
    members = len(differences)
    seen = np.abs(differences.sum(axis=0)) * (1.0 - 1e-12)
    if 2**members <= draws:
        patterns = (np.arange(2**members)[:, None] >> np.arange(members)) & 1
        p = _reach(patterns, differences, seen) / 2.0**members
        return np.where(missing.all(axis=0), np.nan, p)
    count = np.zeros(differences.shape[1])
    block = _patterns_at_once(*differences.shape)
    for start in range(0, draws, block):
        patterns = rng.integers(2, size=(min(block, draws - start), members), dtype=np.int8)
        count += _reach(patterns, differences, seen)
    return np.where(missing.all(axis=0), np.nan, (1.0 + count) / (1.0 + draws))


def holm(p: Doubles) -> Doubles:
    """P-values corrected for asking as many questions as there are values: (k,) -> (k,), family-wise error kept.

    The j-th smallest of k is multiplied by k - j + 1, made monotone and capped at 1; a NaN stays NaN and is no
    question. Holm, 1979.
    """
    order = np.argsort(p, kind="stable")  # NaN last
    asked = np.count_nonzero(~np.isnan(p))
    scaled = np.maximum.accumulate(p[order] * (asked - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(scaled, 1.0)
    return adjusted


def _patterns_at_once(members: int, columns: int) -> int:
    """A multiple of four: the generator draws four signs at once, so the patterns do not depend on how many this is."""
    return max(1, BYTES // (9 * members + 17 * columns) // 4) * 4


def _reach(patterns: np.typing.NDArray[np.integer], differences: Doubles, seen: Doubles) -> Doubles:
    signs = patterns * -2.0
    signs += 1.0
    reached = np.abs(signs @ differences) >= seen
    return np.asarray(reached.sum(axis=0), np.float64)

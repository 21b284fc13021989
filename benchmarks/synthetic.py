"""Likes with the skew of real catalogues, in any size, for benchmarks of fitting."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def likes(members: int, titles: int, total: int, seed: int = 0) -> sparse.csr_matrix:
    """Members x titles ones, about `total` of them: lognormal activity, Zipf-like popularity, no taste."""
    rng = np.random.default_rng(seed)
    activity = rng.lognormal(0.0, 1.2, members)
    popularity = np.cumsum(np.arange(1, titles + 1) ** -0.9 + 2e-4)
    kept = _draw(rng, activity, popularity, total)
    for _ in range(4):  # repeated pairs count once, so the draws are raised until enough are left
        kept = _draw(rng, activity, popularity, round(total * kept[0] / len(kept[1])))
    return sparse.csr_matrix(
        (np.ones(len(kept[1]), np.float32), (kept[1], rng.permutation(titles)[kept[2]])), (members, titles)
    )


def _draw(
    rng: np.random.Generator, activity: np.ndarray, popularity: np.ndarray, draws: int
) -> tuple[int, np.ndarray, np.ndarray]:
    """Draw pairs and drop repeats: (number drawn, members, titles)."""
    counts = np.maximum(1, np.round(activity / activity.sum() * draws)).astype(np.int64)
    members = np.repeat(np.arange(len(activity)), counts)
    titles = np.searchsorted(popularity, rng.random(len(members)) * popularity[-1])
    pairs = np.unique(members * len(popularity) + titles)
    return len(members), pairs // len(popularity), pairs % len(popularity)

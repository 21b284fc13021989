"""Determinantal point processes: each greedy step by brute force, and near the best of all sets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from matinee.maths.determinantal import greedy_map, likeness


def small(seed: int, elements: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 0.3, elements), likeness((rng.random((elements, 5)) < 0.4).astype(np.float64))


def log_p(logits: np.ndarray, alike: np.ndarray, some: list[int], weight: float) -> float:
    return logits[some].sum() + weight * np.linalg.slogdet(alike[np.ix_(some, some)])[1]


@pytest.mark.parametrize("seed", range(5))
def test_every_step_is_the_best_by_determinants(seed):
    logits, alike = small(seed)
    want: list[int] = []
    for _ in range(6):
        left = [i for i in range(9) if i not in want]
        want.append(max(left, key=lambda i: log_p(logits, alike, [*want, i], 0.8)))
    assert greedy_map(logits, alike, 6, 0.8).tolist() == want


def test_it_is_near_the_best_of_all_sets():
    """On average over ten sets within 0.1 nats of the best of all 126 sets of four, and above half of them on each."""
    short = []
    for seed in range(10):
        logits, alike = small(seed)
        every = np.array([log_p(logits, alike, list(some), 1.0) for some in combinations(range(9), 4)])
        found = log_p(logits, alike, greedy_map(logits, alike, 4, 1.0).tolist(), 1.0)
        assert found >= np.median(every)
        short.append(every.max() - found)
    assert np.mean(short) <= 0.1


def test_without_weight_it_is_the_likeliest_first():
    logits, alike = small(3)
    assert greedy_map(logits, alike, 20, 0.0).tolist() == np.argsort(-logits, kind="stable").tolist()

"""Markov: which titles follow the last ones of a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from matinee.decision import Progress
from matinee.errors import BadRequest
from matinee.history import Histories, Tastes, TrainingData
from matinee.maths.ragged import offsets_of
from matinee.models.cold_start import history_rows
from matinee.models.sparse_map import Rows, SparseMapScorer, rows_of


@dataclass(frozen=True, slots=True)
class MarkovConfig:
    """`reach`: how many later titles count as followers, the k-th as 1/k. `shrink`: followings added to each title's
    total, so that a title seldom seen says little. `last`: how many of a history's last titles speak, `decay`: how
    much less each speaks than the one after it. `kappa`: history length at which popularity counts half.
    """

    reach: int = 1
    shrink: float = 10.0
    last: int = 1
    decay: float = 0.5
    kappa: float = 3.0

    def __post_init__(self) -> None:
        if self.reach < 1 or self.last < 1:
            raise BadRequest(f"Markov's reach is {self.reach} and last {self.last}; give whole numbers from 1 on")
        if not (self.shrink > 0 and self.kappa > 0 and 0 < self.decay <= 1):
            raise BadRequest(f"Markov needs shrink and kappa above 0 and decay in 0..1, got {self}")


class Markov(SparseMapScorer[MarkovConfig]):
    """score_i = sum over the last titles j_1, j_2, ... of decay^(k-1) * N(j_k -> i) / (N(j_k) + shrink).

    N(j -> i) counts how often i was liked after j, N(j) = sum over i. Right where order carries much: what one
    watches next depends on what one watched last. It fails where all times are alike, and it forgets the rest of the
    history. `reach` and `last` above 1 turn it into decayed co-visitation, which asks for less data.
    """

    config_type = MarkovConfig

    def find_rows(self, data: TrainingData, progress: Progress) -> Rows:
        """Who follows whom, and how often."""
        return follow_rates(data.histories.tastes, len(data.catalog), self.config.reach, self.config.shrink)

    def read_histories(self, histories: Histories, n: int) -> Rows:
        """The `last` liked titles, by `decay`."""
        return latest(histories, n, self.config.last, self.config.decay)


def follow_rates(tastes: Tastes, n: int, reach: int, shrink: float) -> Rows:
    """N(j -> i) / (N(j) + shrink) as sparse rows: starts (n + 1), followers and rates flat.

    The title k places after j in a member's tastes (k <= reach) adds 1/k to N(j -> i).
    """
    total = counts_of_followers(tastes, n, [1.0 / gap for gap in range(1, reach + 1)])
    sums = np.asarray(total.sum(axis=1)).ravel()
    return rows_of(sparse.diags(1 / (sums + shrink)) @ total)


def counts_of_followers(tastes: Tastes, n: int, weights: Sequence[float]) -> sparse.csr_matrix:
    """N(j -> i), (n, n): the title k places after j in a member's tastes adds `weights[k - 1]`."""
    member = np.repeat(np.arange(len(tastes)), tastes.lengths)
    total = sparse.csr_matrix((n, n), dtype=np.float32)
    for gap, weight in enumerate(weights, start=1):
        same = member[:-gap] == member[gap:]
        pair = tastes.items[:-gap][same], tastes.items[gap:][same]
        total += sparse.csr_matrix((np.full(len(pair[0]), weight, np.float32), pair), (n, n))
    return total


def latest(histories: Histories, n: int, last: int, decay: float = 1.0) -> Rows:
    """Offsets, titles and weights of the `last` liked titles of each history that are below `n`.

    The k-th from the end weighs decay^(k-1).
    """
    offsets, items, _ = history_rows(histories, n)
    lengths = np.diff(offsets)
    from_end = np.repeat(offsets[1:], lengths) - np.arange(len(items)) - 1
    kept = from_end < last
    weights = np.float32(decay) ** from_end[kept].astype(np.float32)
    return offsets_of(np.minimum(lengths, last)), items[kept], weights

"""The settings of a transition graph for the data at hand: what foretells the members' last titles best.

One setting after the other, each by NDCG@10 of the last title of some members, with graphs that do not know it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from matinee.decision import Progress
from matinee.history import Histories, TrainingData
from matinee.maths.arrays import Int32s
from matinee.maths.sparse_dense import add_sparse_rows
from matinee.models.markov import latest
from matinee.models.ranking.folds import LISTED, Labels, gains_of, hold_out
from matinee.models.sparse_map import rows_of
from matinee.models.transitions import Graphs, TransitionConfig, graphs

ASKED = 2_000  # members
AT_ONCE = 256  # of them that are scored at a time
CLEAR = 0.005  # part of NDCG by which another setting has to be better
TRIED: tuple[tuple[dict[str, Any], ...], ...] = (
    ({"last": 1}, {"last": 8, "decay": 0.7}, {"last": 16, "decay": 0.85}),
    ({"reach": 1}, {"reach": 5, "fade": 0.7}, {"reach": 10, "fade": 0.8}),
    ({"backwards": 0.0}, {"backwards": 0.3}, {"backwards": 1.0}),
    ({"hop": 0.0}, {"hop": 0.3}),
    ({"content": 0.0}, {"content": 0.3}, {"content": 3.0}),
    ({"shrink": 0.5}, {"shrink": 10.0}),
)


def found_config(data: TrainingData, rng: np.random.Generator, progress: Progress) -> TransitionConfig:
    """The best settings found; the defaults where no member has two titles."""
    fold = hold_out(data, Labels.LAST, 1.0, rng).sample(ASKED, rng)
    best = TransitionConfig()
    if not len(fold.requests):
        return best
    histories, wanted = fold.requests.histories, fold.targets.values[fold.targets.offsets[:-1]]
    graph = graphs(fold.data.histories.tastes, data.catalog)
    most = foretold(graph, best, histories, wanted)
    for at, others in enumerate(TRIED):
        progress(f"settings, NDCG@{LISTED} of the last titles {most:.4f}", at / len(TRIED))
        tried = [replace(best, **other) for other in others]
        gains = [foretold(graph, one, histories, wanted) for one in tried]
        if max(gains) > (1.0 + CLEAR) * most:
            best, most = tried[int(np.argmax(gains))], max(gains)
    return best


def foretold(graph: Graphs, config: TransitionConfig, histories: Histories, wanted: Int32s) -> float:
    """NDCG@10 of one `wanted` title a member (members,), titles of the history left out; equal scores share places."""
    rows = rows_of(graph(config))
    n, gains = len(rows[0]) - 1, np.zeros(len(histories))
    for start in range(0, len(histories), AT_ONCE):
        some = np.arange(start, min(start + AT_ONCE, len(histories)))
        asked = histories.take(some)
        scores = np.zeros((len(some), n), np.float32)
        add_sparse_rows(*latest(asked, n, config.last, config.decay), *rows, scores)
        gains[some] = gains_of(scores, asked.tastes, wanted[some])
    return float(gains.mean())

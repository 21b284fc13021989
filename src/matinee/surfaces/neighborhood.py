"""The titles nearest to a title: what the scorer answers to someone who liked nothing else, where that title adds."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import numpy as np

from matinee.decision import Requests, Scorer
from matinee.history import Histories
from matinee.maths.arrays import Int32s

BLOCK = 64  # titles scored at a time


class Neighborhood:
    """Nearest titles on demand, remembered for the last `capacity` titles learned (4 * k bytes each). Thread-safe."""

    def __init__(self, scorer: Scorer, k: int, capacity: int = 50_000) -> None:
        self._scorer, self._k, self._capacity = scorer, k, capacity
        self._known: OrderedDict[int, Int32s] = OrderedDict()
        self._lock = Lock()

    def nearest(self, titles: Int32s) -> Int32s:
        """(..., k) titles nearest to each of `titles` (...), nearest first, itself left out.

        -1 stands for title -1, and in the place of a title that is there by its popularity alone.
        """
        flat = titles.ravel()
        with self._lock:
            self._learn([int(t) for t in np.unique(flat[flat >= 0]) if int(t) not in self._known])
            nobody = np.full(self._k, -1, np.int32)
            lists = [self._known[int(t)] if t >= 0 else nobody for t in flat]
            self._forget()
        return np.array(lists, np.int32).reshape(*titles.shape, self._k)

    def _learn(self, titles: list[int]) -> None:
        for start in range(0, len(titles), BLOCK):
            block = titles[start : start + BLOCK]
            alone = Requests.of_histories(Histories.of_items([[t] for t in block]))
            scores = self._scorer.score(alone)
            scores[np.arange(len(block)), block] = -np.inf
            k = min(self._k, scores.shape[1] - 1)
            top = np.argpartition(-scores, k - 1, axis=1)[:, :k] if k > 0 else np.empty((len(block), 0), np.int64)
            order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
            found = np.full((len(block), self._k), -1, np.int32)
            found[:, :k] = np.take_along_axis(top, order, axis=1)
            found[self._scorer.explain(alone, found) < 0] = -1
            self._known.update(zip(block, found, strict=True))

    def _forget(self) -> None:
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)

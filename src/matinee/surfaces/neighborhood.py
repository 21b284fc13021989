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
    """Nearest titles on demand, remembered for the last `capacity` titles learned (4 * k bytes each). Thread-safe.

    Titles are scored outside the lock, so that one that is asked for the first time holds up no other page; two who
    ask for it at once both score it.
    """

    def __init__(self, scorer: Scorer, k: int, capacity: int = 50_000) -> None:
        self._scorer, self._k, self._capacity = scorer, k, capacity
        self._known: OrderedDict[int, Int32s] = OrderedDict()
        self._lock = Lock()

    def nearest(self, titles: Int32s) -> Int32s:
        """(..., k) titles nearest to each of `titles` (...), nearest first, itself left out.

        -1 stands for title -1, and in the place of a title that is there by its popularity alone.
        """
        flat = titles.ravel()
        wanted = [int(title) for title in np.unique(flat[flat >= 0])]
        with self._lock:
            found = {title: self._known[title] for title in wanted if title in self._known}
        learned = self._learned([title for title in wanted if title not in found])
        if learned:
            self._remember(learned)
        found |= learned
        nobody = np.full(self._k, -1, np.int32)
        lists = [found[int(title)] if title >= 0 else nobody for title in flat]
        return np.array(lists, np.int32).reshape(*titles.shape, self._k)

    def _learned(self, titles: list[int]) -> dict[int, Int32s]:
        learned: dict[int, Int32s] = {}
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
            learned.update(zip(block, found, strict=True))
        return learned

    def _remember(self, learned: dict[int, Int32s]) -> None:
        with self._lock:
            self._known.update(learned)
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)

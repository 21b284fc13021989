"""The best titles for a member's vector, exactly: every vector is read. Right up to some hundred thousand titles."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from matinee.decision import Requests
from matinee.maths.arrays import Floats, Int32s
from matinee.maths.inner_products import best_inner_products


class Vectors(Protocol):
    """What a scorer offers whose score is an inner product: one vector for each title, one for each request."""

    @property
    def title_vectors(self) -> Floats:
        """(titles, size) float32, C order."""
        ...

    def member_vectors(self, requests: Requests) -> Floats:
        """(batch, size) float32."""
        ...


class ExactIndex:
    """Reads every vector: nothing to build, as fast as memory."""

    def __init__(self, vectors: Floats, threads: int = 1) -> None:
        self.vectors = np.ascontiguousarray(vectors, np.float32)
        self.threads = threads

    def search(self, queries: Floats, k: int) -> tuple[Int32s, Floats]:
        """Items (batch, k) int32 and inner products float32, best first."""
        return best_inner_products(self.vectors, np.ascontiguousarray(queries, np.float32), k, self.threads)

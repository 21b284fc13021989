"""The best titles for a member's vector, approximately, with a recall that was measured. Needs the extra `ann`."""

from __future__ import annotations

import faiss
import numpy as np

from matinee.errors import BadRequest
from matinee.maths.arrays import Floats, Int32s
from matinee.maths.inner_products import best_inner_products

SAMPLE = 200  # queries on which the recall is measured
DEPTH = 100  # titles of a list on which it is measured
ROUNDS = 10  # of k-means
POINTS = 128  # vectors a cell that k-means looks at, at most
FEWEST = 39  # vectors a cell below which k-means has too little to go by


class ApproximateIndex:
    """Reads the vectors of the nearest k-means cells only: an inverted file (faiss), for some 300,000 titles and more.

    While it is built it reads more and more cells until the mean recall@`DEPTH` over a sample of queries reaches
    `recall`; `probes` and `measured_recall` say where it ended. (Sivic and Zisserman 2003; Johnson, Douze and Jégou
    2019, arXiv 1702.08734)
    """

    def __init__(self, vectors: Floats, queries: Floats, rng: np.random.Generator, recall: float = 0.99) -> None:
        """`vectors` (titles, size); `queries` (many, size): vectors of members, of which a sample is asked."""
        if not 0 < recall <= 1:
            raise BadRequest(f"recall is {recall}; give a number above 0, at most 1")
        vectors = np.ascontiguousarray(vectors, np.float32)
        self._index = _inverted_file(vectors, int(rng.integers(2**31)))
        sample = np.ascontiguousarray(queries[rng.permutation(len(queries))[:SAMPLE]], np.float32)
        wanted = best_inner_products(vectors, sample, DEPTH)[0]
        self.probes = 1
        self.measured_recall = self._recall(sample, wanted)
        while self.measured_recall < recall and self.probes < self._index.nlist:
            self.probes = min(2 * self.probes, self._index.nlist)
            self.measured_recall = self._recall(sample, wanted)

    def search(self, queries: Floats, k: int) -> tuple[Int32s, Floats]:
        """Items (batch, k) int32 and inner products float32, best first; -1 and -inf where the cells held too few."""
        asked = np.ascontiguousarray(queries, np.float32)
        products, items = self._index.search(asked, k, params=self._reading())
        return items.astype(np.int32), np.where(items >= 0, products, -np.inf).astype(np.float32)

    def _reading(self) -> faiss.SearchParametersIVF:
        parameters = faiss.SearchParametersIVF()
        parameters.nprobe = self.probes
        return parameters

    def _recall(self, sample: Floats, wanted: Int32s) -> float:
        found = self.search(sample, wanted.shape[1])[0]
        shares = [np.isin(best, ours).mean() for best, ours in zip(wanted, found, strict=True)]
        return float(np.mean(shares))


def _inverted_file(vectors: Floats, seed: int) -> faiss.IndexIVFFlat:
    """A filled index with about as many cells as the square root of the number of titles."""
    titles, size = vectors.shape
    cells = max(1, min(int(np.sqrt(titles)), titles // FEWEST))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = seed, ROUNDS, POINTS
    index.train(vectors)
    index.add(vectors)
    return index

"""The titles with the largest inner products, exactly, in one pass over the vectors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from matinee.maths.arrays import Floats, Int32s

LAST = np.iinfo(np.int32).max  # no title: after all of them
TILE = 1_024  # titles multiplied with a whole batch of queries at a time
SMALL = 4_000_000  # bytes of vectors that are scanned sooner than a second thread starts
GLANCE = 64  # products looked at together before any is looked at alone


def best_inner_products(vectors: Floats, queries: Floats, k: int, threads: int = 1) -> tuple[Int32s, Floats]:
    """For each query the `k` titles with the largest `vectors @ query`, best first; equal ones by smaller index.

    Shapes: `vectors` (titles, size) and `queries` (batch, size), float32, C order, finite; returns items
    (batch, min(k, titles)) int32 and their products float32. One query reads every vector once, more than `SMALL` bytes
    of them in `threads` parts, and writes nothing in between, so that it costs what reading the vectors costs. A batch
    multiplies tiles of `TILE` titles by BLAS, whose own threads it leaves alone. Memory beside the answer: `TILE`
    floats a query.
    """
    assert vectors.ndim == queries.ndim == 2, f"vectors {vectors.shape}, queries {queries.shape}"
    assert vectors.shape[1] == queries.shape[1], f"vectors {vectors.shape}, queries {queries.shape}"
    assert vectors.dtype == queries.dtype == np.float32, f"{vectors.dtype} and {queries.dtype}, not float32"
    kept = min(k, len(vectors))
    parts = threads if len(queries) == 1 and vectors.nbytes > SMALL else 1
    items = np.full((len(queries) * parts, kept), LAST, np.int32)
    products = np.full((len(queries) * parts, kept), -np.inf, np.float32)
    if kept == 0 or not len(queries):
        return items[: len(queries)], products[: len(queries)]
    if len(queries) > 1:
        _keep_best(vectors, queries, products, items)
    elif parts == 1:
        _scan(vectors, queries[0], 0, len(vectors), products[0], items[0])
    else:
        ends = np.linspace(0, len(vectors), parts + 1).astype(np.int64)
        with ThreadPoolExecutor(parts) as pool:
            list(pool.map(_scan, [vectors] * parts, [queries[0]] * parts, ends[:-1], ends[1:], products, items))
        items, products = items.reshape(1, -1), products.reshape(1, -1)
    order = np.lexsort((items, -products), axis=-1)[:, :kept]
    return np.take_along_axis(items, order, axis=1), np.take_along_axis(products, order, axis=1)


def _keep_best(vectors: Floats, queries: Floats, products: Floats, items: Int32s) -> None:
    """Keep the largest products of every query in heaps, tile by tile, all tiles in one buffer."""
    buffer = np.empty(len(queries) * min(TILE, len(vectors)), np.float32)
    for start in range(0, len(vectors), TILE):
        some = vectors[start : start + TILE]
        tile = buffer[: len(queries) * len(some)].reshape(len(queries), len(some))
        _sift_tile(np.matmul(queries, some.T, out=tile), start, products, items)


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _product(vector, query):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    total = np.float32(0)
    for j in range(len(query)):
        total += vector[j] * query[j]
    return total


@numba.njit(cache=True, nogil=True)
def _scan(vectors: Floats, query: Floats, start: int, end: int, products: Floats, items: Int32s) -> None:
    """Keep the largest products in a heap whose root is the smallest kept."""
    for item in range(start, end):
        product = _product(vectors[item], query)
        if product > products[0]:
            _replace_root(products, items, product, item)


@numba.njit(cache=True, nogil=True)
def _sift_tile(tile: Floats, start: int, products: Floats, items: Int32s) -> None:
    """Put what exceeds the smallest kept into each query's heap; glances without such a product are passed over."""
    for b in range(len(tile)):
        for glance in range(0, tile.shape[1], GLANCE):
            row = tile[b, glance : glance + GLANCE]
            if _any_above(row, products[b, 0]):
                for at in range(len(row)):
                    if row[at] > products[b, 0]:
                        _replace_root(products[b], items[b], row[at], start + glance + at)


@numba.njit(cache=True, nogil=True)
def _any_above(row, least):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    found = False
    for at in range(len(row)):
        found |= row[at] > least
    return found


@numba.njit(cache=True, nogil=True)
def _replace_root(products: Floats, items: Int32s, product: float, item: int) -> None:
    """Sink a new entry from the root of a heap ordered by smaller product, then larger index."""
    at, k = 0, len(products)
    while 2 * at + 1 < k:
        child = 2 * at + 1
        other = child + 1
        if other < k and (
            products[other] < products[child] or (products[other] == products[child] and items[other] > items[child])
        ):
            child = other
        if products[child] > product or (products[child] == product and items[child] < item):
            break
        products[at], items[at] = products[child], items[child]
        at = child
    products[at], items[at] = product, item

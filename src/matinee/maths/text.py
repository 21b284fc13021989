"""Bags of words as vectors: how much a word tells, TF-IDF, and the few directions that hold most of it."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from matinee.maths.arrays import Doubles, Floats

RELATIVE_RANK = 1e-5  # directions with a smaller part of the greatest singular value are rounding errors


def informativeness(counts: sparse.csr_matrix) -> Doubles:
    """log((1 + bags) / (1 + bags with the word)) of each word: 0 for a word that stands in all, which tells nothing.

    `counts` (bags, words), how often each word stands in each bag. Spärck Jones 1972, with Laplace's correction.
    """
    bags, words = counts.shape
    with_word = np.bincount(counts.indices, minlength=words)
    return np.asarray(np.log((1.0 + bags) / (1.0 + with_word)))


def tfidf(counts: sparse.csr_matrix, idf: Doubles) -> sparse.csr_matrix:
    """(1 + log count) * idf, each row divided by its length: (bags, words) float32; an empty bag stays zero."""
    assert idf.shape == (counts.shape[1],), f"idf {idf.shape} for {counts.shape[1]} words"
    weighted = sparse.csr_matrix((1.0 + np.log(counts.data), counts.indices, counts.indptr), counts.shape)
    weighted.data *= idf[weighted.indices]
    return unit_rows(weighted)


def unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Each row divided by its Euclidean length, float32; zero rows stay zero."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    shares = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_matrix(sparse.diags(shares) @ matrix, dtype=np.float32)


def directions(rows: sparse.csr_matrix | Doubles, k: int) -> Floats:
    """At most `k` directions (columns, k) that hold most of `rows` (n, columns), scaled to be added to other features.

    The first right singular vectors, those of no weight left out; all columns as they are where these are no more
    than `k`. Scaled so that the rows that are not zero have a mean squared length of 1 after `rows @ directions`.
    The same rows give the same bytes: a fixed start, and signs chosen so that each vector's largest entry is positive.
    """
    columns = rows.shape[1]
    basis = np.eye(columns) if columns <= k else _singular_vectors(rows, k)
    lengths = np.asarray(((rows @ basis) ** 2).sum(axis=1)).ravel()
    energy = float(lengths[lengths > 0].mean()) if (lengths > 0).any() else 1.0
    return np.asarray(basis / np.sqrt(energy), np.float32)


def _singular_vectors(rows: sparse.csr_matrix | Doubles, k: int) -> Doubles:
    wide = rows.astype(np.float64)
    smaller = min(wide.shape)
    if smaller <= k + 1:
        dense = wide if isinstance(wide, np.ndarray) else wide.toarray()
        _, sizes, vectors = np.linalg.svd(dense, full_matrices=False)
    else:
        _, sizes, vectors = svds(wide, k, v0=np.ones(smaller), return_singular_vectors="vh")
    order = np.argsort(-sizes, kind="stable")[:k]
    kept = order[sizes[order] > RELATIVE_RANK * sizes.max(initial=0.0)]
    found = vectors[kept].T
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(len(kept))])
    return np.asarray(found * signs)

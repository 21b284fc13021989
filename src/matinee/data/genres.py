"""Titles by genre, as a matrix."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from matinee.catalog import Catalog


def genre_shares(catalog: Catalog) -> sparse.csr_matrix:
    """(titles, genres) 1 divided among the genres of each title."""
    genres = catalog.title_genres
    lengths = np.diff(genres.offsets)
    weights = np.repeat(1.0 / np.maximum(lengths, 1), lengths)
    return sparse.csr_matrix((weights, genres.values, genres.offsets), (len(catalog), max(len(catalog.genres), 1)))

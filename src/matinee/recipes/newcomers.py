"""Vectors of titles that nobody has watched yet, predicted from their genres, tags, words and pictures."""

from __future__ import annotations

import numpy as np

from matinee.catalog import Catalog
from matinee.maths.arrays import Floats
from matinee.models.content.factors import fit_map, foretold
from matinee.models.content.features import TitleEncoder
from matinee.policies.features import is_known

SEED = 0  # of the folds by which the penalty is chosen


def predicted_vectors(vectors: Floats, catalog: Catalog) -> Floats:
    """(titles, size) the `vectors` of the first titles of a catalogue, and for those that they do not know what a ridge
    regression on content says, fitted on those that they know: the less content foretells, the nearer to zeros. Zeros
    where a title's content says nothing.

    Titles that come later change none of it.
    """
    found = np.zeros((len(catalog), vectors.shape[1]), np.float32)
    found[: len(vectors)] = vectors
    known = np.append(is_known(vectors), np.zeros(len(catalog) - len(vectors), np.bool_))
    if known.all() or not known.any():
        return found
    encoder = TitleEncoder.fit(catalog.take(np.flatnonzero(known).astype(np.int32)))
    features = encoder.encode(catalog)
    content_map = fit_map(features, found, known.astype(np.float64), np.random.default_rng(SEED))
    told = foretold(features, content_map)
    says = np.asarray(features.any(axis=1))
    return np.asarray(np.where(known[:, None], found, np.where(says[:, None], told, 0.0)), np.float32)

"""Dials that look at what stands before, for the page builder: what they weigh, and what a member's genres are."""

from __future__ import annotations

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.dials import Dials
from matinee.history import Tastes
from matinee.maths.arrays import Doubles
from matinee.maths.in_turn import Groups, Pull
from matinee.page import KEEPS_REPEATS, RowKind, kinds_flagged
from matinee.surfaces.pages import row_kernels as kernels
from matinee.surfaces.pages.rows import Pools
from matinee.surfaces.pages.types import Attention, Turned

DIVERSITY = 3.0  # nats that a title like one before it in all genres loses at a dial of 1; so does such a row
CALIBRATION = 1.0  # nats of mean log-worth for which the dial at 1 gives a nat of C_KL
ORDERED = (*KEEPS_REPEATS, RowKind.WATCH_AGAIN, RowKind.POPULAR, RowKind.TRENDING)  # rows with an order of their own
_ORDERED = kinds_flagged(ORDERED)


def turned_of(requests: Requests, pools: Pools, catalog: Catalog, attention: Attention) -> Turned:
    """What the kernels need to know of the dials for diversity and calibration; its pull has a first axis (batch,)."""
    looked = float(attention.of_row.sum() * attention.of_column.sum())
    pull = pull_of(requests, catalog, looked)
    return Turned(looks_before(requests.dials), pull, groups_of(catalog), _ORDERED[pools.kinds])


def looks_before(dials: Dials) -> bool:
    """Whether a dial is on that looks at what stands before."""
    return dials.diversity > 0.0 or dials.calibration > 0.0


def groups_of(catalog: Catalog) -> Groups:
    """The genres of titles."""
    return Groups(catalog.title_genres.offsets, catalog.title_genres.values)


def pull_of(requests: Requests, catalog: Catalog, looked: float) -> Pull:
    """What stands before weighs as much as the dials say; `wanted` has a first axis (batch,).

    A list of titles t, the place of t counting a_t, is good for sum of a_t log worth_t - CALIBRATION A C_KL with A =
    `looked`, the sum of all a_t: so the dial means the same on lists of any length.
    """
    dials, tastes = requests.dials, requests.histories.tastes
    wanted = mix_of(tastes, catalog) if dials.calibration > 0.0 else np.zeros((len(tastes), len(catalog.genres)))
    return Pull(DIVERSITY * dials.diversity, CALIBRATION * dials.calibration * looked, wanted)


def mix_of(tastes: Tastes, catalog: Catalog) -> Doubles:
    """(batch, genres) the mix of genres that each member likes, Steck's p: each title shared by its genres, rows sum to
    1, or to 0 where nothing is liked.
    """
    genres = catalog.title_genres
    sizes = np.maximum(np.diff(genres.offsets), 1)[tastes.items]
    sums = np.zeros((len(tastes), len(catalog.genres)), np.float32)
    weights = (tastes.weights / sizes).astype(np.float32)
    kernels.add_by_group(tastes.offsets, tastes.items, weights, *genres.unsigned, sums)
    total = sums.sum(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(np.divide(sums, total, out=np.zeros(sums.shape), where=total > 0))

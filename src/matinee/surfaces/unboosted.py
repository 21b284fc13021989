"""Built pages with the worths that titles have to the member, whatever is boosted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matinee.page import KEEPS_REPEATS, RowKind
from matinee.surfaces.pages.builder import Built
from matinee.surfaces.pages.rows import Pools
from matinee.surfaces.sway import Sway

PLAIN = (*KEEPS_REPEATS, RowKind.WATCH_AGAIN, RowKind.BY_CHANCE)  # rows in which boosts count for nothing


def unboosted(built: Built, pools: Pools, sway: Sway) -> Built:
    """The pages that were built of boosted worths, with the worths before."""
    if not sway.boosts:
        return built
    kinds = np.take_along_axis(pools.kinds, np.maximum(built.rows, 0), axis=1)
    plain = np.isin(kinds, PLAIN)[:, :, None]
    return replace(built, worths=np.where(plain, built.worths, sway.honest(built.worths, built.items)))

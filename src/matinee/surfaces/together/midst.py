"""What all who watch together are in the midst of: begun by each of them, finished by none."""

from __future__ import annotations

import numpy as np

from matinee.catalog import Catalog
from matinee.decision.next_up import next_up
from matinee.events import FINISHED, PLAYED, Kind
from matinee.maths.arrays import Flags
from matinee.maths.ragged import last_of_each, owners_of
from matinee.surfaces.together.watchers import Watchers


def in_the_midst(watchers: Watchers, catalog: Catalog) -> Flags:
    """(batch, titles) of which the latest play of each of them stopped on the way; of series, those with an episode
    that comes next for each of them.
    """
    past, titles = watchers.alone.histories, len(catalog)
    begun = np.zeros((len(past), titles), np.bool_)
    plays = last_of_each(past.offsets, past.items, (past.kinds == Kind.PLAY) & (past.values >= PLAYED))
    stopped = plays & (past.values < FINISHED)
    begun[owners_of(past.offsets)[stopped], past.items[stopped]] = True
    if len(catalog.series):
        found = next_up(past, catalog, watchers.alone.times)
        begun[found.members, found.titles] = found.episodes >= 0
    return np.asarray(np.logical_and.reduceat(begun, watchers.offsets[:-1], axis=0))

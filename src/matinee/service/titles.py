"""The catalogue page by page: which titles come next, of those that a member may see."""

from __future__ import annotations

import numpy as np

from matinee.catalog import Catalog, folded
from matinee.errors import NotFound
from matinee.maths.arrays import Flags


def item_of(catalog: Catalog, item_id: str) -> int:
    """The dense index of a title. Raises `NotFound`."""
    found = catalog.index.get(item_id)
    if found is None:
        raise NotFound(f"the title {item_id[:100]!r} is not in the catalogue; look it up with GET /v1/titles")
    return found


def narrowed(catalog: Catalog, allowed: Flags, genre: str | None, after: int | None) -> Flags:
    """Those of `allowed` (titles,) that are of `genre`, whatever its case, and come after the title `after`.

    Raises `NotFound` where no title is of that genre.
    """
    kept = allowed.copy()
    if genre is not None:
        named = [number for number, name in enumerate(catalog.genres) if folded(name) == folded(genre)]
        if not named:
            raise NotFound(f"no title has the genre {genre[:100]!r}; leave it out, or give one that a title names")
        theirs = np.zeros(len(catalog), bool)
        for number in named:
            theirs[catalog.genre_titles[number]] = True
        kept &= theirs
    if after is not None:
        kept[: after + 1] = False
    return kept

"""What a member is after: the genres that a few likes speak for, and what that makes of titles and rows.

A taste g picks a title t of its genre with probability L_t / (|t| L_g): L_t likes of the title, shared by its |t|
genres, of L_g likes of the genre. So three westerns that are dramas too speak for Western: it explains them with fewer
titles.

    pi_g        the member's mixture of tastes: EM steps from everybody's, which weigh as much as `SMOOTHING` likes
    lift_t      P(t | pi) / P(t | everybody) = mean over the genres g of t of pi_g / share_g

A model that knows many likes has learned what its titles have in common. While it knows n, which are few, the worth of
a title is multiplied by lift^(FEW / (FEW + n)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.catalog import Catalog
from matinee.history import Tastes
from matinee.maths.arrays import Doubles, Floats, Int32s, Int64s
from matinee.maths.ragged import Ragged, owners_of
from matinee.page import RowKind
from matinee.surfaces.pages import kernels
from matinee.surfaces.pages.rows import Pools

SMOOTHING = 1.0  # everybody's tastes weigh as much as this many likes of the member's own
STEPS = 10  # of EM
FEW = 5.0  # likes at which the genres say half as much as they say of one who liked nothing else
MOST = np.float32(1 - 1e-6)  # no title is thought to satisfy surely
SCENT = 2.0  # in a row that names the one taste a member is after, a title is likelier to satisfy by this share
PICKED = 0.5  # and by this share in a row that names the one title that a member liked


def intents(tastes: Tastes, catalog: Catalog, genre_shares: Floats) -> Doubles:
    """pi: the probability of each genre to be what a member is after, (batch, genres + 1), rows sum to 1.

    The last column is the taste of titles without a genre.
    """
    genres, shares = catalog.title_genres, everybody(genre_shares)
    pi = np.empty((len(tastes), len(shares)))
    kernels.infer(
        tastes.offsets, tastes.items.view(np.uint32), tastes.weights, *genres.unsigned, shares, SMOOTHING, STEPS, pi
    )
    return pi


def everybody(genre_shares: Floats) -> Doubles:
    """Everybody's pi, (genres + 1,): the genres' shares of all likes, and a place for titles without a genre."""
    none = 1.0 / (len(genre_shares) + 1)
    return np.append(genre_shares.astype(np.float64) * (1.0 - none), none)


@dataclass(frozen=True)
class GenreSets:
    """Titles by their set of genres: `of_title` (titles,), and the genres of each set, the last taste for none."""

    of_title: Int32s
    genres: Ragged

    @classmethod
    def of(cls, catalog: Catalog) -> GenreSets:
        """The sets of a catalogue."""
        known: dict[tuple[int, ...], int] = {}
        none = (len(catalog.genres),)
        lists = (tuple(catalog.title_genres[item].tolist()) or none for item in range(len(catalog)))
        of_title = np.fromiter((known.setdefault(one, len(known)) for one in lists), np.int32, len(catalog))
        return cls(of_title, Ragged.of(list(known)))


def with_taste(worth: Floats, tastes: Tastes, pi: Doubles, sets: GenreSets, genre_shares: Floats) -> Floats:
    """(batch, titles) worth, of titles in the genres that a member's few likes speak for raised, of others lowered."""
    lengths = tastes.lengths
    if not lengths.any():
        return worth
    power = np.where(lengths > 0, FEW / (FEW + lengths), 0.0).astype(np.float32)
    lift = np.empty((len(pi), len(sets.genres)), np.float32)
    kernels.mean_by_set(pi / everybody(genre_shares), *sets.genres.unsigned, lift)
    np.power(lift, power[:, None], out=lift)
    lifted = np.empty_like(worth)
    kernels.lift_titles(worth, lift, sets.of_title.view(np.uint32), MOST, lifted)
    return lifted


def name_tastes(pools: Pools, tastes: Tastes, pi: Doubles, catalog: Catalog, genre_shares: Floats) -> None:
    """Raise the worths in rows that name what a member is after: there they look first.

    A genre counts as much as the member is after it, where that is more than most are; a title that was liked, as its
    share of all that the member likes: one of three is what they came for, one of a hundred hardly is.
    """
    own = np.where(pi > everybody(genre_shares), pi, 0.0)
    b, row = np.nonzero((pools.kinds == RowKind.GENRE) | (pools.kinds == RowKind.GENRE_TAG))
    tags = np.where(pools.kinds[b, row] == RowKind.GENRE_TAG, max(len(catalog.tags), 1), 1)
    _raise(pools, b, row, SCENT * own[b, pools.keys[b, row] // tags])
    b, row = np.nonzero((pools.kinds == RowKind.BECAUSE_YOU_LIKED) | (pools.kinds == RowKind.BECAUSE_YOU_WATCHED))
    _raise(pools, b, row, PICKED * _shares(tastes, b, pools.keys[b, row]))


def _raise(pools: Pools, b: Int64s, row: Int64s, by: Doubles) -> None:
    b, row, by = b[by > 0], row[by > 0], by[by > 0]
    raised = pools.worths[b, row] * (1.0 + by[:, None]).astype(np.float32)
    pools.worths[b, row] = np.minimum(raised, MOST)


def _shares(tastes: Tastes, members: Int64s, items: Int32s) -> Doubles:
    """(rows,) the share that each title has of the weights of its member's tastes."""
    owners, width = owners_of(tastes.offsets), int(max(tastes.items.max(initial=0), items.max(initial=0))) + 1
    sums = np.bincount(owners, tastes.weights, len(tastes))
    keys = owners * width + tastes.items
    order = np.argsort(keys)
    at = np.searchsorted(keys[order], members * width + items)
    return tastes.weights[order[at]] / np.maximum(sums[members], np.finfo(np.float64).tiny)

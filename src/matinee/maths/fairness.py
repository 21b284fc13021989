"""Fairness to titles: what each gives to those who would like it, the worst and the best served, and scores scaled.

Zhu, Kim, Nguyen, Fenton and Caverlee, "Fairness among New Items in Cold Start Recommender Systems",
SIGIR 2021: equal opportunity among new titles, judged by the worst off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from matinee.maths.arrays import Doubles, Int32s
from matinee.maths.ragged import Ragged, owners_of

WORST, BEST = (0.1, 0.2, 0.3), 0.1  # shares of the titles


class Gains(NamedTuple):
    """By member and title, (members, titles) sparse: `gained` 1 / log2(1 + place) where a wanted title stands
    in the list, and `wanted` 1 where it is wanted.
    """

    gained: sparse.csr_matrix
    wanted: sparse.csr_matrix

    def weighed(self, weights: Doubles) -> Doubles:
        """(draws, titles) mean discounted gain of each title, NaN for titles that nobody wants.

            MDG_i = sum_u w_u 1[z_ui <= n] / log2(1 + z_ui) / sum_u w_u,  over members u who want i

        z the place of i in the list of n; `weights` (draws, members) how much each member counts.
        """
        gained, wanted = weights @ self.gained, weights @ self.wanted
        return np.asarray(np.divide(gained, wanted, out=np.full_like(gained, np.nan), where=wanted > 0))


def gains_of(ranked: Int32s, targets: Ragged, titles: int) -> Gains:
    """Of lists `ranked` (members, n), -1 = empty, and what each member wants."""
    assert len(ranked) == len(targets), f"{len(ranked)} lists, {len(targets)} members who want"
    shape, owners = (len(ranked), titles), owners_of(targets.offsets)
    wanted = sparse.csr_matrix((np.ones(len(owners)), (owners, targets.values)), shape)
    rows, places = np.nonzero(ranked >= 0)
    discounts = 1.0 / np.log2(2.0 + places)
    listed = sparse.csr_matrix((discounts, (rows, ranked[rows, places])), shape)
    return Gains(listed.multiply(wanted).tocsr(), wanted)


def tails(gains: Doubles, worst: Sequence[float] = WORST, best: float = BEST) -> Doubles:
    """(..., worst + 1) the mean of the worst shares of titles and of the best share, at least one title each.

    `gains` (..., titles), NaN = left out; NaN where every title is.
    """
    ordered = np.sort(gains, axis=-1)  # NaN last
    known = np.isfinite(ordered).sum(axis=-1)
    sums = np.concatenate([np.zeros((*ordered.shape[:-1], 1)), np.nancumsum(ordered, axis=-1)], axis=-1)

    def upto(count: np.ndarray) -> Doubles:
        return np.asarray(np.take_along_axis(sums, count[..., None], axis=-1)[..., 0])

    some = np.maximum(known, 1)
    sizes = [np.maximum(np.rint(share * known), 1).astype(int) for share in (*worst, best)]
    means = [upto(np.minimum(size, known)) / np.minimum(size, some) for size in sizes[:-1]]
    last = np.minimum(sizes[-1], some)
    means.append((upto(known) - upto(np.maximum(known - last, 0))) / last)
    return np.where(known[..., None] > 0, np.stack(means, axis=-1), np.nan)


def scaled(scores: Doubles, reference: Doubles, strength: float) -> Doubles:
    """(members, titles) scores of which each title has more nearly the same distribution over members.

        s'_ui = s_ui + strength ((s_ui - mean_i) / deviation_i * deviation + mean - s_ui)

    mean_i and deviation_i of title i over the members of `reference` (members, titles), mean and deviation
    their means over titles. At 1 every title is the first choice of its own members as often as any other.
    The post-processor by score scaling, in its simplest linear form; a title of one score for all keeps it.
    """
    assert scores.shape[1] == reference.shape[1], f"scores {scores.shape}, reference {reference.shape}"
    means, deviations = reference.mean(axis=0), reference.std(axis=0)
    varied = deviations > 1e-12
    unit = np.divide(scores - means, deviations, out=np.zeros(scores.shape), where=varied)
    same = unit * deviations[varied].mean() + means.mean() if varied.any() else scores
    return np.asarray(scores + strength * np.where(varied, same - scores, 0.0))


def quantiles(scores: Doubles, reference: Doubles) -> Doubles:
    """(members, titles) the share of `reference` members (rows) who score the title lower than this member does.

    Over members like those of the reference each title's quantiles are uniform: by them every title is the best
    of a list as often as any other.
    """
    assert scores.shape[1] == reference.shape[1], f"scores {scores.shape}, reference {reference.shape}"
    ordered = np.sort(reference, axis=0)
    lower = [np.searchsorted(column, own) for column, own in zip(ordered.T, scores.T, strict=True)]
    return np.column_stack(lower) / len(reference)


def with_floor(ranked: Int32s, shares: Doubles, places: int) -> Int32s:
    """Lists `ranked` (members, n) whose last `places` go to the titles of largest `shares` (members, titles), those of
    `quantiles`, that stand in none of the places before: an exposure floor for every title.
    """
    assert 0 <= places <= ranked.shape[1], f"{places} places of {ranked.shape[1]}"
    kept, left = ranked[:, : ranked.shape[1] - places], shares.copy()
    rows, columns = np.nonzero(kept >= 0)
    left[rows, kept[rows, columns]] = -np.inf
    given = np.argsort(-left, axis=1, kind="stable")[:, :places]
    return np.column_stack([kept, given]).astype(np.int32)

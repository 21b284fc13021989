"""What accuracy does not see: how much of the catalogue lists show, how novel, varied and skewed they are.

Lists are `ranked` (members, n) int32, -1 = empty. Functions of lists return one value per member, NaN where the
member's list or profile says nothing; functions of exposure return one value per row of exposure.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from matinee.maths.arrays import Doubles, Int32s
from matinee.maths.ragged import offsets_of

CALIBRATION_ALPHA = 0.01


def shown(ranked: Int32s, titles: int) -> sparse.csr_matrix:
    """Who is shown what: (members, titles) float64, the number of times each title stands in each list."""
    filled = ranked >= 0
    offsets = offsets_of(filled.sum(axis=1))
    return sparse.csr_matrix((np.ones(offsets[-1]), ranked[filled], offsets), shape=(len(ranked), titles))


def coverage(exposure: Doubles) -> Doubles:
    """Share of the catalogue shown at least once, in 0..1. `exposure` (..., titles) counts of showings."""
    return np.asarray((exposure > 0).mean(axis=-1))


def gini(exposure: Doubles) -> Doubles:
    """Gini index of exposure over titles: 0 = all shown equally, (titles - 1) / titles = one title has it all.

    sum_j (2 j - n - 1) x_j / (n sum x), x sorted ascending, j = 1..n. `exposure` (..., titles), not all zero.
    """
    n = exposure.shape[-1]
    weights = 2.0 * np.arange(1, n + 1) - n - 1
    spread = np.sort(exposure, axis=-1) @ weights
    return np.asarray(spread / (n * exposure.sum(axis=-1)))


def repeats(exposure: Doubles) -> Doubles:
    """Chance that two showings, drawn at random, are of one title: sum x (x - 1) / (N (N - 1)), N = sum x.

    Its inverse is the number of titles that share the exposure in effect. Unlike `gini` it does not move with the
    number of showings (Simpson, "Measurement of diversity", 1949). `exposure` (..., titles) counts; 0 below two.
    """
    total = exposure.sum(axis=-1)
    alike = (exposure * (exposure - 1.0)).sum(axis=-1)
    return np.asarray(np.divide(alike, total * (total - 1.0), out=np.zeros_like(total), where=total > 1))


def overlap(viewers: Doubles, members: Doubles) -> Doubles:
    """Share of the titles shown to a member that another member, drawn at random, was shown too; 1 = all see the same.

    sum m (m - 1) / ((M - 1) sum m): `viewers` (..., titles) m members were shown each title, `members` (...,) M in all;
    0 below two members. Unlike the Jaccard index of pairs it needs no pairs, and does not move with M.
    """
    assert viewers.shape[:-1] == members.shape, f"viewers {viewers.shape} among members {members.shape}"
    shown_to = viewers.sum(axis=-1)
    pairs = (viewers * (viewers - 1.0)).sum(axis=-1)
    most = (members - 1.0) * shown_to
    return np.asarray(np.divide(pairs, most, out=np.zeros_like(shown_to), where=most > 0))


def novelty(ranked: Int32s, probability: Doubles) -> Doubles:
    """Mean surprise of the titles in each list, bits: mean of -log2 p(i), p(i) > 0 the share of members who know i.

    Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems", PNAS 2010.
    """
    return mean_of(ranked, -np.log2(probability))


def mean_of(ranked: Int32s, values: Doubles) -> Doubles:
    """Mean of a value per title over each list, NaN for an empty list. `values` (titles,)."""
    assert ranked.ndim == 2, f"lists {ranked.shape}"
    assert ranked.max(initial=-1) < len(values), f"title {ranked.max()} of {len(values)} values"
    filled = ranked >= 0
    total = np.where(filled, values[ranked], 0.0).sum(axis=1)
    return _divide(total, filled.sum(axis=1))


def intra_list_diversity(ranked: Int32s, vectors: Doubles) -> Doubles:
    """Mean over the pairs of a list of 1 - cosine of the titles' vectors; NaN below two titles.

    `vectors` (titles, d); the result is in 0..1 when they are >= 0. A title with a zero vector is unlike every other.
    Computed from the sum of unit vectors: sum over pairs of cos = (|sum v|^2 - sum |v|^2) / 2.
    Ziegler et al., "Improving recommendation lists through topic diversification", WWW 2005.
    """
    assert ranked.ndim == vectors.ndim == 2, f"lists {ranked.shape}, vectors {vectors.shape}"
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    filled = ranked >= 0
    picked = unit[ranked] * filled[:, :, None]
    alike = (picked.sum(axis=1) ** 2).sum(axis=1) - (picked**2).sum(axis=(1, 2))
    k = filled.sum(axis=1)
    return 1.0 - _divide(alike, np.where(k > 1, k * (k - 1), 0))


def miscalibration(wanted: Doubles, given: Doubles, alpha: float = CALIBRATION_ALPHA) -> Doubles:
    """How far each list's mix of genres is from the profile's: C_KL >= 0, nats; 0 = the same mix; lower is better.

    C_KL(p, q) = sum_g p_g log(p_g / ((1 - alpha) q_g + alpha p_g)); `wanted` p and `given` q are (members, genres),
    rows sum to one, or to zero where nothing is known (then NaN). Steck, "Calibrated recommendations", RecSys 2018.
    """
    assert wanted.shape == given.shape, f"wanted {wanted.shape}, given {given.shape}"
    mixed = (1.0 - alpha) * given + alpha * wanted
    ratio = np.divide(wanted, mixed, out=np.ones_like(wanted), where=wanted > 0)
    known = (wanted.sum(axis=1) > 0) & (given.sum(axis=1) > 0)
    return np.where(known, (wanted * np.log(ratio)).sum(axis=1), np.nan)


def popularity_lift(ranked_popularity: Doubles, profile_popularity: Doubles) -> Doubles:
    """How much more popular the list is than what the member chose: (list - profile) / profile; 0 = no bias.

    Both (members,) are mean numbers of likes per title; NaN where the profile is empty.
    Abdollahpouri et al., "The unfairness of popularity bias in recommendation", RMSE 2019.
    """
    assert ranked_popularity.shape == profile_popularity.shape, (
        f"{ranked_popularity.shape} lists, {profile_popularity.shape} profiles"
    )
    return _divide(ranked_popularity - profile_popularity, profile_popularity)


def _divide(top: Doubles, bottom: Doubles) -> Doubles:
    bottom = np.asarray(bottom, np.float64)
    quotient: Doubles = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return quotient

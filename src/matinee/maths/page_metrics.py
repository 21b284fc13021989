"""Page metrics: how well whole pages of rows place what members went on to enjoy. One value per member.

Pages are `items` (members, rows, columns) int32, -1 = empty. Targets are ragged as in `ranking_metrics`. A title
counts at its first place in reading order (row by row), so duplicates never help. Short rows need no special care.
"""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.maths.ranking_metrics import hits, recall


def page_recall(items: Int32s, offsets: Int64s, targets: Int32s, m: int, n: int) -> Doubles:
    """Recall@m-by-n: share of the targets inside the first `m` rows and `n` columns, in 0..1.

    With m = 1 it is recall@n of the first row. Sweep m with n = the width of the screen.
    Alvino and Basilico, "Learning a Personalized Homepage", Netflix Technology Blog, 2015.
    """
    assert items.ndim == 3, f"pages {items.shape}"
    window = items[:, :m, :n]
    return recall(hits(window.reshape(len(items), -1), offsets, targets), np.diff(offsets))


def page_ndcg(items: Int32s, offsets: Int64s, targets: Int32s, looked_at: Doubles) -> Doubles:
    """Two-dimensional NDCG: what the page gains where people look, over what the best page could, in 0..1.

    sum over first places of targets of P(i, j), divided by the sum of the min(|targets|, places) largest P(i, j);
    `looked_at` (rows, columns) holds P(i, j), the chance that place (row i, column j) is looked at. A target that
    stands twice counts where it is likeliest to be seen.
    """
    members, *places = items.shape
    assert looked_at.shape == tuple(places), f"looked_at {looked_at.shape} for pages of {tuple(places)}"
    wanted = np.diff(offsets)
    assert wanted.min(initial=1) > 0, "every member needs a target"
    likeliest = np.argsort(-looked_at.ravel(), kind="stable")
    gain = looked_at.ravel()[likeliest]
    hit = hits(items.reshape(members, -1)[:, likeliest], offsets, targets)
    ideal = np.cumsum(gain)[np.minimum(wanted, len(gain)) - 1]
    return np.asarray(hit @ gain / ideal)

"""Fairness: what lists give to the worst and the best served titles, and to members of short and long histories."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from matinee.evaluate.measure import Metric
from matinee.evaluate.results import Line, Table
from matinee.evaluate.summarise import gain_estimates, summarise
from matinee.history import Histories
from matinee.maths.arrays import Doubles, Flags, Int32s
from matinee.maths.fairness import WORST, gains_of
from matinee.maths.ragged import Ragged

LIKES = ((0, 0), (1, 5), (6, 20), (21, 100), (101, None))  # of a history, from and to
OF_TITLES = (
    *(
        Metric(
            f"mdg_worst_{100 * share:.0f}",
            f"MDG, worst {100 * share:.0f} %",
            "higher",
            "mean discounted gain of the titles that give least to the members who would like them",
        )
        for share in WORST
    ),
    Metric("mdg_best_10", "MDG, best 10 %", "", "the same of the titles that give most"),
)
KEYS = tuple(metric.key for metric in OF_TITLES)


def fairness(
    ndcg: Mapping[str, Doubles],
    ranked: Mapping[str, Int32s],
    histories: Histories,
    targets: Ragged,
    titles: int,
    rng: np.random.Generator,
) -> Table:
    """A line a model: NDCG by likes in the history, and mean discounted gain of titles.

    `ndcg` model -> (members,), `ranked` model -> lists (members, n); histories and targets of the same members.
    """
    groups = _by_likes(histories.tastes.lengths)
    metrics = tuple(groups)
    columns = np.column_stack(list(groups.values()))
    values = {name: np.where(columns, one[:, None], np.nan) for name, one in ndcg.items()}
    of_members = summarise(metrics, values, (), (), rng)
    lines = tuple(
        Line(line.model, {**line.estimates, **gain_estimates(gains_of(ranked[line.model], targets, titles), KEYS, rng)})
        for line in of_members.lines
    )
    return Table(metrics + OF_TITLES, lines)


def _by_likes(likes: np.ndarray) -> dict[Metric, Flags]:
    """The members (members,) of each range of `LIKES` that has any."""
    found = {}
    for low, high in LIKES:
        mask = (likes >= low) & (likes <= (np.inf if high is None else high))
        said = f"{low}" if high == low else f"{low}+" if high is None else f"{low} to {high}"
        if mask.any():
            about = f"NDCG of the {mask.sum():,} members with so many likes before"
            found[Metric(f"ndcg_likes_{low}", f"{said} likes", "higher", about)] = mask
    return found

"""Scorers side by side on one trial: a value a member, its interval, and the paired difference to the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from matinee.decision import Progress, Scorer
from matinee.evaluate.measure import Cutoff, measure_hits
from matinee.evaluate.summarise import by_member
from matinee.evaluate.trial import Trial
from matinee.maths.intervals import bootstrap_weights, percentile_interval, resampled_means

CACHE = Path("var/data")  # where data that a benchmark fetches are kept
DRAWS = 1_000

Doubles = NDArray[np.float64]


def compare(
    trial: Trial, scorers: Mapping[str, Scorer], cutoffs: Sequence[Cutoff], progress: Progress, seeds: int = 1
) -> list[dict[str, Any]]:
    """Fit and measure each with the seeds 0, 1, ...; a member's value is the mean over them. One row a scorer: name,
    every cutoff by its key, and difference, that of the first cutoff to the first scorer; each figure is [mean, low,
    high].
    """
    weights = bootstrap_weights(trial.n_members, DRAWS, np.random.default_rng(0))
    rows: list[dict[str, Any]] = []
    first: Doubles | None = None
    for at, (name, scorer) in enumerate(scorers.items()):
        progress(name, at / len(scorers))
        rngs = (np.random.default_rng(seed) for seed in range(seeds))
        values = np.mean([measured(trial, scorer.fit(trial.data, rng), cutoffs) for rng in rngs], axis=0)
        first = values if first is None else first
        figures = {cutoff.named.key: interval(values[:, k], weights) for k, cutoff in enumerate(cutoffs)}
        rows.append({"name": name, **figures, "difference": interval(values[:, 0] - first[:, 0], weights)})
    return rows


def measured(trial: Trial, scorer: Scorer, cutoffs: Sequence[Cutoff]) -> Doubles:
    """(members, cutoffs) the means over each member's requests. A cutoff of whole lists needs given candidates."""
    longest = int(np.diff(trial.candidates.offsets).max()) if trial.candidates else 0
    depth = max(longest if cutoff.n is None else cutoff.n for cutoff in cutoffs)
    ranked = np.concatenate([trial.rank(scorer, rows, depth) for rows in trial.blocks()])
    return by_member(measure_hits(ranked, trial.targets, cutoffs), trial.members)


def interval(column: Doubles, weights: Doubles) -> list[float]:
    """[mean, low, high] of one value a member: the 95 % bootstrap interval over members."""
    low, high = percentile_interval(resampled_means(column[:, None], weights))
    return [float(np.nanmean(column)), float(low[0]), float(high[0])]


def table_of(rows: Sequence[Mapping[str, Any]], title: str) -> Table:
    """What `compare` found, to be printed."""
    figures = [key for key in rows[0] if key != "name"]
    table = Table(title=title)
    for key in ("name", *figures):
        table.add_column(key, justify="left" if key == "name" else "right")
    for row in rows:
        table.add_row(row["name"], *("{:.4f} [{:.4f}, {:.4f}]".format(*row[key]) for key in figures))
    return table

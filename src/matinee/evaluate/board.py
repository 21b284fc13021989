"""The board: what a leaderboard found, on the terminal, as plain data, and as a page with plots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from matinee.evaluate.cost import Cost
from matinee.evaluate.published import Published
from matinee.evaluate.report import plain
from matinee.evaluate.results import Group


@dataclass(frozen=True, slots=True)
class Standings:
    """Everything measured under one protocol.

    `main` is the key of the metric by which models are compared, with `baseline`; `groups` begin with everybody;
    `seed_means` model -> metric key -> mean of each seed; `published` what others found on the same data.
    """

    dataset: str
    licence: str
    protocol: str
    about: str
    titles: int
    train_events: int
    train_members: int
    requests: int
    draws: int
    main: str
    baseline: str
    groups: tuple[Group, ...]
    costs: Mapping[str, Cost]
    seed_means: Mapping[str, Mapping[str, tuple[float, ...]]]
    published: tuple[Published, ...]
    method: tuple[str, ...]

    def spread(self, model: str, key: str) -> float:
        """Standard deviation of a metric over the seeds; NaN with one."""
        means = self.seed_means[model][key]
        return float(np.std(means, ddof=1)) if len(means) > 1 else float("nan")


@dataclass(frozen=True, slots=True)
class Board:
    """What one leaderboard found, in three forms; `standings` holds the numbers."""

    standings: Standings

    def json(self) -> dict[str, Any]:
        """Plain data: dicts, lists, text and numbers, None where nothing could be measured."""
        return dict(plain(asdict(self.standings)))

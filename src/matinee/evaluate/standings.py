"""The standings: everything that one leaderboard measured, as plain numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from matinee.evaluate.cost import Cost
from matinee.evaluate.measure import Metric
from matinee.evaluate.published import Published
from matinee.evaluate.results import Estimate, Group, Line


@dataclass(frozen=True, slots=True)
class Standings:
    """Everything measured under one protocol, models from best to worst.

    The first metric of a group's lists is the one by which models are compared, with `baseline` and with the first
    model; `groups` begin with everybody; `seed_means` model -> metric key -> mean of each seed; `refused` model -> why
    it could not be fitted or could not rank; `published` what others found on the same data.
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
    baseline: str
    groups: tuple[Group, ...]
    costs: Mapping[str, Cost]
    seed_means: Mapping[str, Mapping[str, tuple[float, ...]]]
    refused: Mapping[str, str]
    published: tuple[Published, ...]
    method: tuple[str, ...]

    @property
    def main(self) -> Metric:
        """The metric by which models are compared."""
        return self.groups[0].lists.metrics[0]

    def spread(self, model: str, key: str) -> float:
        """Standard deviation of a metric over the seeds; NaN with one."""
        means = self.seed_means[model][key]
        return float(np.std(means, ddof=1)) if len(means) > 1 else float("nan")

    def quality_and_cost(self) -> Iterator[Line]:
        """The main metric of each model beside its seconds of fitting and milliseconds a request."""
        for line in self.groups[0].lists.lines:
            cost = self.costs[line.model]
            known = {key: Estimate(value, value, value) for key, value in _plotted(cost).items()}
            yield Line(line.model, {self.main.key: line.estimates[self.main.key], **known})

    def quality_and_reach(self) -> Iterator[Line]:
        """The main metric of each model beside what accuracy does not see."""
        whole = self.groups[0]
        for line, other in zip(whole.lists.lines, whole.beyond.lines if whole.beyond else (), strict=False):
            yield Line(line.model, {**line.estimates, **other.estimates})


def _plotted(cost: Cost) -> dict[str, float]:
    return {"fit_seconds": cost.fit_seconds, "request_ms": cost.request_ms}

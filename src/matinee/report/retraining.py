"""The report on a model that is retrained on its own log: each measure, without and with damping, over trainings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from matinee.evaluate.measure import Metric
from matinee.evaluate.retrained import MEASURES, Retrained
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import student
from matinee.report.courses import Series
from matinee.report.curves import Curves, CurvesReport, Rows, Section
from matinee.report.offline import plain
from matinee.report.terminal import grid
from matinee.report.words import interval

METHOD = (
    "Each arm lives in the same worlds, one a seed; until the first training titles are drawn by chance.",
    "Late: the mean over the later half of the trainings, with 95 % t intervals over seeds; changes are of the same "
    "worlds.",
    "Damped: a tenth of the decisions is left to chance, and genre rates weigh looks by 1 / probability.",
)


@dataclass(frozen=True, slots=True)
class RetrainingReport:
    """What came of retraining in a world after `source`."""

    retrained: Retrained
    source: str

    def findings(self) -> Iterator[str]:
        """What damping does, a sentence a measure."""
        for arm in list(self.retrained.arms)[1:]:
            for metric in MEASURES:
                change = interval(self.retrained.change(arm, metric.key), sign=True)
                yield f"{arm.capitalize()}, {metric.label.lower()} changes by {change}."

    def table(self) -> RenderableType:
        """For the terminal."""
        told = grid(self.title, *self._heads())
        for row in self._rows():
            told.add_row(*row)
        return told

    def json(self) -> dict[str, Any]:
        """Plain data: every stretch of every seed."""
        told = self.retrained
        arms = {name: {key: one.tolist() for key, one in of.items()} for name, of in told.arms.items()}
        return dict(plain({"model": told.model, "every": told.every, "members": told.members, "arms": arms}))

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        section = Section(
            "From training to training",
            "Lines are means over seeds, bands their 95 % intervals.",
            [self._curves(metric) for metric in MEASURES],
            [Rows("Late, and how much more than as it is", ("measure", *self._heads()), list(self._rows()))],
        )
        lead = "What becomes of variety and reward when a model learns from what it showed."
        CurvesReport(self.title, lead, list(self.findings()), [section], METHOD).write_html(path)

    @property
    def title(self) -> str:
        """What was done, in words."""
        told = self.retrained
        return (
            f"{told.model} retrained every {told.every} days: {told.members:,} members after {self.source}, "
            f"{told.seeds} seeds"
        )

    def _heads(self) -> list[str]:
        arms = list(self.retrained.arms)
        return [*arms, *(f"{arm}, change" for arm in arms[1:])]

    def _rows(self) -> Iterator[tuple[str, ...]]:
        told, (_, *others) = self.retrained, self.retrained.arms
        for metric in MEASURES:
            late = [interval(told.late(arm, metric.key)) for arm in told.arms]
            yield metric.label, *late, *(interval(told.change(arm, metric.key), sign=True) for arm in others)

    def _curves(self, metric: Metric) -> Curves:
        lines = [_series(name, one[metric.key], k) for k, (name, one) in enumerate(self.retrained.arms.items())]
        at = [str(k + 1) for k in range(len(lines[0].values))]
        return Curves(f"{metric.label}: {metric.about}", "training", at, lines)


def _series(name: str, courses: Doubles, key: int) -> Series:
    """A line over trainings out of (seeds, stretches), without the first stretch, which is chance's."""
    values, lows, highs = (one.tolist() for one in student(courses[:, 1:]))
    return Series(name, values, key, lows, highs)

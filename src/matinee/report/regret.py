"""The report on regret: curves of choosers in one domain after the other, and what each lost in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matinee.evaluate.results import Estimate
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import normal
from matinee.report import html
from matinee.report.courses import LINES, Series
from matinee.report.words import interval

POINTS = 50  # of a curve


@dataclass(frozen=True, slots=True)
class RegretIn:
    """A domain: its name, what it is, `regret` by chooser (learners, steps) summed until each of `times` (steps,)."""

    name: str
    about: str
    times: Sequence[int]
    regret: Mapping[str, Doubles]

    @property
    def ends(self) -> dict[str, Estimate]:
        """What each chooser lost in the end, with its interval over learners."""
        return {name: Estimate(*normal(one[:, -1])) for name, one in self.regret.items()}

    @property
    def finding(self) -> str:
        """Who lost least, in a sentence."""
        ends = self.ends
        best = min(ends, key=lambda name: ends[name].value)
        return f"{self.name}: {best} loses least, {interval(ends[best])} after {self.times[-1]:,} decisions."

    @property
    def said(self) -> list[str]:
        """The times of the curves' points."""
        return [f"{self.times[at]:,}" for at in self._points]

    @property
    def curves(self) -> list[Series]:
        """Mean and 95 % band of each chooser."""
        return list(self._curves())

    def _curves(self) -> Iterator[Series]:
        for key, (name, one) in enumerate(self.regret.items()):
            told = [normal(one[:, at]) for at in self._points]
            values, lows, highs = (list(each) for each in zip(*told, strict=True))
            yield Series(name, values, key % LINES, lows, highs)

    @property
    def _points(self) -> list[int]:
        last = len(self.times) - 1
        return [int(at) for at in np.unique(np.linspace(0, last, min(POINTS, last + 1)).astype(int))]


@dataclass(frozen=True, slots=True)
class RegretReport:
    """Domains, each with a plot and a table; `method` says how it was measured."""

    title: str
    domains: Sequence[RegretIn]
    method: Sequence[str]

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html.page("regret.html.j2", report=self), encoding="utf-8")

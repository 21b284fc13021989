"""The report on dials: what each buys and what it costs, as a page with a plot for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matinee.evaluate.measure import Metric
from matinee.evaluate.results import Estimate, Line
from matinee.report import html
from matinee.report.words import interval


@dataclass(frozen=True, slots=True)
class TradeOff:
    """One way of turning: its name, its `own` metric and the `cost`, a line for each setting from 0 on. `changes`
    (settings,): of the cost against the first setting, paired.
    """

    name: str
    about: str
    own: Metric
    cost: Metric
    lines: Sequence[Line]
    changes: Sequence[Estimate]

    @property
    def finding(self) -> str:
        """What the last setting buys and costs, in a sentence."""
        first, last = (line.estimates[self.own.key] for line in (self.lines[0], self.lines[-1]))
        steps = f"from {self.lines[0].model} to {self.lines[-1].model}"
        return (
            f"{self.name}: {steps} {self.own.label} goes from {interval(first)} to {interval(last)}, and "
            f"{self.cost.label} changes by {interval(self.changes[-1], sign=True)}."
        )


@dataclass(frozen=True, slots=True)
class DialsReport:
    """What turning dials did; `method` says how it was measured."""

    title: str
    trades: Sequence[TradeOff]
    method: Sequence[str]

    def findings(self) -> Iterator[str]:
        """A sentence for each."""
        return (one.finding for one in self.trades)

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html.page("dials.html.j2", report=self), encoding="utf-8")

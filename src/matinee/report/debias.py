"""The report on corrected models: what correction gains over likes as they stand, by policy and cap, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matinee.evaluate.results import Estimate
from matinee.report import html
from matinee.report.words import p_value, percent


@dataclass(frozen=True, slots=True)
class Gain:
    """One corrected model against the uncorrected one of its kind under one policy: `relative` change of NDCG."""

    model: str
    cap: float
    relative: Estimate
    p: float
    effective: float

    @property
    def name(self) -> str:
        """Model and cap, for a row."""
        return f"{self.model}, cap {self.cap:g}"


@dataclass(frozen=True, slots=True)
class Under:
    """What was measured under one logging policy: where titles are shown by chance (`uniform`), and by the policy."""

    policy: str
    about: str
    uniform: Sequence[Gain]
    biased: Sequence[Gain]

    def rows(self) -> list[tuple[str, Estimate]]:
        """Every change where chance shows titles, in percent, for a plot."""
        return [(one.name, _percent(one.relative)) for one in self.uniform]

    @property
    def finding(self) -> str:
        """The best and the worst, in a sentence."""
        best, worst = max(self.uniform, key=_value), min(self.uniform, key=_value)
        hurts = f"; {worst.name} loses most, {percent(worst.relative)}" if worst.relative.high < 0 else ""
        return f"{self.policy}: {best.name} gains {percent(best.relative)} ({p_value(best.p)}){hurts}."


@dataclass(frozen=True, slots=True)
class DebiasReport:
    """What correction did; `method` says how it was measured, `more` what else was found."""

    title: str
    policies: Sequence[Under]
    method: Sequence[str]
    more: Sequence[str] = ()

    def findings(self) -> Iterator[str]:
        """A sentence a policy, and what else was found."""
        yield from (one.finding for one in self.policies)
        yield from self.more

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html.page("debias.html.j2", report=self), encoding="utf-8")


def _value(one: Gain) -> float:
    return one.relative.value


def _percent(one: Estimate) -> Estimate:
    return Estimate(100 * one.value, 100 * one.low, 100 * one.high)

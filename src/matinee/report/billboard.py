"""The report on billboards in worlds: regret, gems and new titles over days, and estimates beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matinee.evaluate.results import Estimate
from matinee.report import html
from matinee.report.courses import Series
from matinee.report.simulation import Judgement


@dataclass(frozen=True, slots=True)
class Told:
    """The estimates of one log, as they are drawn."""

    log: str
    spans: Sequence[tuple[str, Estimate]]
    truths: Sequence[float]

    @classmethod
    def of(cls, name: str, judgement: Judgement) -> Told:
        """Those of a judgement, under this name."""
        told = judgement.told
        return cls(name, [(one.name, one.estimate) for one in told], [one.truth for one in told])


@dataclass(frozen=True, slots=True)
class BillboardReport:
    """What billboards did in worlds: `findings` in words; over `days` a heading, what it is, and lines, for each plot;
    the `judgements` of logs; and how it was measured.
    """

    title: str
    lead: str
    findings: Sequence[str]
    days: Sequence[str]
    over_days: Sequence[tuple[str, str, Sequence[Series]]]
    judgements: Sequence[Told]
    method: Sequence[str]

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html.page("billboard.html.j2", report=self), encoding="utf-8")

"""Curves and tables of a benchmark as a page: what was found, section by section, and how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matinee.report import html
from matinee.report.courses import Series


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines over `at`, whose unit is `across`: a number of `label` each."""

    label: str
    across: str
    at: Sequence[str]
    series: Sequence[Series]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of texts: `caption`, the heads of its columns, and its rows, the first text of each naming it."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page; every number of its curves stands in a table below them."""

    heading: str
    about: str
    curves: Sequence[Curves] = ()
    tables: Sequence[Rows] = ()


@dataclass(frozen=True, slots=True)
class CurvesReport:
    """`findings` are sentences, `method` says how it was measured."""

    title: str
    lead: str
    findings: Sequence[str]
    sections: Sequence[Section]
    method: Sequence[str]

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html.page("curves.html.j2", report=self), encoding="utf-8")

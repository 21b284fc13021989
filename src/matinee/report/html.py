"""Reports as web pages that need nothing else: plots, tables and words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from matinee.evaluate.measure import NDCG
from matinee.evaluate.results import Results
from matinee.report import courses, plots, words
from matinee.report.plots import CLASSES


def render(results: Results) -> str:
    """The whole page of an evaluation as text; names from the data are escaped."""
    return page("report.html.j2", results=results, ndcg=NDCG)


def page(template: str, **values: Any) -> str:
    """A template of this folder, filled in; names from the data are escaped."""
    return _environment().get_template(template).render(**values)


def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {
        "calibration": plots.calibration,
        "changes": plots.changes,
        "classes": CLASSES,
        "findings": words.findings,
        "forest": plots.forest,
        "heading": words.heading,
        "number": words.number,
        "over_days": courses.over_days,
        "p_value": words.p_value,
        "percent": words.percent,
        "scatter": plots.scatter,
        "shares": plots.shares,
        "side_by_side": plots.side_by_side,
        "size": words.size,
        "small": courses.SMALL,
        "spans": plots.spans,
    }
    return found

"""The report as one web page that needs nothing else: plots, tables and words."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from matinee.evaluate import plots, words
from matinee.evaluate.measure import NDCG
from matinee.evaluate.plots import CLASSES
from matinee.evaluate.results import Results


def render(results: Results) -> str:
    """The whole page as text; names from the data are escaped."""
    template = _environment().get_template("report.html.j2")
    return template.render(results=results, ndcg=NDCG, classes=CLASSES)


def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {
        "forest": plots.forest,
        "scatter": plots.scatter,
        "side_by_side": plots.side_by_side,
        "findings": words.findings,
        "heading": words.heading,
        "number": words.number,
        "p_value": words.p_value,
    }
    return found

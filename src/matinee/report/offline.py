"""The report: results as a table on the terminal, as plain data, and as a page with plots."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from matinee.evaluate.results import Results
from matinee.report import html, terminal
from matinee.report.words import findings


@dataclass(frozen=True, slots=True)
class Report:
    """What one evaluation found, in three forms; `results` holds the numbers."""

    results: Results

    def table(self) -> RenderableType:
        """For the terminal, 100 columns wide: print it with `rich.console.Console().print`."""
        return terminal.render(self.results)

    def json(self) -> dict[str, Any]:
        """Plain data: dicts, lists, text and numbers, None where nothing could be measured; `findings` in words."""
        found = plain(asdict(self.results))
        for protocol, results in zip(found["protocols"], self.results.protocols, strict=True):
            protocol["findings"] = list(findings(results, self.results.n))
        return dict(found)

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        path.write_text(html.render(self.results), encoding="utf-8")


def plain(value: Any) -> Any:
    """Dataclasses' dicts and tuples as JSON can hold them; None for a number that is none."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

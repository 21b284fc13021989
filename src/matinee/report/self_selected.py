"""The report on learners from ratings that members chose: on the terminal, as plain data, and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.text import Text

from matinee.evaluate.self_selected import HELD_OUT, METRICS, SLICE, Judged
from matinee.report import html
from matinee.report.offline import plain
from matinee.report.terminal import grid
from matinee.report.words import interval, number

METHOD = (
    "All learn from the ratings that members chose and are tested on ratings that chance chose.",
    f"Propensities: naive Bayes reads {SLICE:.0%} of the ratings at random, which are not tested; logistic and "
    "popularity read none.",
    f"Penalties are chosen on {HELD_OUT:.0%} of the chosen ratings, each learner by its own estimate of its error.",
    "Intervals are normal, 95 %, over seeds: draws of the parts and of the start. They say nothing of other data.",
)


@dataclass(frozen=True, slots=True)
class SelfSelectedReport:
    """What `evaluate.self_selected.judge` found, in three forms."""

    judged: Judged

    def findings(self) -> Iterator[str]:
        """What the numbers say, in plain sentences."""
        naive = self.judged.lines[0].estimates["mse"].value
        for one in self.judged.differences:
            change = one.estimates["mse"]
            clear = change.high < 0 or change.low > 0
            word = ("lower" if change.value < 0 else "higher") if clear else "no clearly different"
            yield f"{one.model}: {word} MSE than naive, {interval(change, sign=True)} of {number(naive, 3)}."

    def table(self) -> RenderableType:
        """For the terminal: print it with `rich.console.Console().print`."""
        j = self.judged
        head = Text(f"{j.data}: propensities by {j.config.propensity}, {j.seeds} seeds", style="bold")
        scores = grid("On ratings at random", *(f"{one.label} ({one.better} is better)" for one in METRICS))
        for line in j.lines:
            scores.add_row(line.model, *(interval(line.estimates[one.key]) for one in METRICS))
        told = grid("The naive learner's squared error, as told by", "from chosen ratings left out")
        for name, one in j.told:
            told.add_row(name, interval(one))
        told.add_row("the truth", interval(j.truth))
        said = [Text(f"· {one}") for one in self.findings()]
        return Stack(head, scores, told, *said, Text("\n".join(f"· {one}" for one in METHOD), style="dim"))

    def json(self) -> dict[str, Any]:
        """Plain data: dicts, lists, text and numbers."""
        return {**plain(asdict(self.judged)), "findings": list(self.findings())}

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        plots = [(one, [(line.model, line.estimates[one.key]) for line in self.judged.lines]) for one in METRICS]
        page = html.page("self_selected.html.j2", report=self, judged=self.judged, plots=plots, method=METHOD)
        path.write_text(page, encoding="utf-8")

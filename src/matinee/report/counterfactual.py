"""The report on a policy that never ran: on the terminal, as plain data, and as a page with a plot."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from matinee.evaluate.counterfactual import Counterfactual, Part
from matinee.evaluate.results import Estimate
from matinee.report import html
from matinee.report.offline import plain
from matinee.report.terminal import grid
from matinee.report.words import interval, number

LABELS = {"played": "plays", "opened": "opens", "completed": "plays to the end", "enjoyed": "enjoyment"}
METHOD = (
    "A decision counts as often as the new policy would have made it: its probability there over the logged one.",
    "First rows are judged down to a depth, whatever stands below. One by one: the new policy makes one choice, after "
    "what the log had chosen before; the effects of all are added up.",
    "Weights are 1 on average; what they miss of that is taken out of the estimate (Delta-OPE). Intervals are 95 %, "
    "by Cressie-Read likelihood over members: however often a member comes, they are one member.",
    "By clicks, where nothing was left to chance: what came of a title counts as many times as its new place is looked "
    "at for each time of the old (CIPS). Titles that the logged page hardly showed stay unknown.",
    "Effective sample size: decisions of the new policy that the log is worth. Below 100 it cannot tell.",
    "What members do later because of a better page is not in it: histories are those of the log.",
)


@dataclass(frozen=True, slots=True)
class CounterfactualReport:
    """What a log tells of a policy that never ran, in three forms; `found` holds the numbers."""

    found: Counterfactual

    @property
    def label(self) -> str:
        """What is measured, in words."""
        return f"{LABELS[self.found.reward]} a decision"

    def table(self) -> RenderableType:
        """For the terminal, 100 columns wide: print it with `rich.console.Console().print`."""
        said = (Padding(Text(f"· {one}"), (0, 0, 0, 1)) for one in findings(self.found, self.label))
        method = Text("\n".join(f"· {line}" for line in METHOD), style="dim")
        head = Text(title(self.found), style="bold")
        return Stack(head, *said, _table(self.found, self.label), Rule("How it was measured", style="dim"), method)

    def json(self) -> dict[str, Any]:
        """Plain data: dicts, lists, text and numbers, None where nothing could be told; `findings` in words."""
        parts = [{**asdict(one), "verdict": verdict(one)} for one in self.found.parts]
        return {**plain({**asdict(self.found), "parts": parts}), "findings": list(findings(self.found, self.label))}

    def write_html(self, path: Path) -> None:
        """Write one file with a plot and a table that needs nothing else to open."""
        told = {"found": self.found, "label": self.label, "said": list(findings(self.found, self.label))}
        told |= {"title": title(self.found), "verdict": verdict, "method": METHOD}
        path.write_text(html.page("counterfactual.html.j2", **told), encoding="utf-8")


def title(found: Counterfactual) -> str:
    """What is asked."""
    return f"{found.policy} instead of what was served on {found.surface}, from the service's own log"


def findings(found: Counterfactual, label: str) -> Iterator[str]:
    """The verdict on each part in a plain sentence, and what was left out."""
    for one in found.parts:
        yield f"{one.name.capitalize()}: {verdict(one)}."
    most = max(found.parts, key=lambda one: one.stuck)
    if most.stuck:
        yield (
            f"{most.name.capitalize()}: in {most.stuck:,} of {most.decisions:,} decisions nothing was left to chance "
            f"and the new policy would choose otherwise; what it earns there is unknown ({most.named})."
        )
    within = f"{found.days:g} day{'' if found.days == 1 else 's'}"
    yield f"Counted: {label}, of what came within {within} of {found.decisions:,} decisions."
    yield from found.notes


def verdict(part: Part) -> str:
    """Better, worse, no clear difference or the same, by how much; or that it cannot be told, and why."""
    if part.reason:
        return f"cannot be told from this log: {part.reason}"
    one = part.relative
    if one.low == one.high == 0:
        return "the same in every decision"
    if one.low > 0:
        return f"better by {_change(one)}"
    if one.high < 0:
        return f"worse by {_change(Estimate(-one.value, -one.high, -one.low))}"
    return f"no clear difference, {_change(one, sign=True)}"


def _change(one: Estimate, sign: bool = False) -> str:
    """Text like 3.1 % [0.8, 5.4]."""
    value, low, high = (number(100 * end, 1, sign) for end in (one.value, one.low, one.high))
    return f"{value} % [{low}, {high}]"


def _table(found: Counterfactual, label: str) -> Grid:
    made = grid(f"{label}, by part of the decision", "effective of", "logged", "new", "change")
    for one in found.parts:
        told = (interval(one.new), _change(one.relative, sign=True)) if _told(one) else ("–", "–")
        made.add_row(one.name, f"{one.effective:,.0f} of {one.decisions:,}", number(one.logged.value), *told)
    return made


def _told(part: Part) -> bool:
    return not part.reason and math.isfinite(part.relative.low)

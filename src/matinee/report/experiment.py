"""The report on an experiment: on the terminal, as plain data, and as a page with its course over days."""

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

from matinee.experiment.analyse import FIRST_LOOK, RATIO_LEVEL, Analysis, Course, Verdict
from matinee.experiment.panel import BEFORE_DAYS
from matinee.report import html
from matinee.report.courses import Series
from matinee.report.offline import plain
from matinee.report.terminal import grid
from matinee.report.words import number, p_value

LABELS = {
    "opened": "looks closer",
    "played": "plays",
    "completed": "plays to the end",
    "enjoyed": "enjoyment",
    "enjoyed-or-refused": "enjoyment less refusals",
    "returned": "days with a play after the first",
}
CLASSES = {Verdict.BETTER: "good", Verdict.WORSE: "bad", Verdict.OPEN: "open", Verdict.EARLY: "open"}
COLOURS = {Verdict.BETTER: "green", Verdict.WORSE: "red", Verdict.OPEN: "yellow", Verdict.EARLY: "dim"}
METHOD = (
    "An account is in the experiment from its first decision in an arm. From then on everything it does counts, on "
    "whatever surface; profiles of one account are one account.",
    "Bands hold the truth on all days together with the level named, however often somebody looks (normal mixture). "
    "Several arms share the level.",
    f"What an account did in the {BEFORE_DAYS} days before the start is taken off first (CUPED): it cannot differ by "
    "arm.",
    f"Nothing is said before every arm has {FIRST_LOOK} accounts. The check of shares raises a false alarm in at most "
    f"{100 * (1 - RATIO_LEVEL):.0f} % of experiments, however often somebody looks.",
)


@dataclass(frozen=True, slots=True)
class ExperimentReport:
    """What came of an experiment, in three forms; `analysis` holds the numbers."""

    analysis: Analysis

    @property
    def label(self) -> str:
        """What is measured, in words."""
        return f"{LABELS[self.analysis.metric]} per account and day"

    def table(self) -> RenderableType:
        """For the terminal, 100 columns wide: print it with `rich.console.Console().print`."""
        return Stack(*_parts(self.analysis, self.label))

    def json(self) -> dict[str, Any]:
        """Plain data: dicts, lists, text and numbers, None where nothing could be measured; `findings` in words."""
        return {**plain(asdict(self.analysis)), "findings": list(findings(self.analysis, self.label))}

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        page = html.page(
            "experiment.html.j2",
            found=self.analysis,
            label=self.label,
            said=list(findings(self.analysis, self.label)),
            series=series_of(self.analysis),
            colours=CLASSES,
            method=METHOD,
        )
        path.write_text(page, encoding="utf-8")


def findings(found: Analysis, label: str) -> Iterator[str]:
    """The verdict on each arm in plain sentences, after what would make it worthless."""
    if found.ratio.alarm:
        counts = " to ".join(f"{one.accounts:,}" for one in found.arms)
        shares = " to ".join(f"{one.share:g}" for one in found.arms)
        yield (
            f"Do not trust the result: accounts came {counts} where the shares are {shares} ({_always(found)}). "
            "Something keeps accounts of an arm from being counted; find it first."
        )
    control = found.arms[0].name
    yield from (_verdict(one, control, found, label) for one in found.courses)
    if found.variance_left < 1:
        yield f"What was known beforehand takes {number(100 * (1 - found.variance_left), 0)} % of the variance off."
    yield from (f"Left out: {count:,} {reason}." for reason, count in found.left_out)


def _verdict(course: Course, control: str, found: Analysis, label: str) -> str:
    if course.verdict is Verdict.EARLY:
        return (
            f"{course.arm}: too early to say anything: {found.arms[0].accounts:,} accounts in {control} and "
            f"{_accounts(found, course.arm):,} in {course.arm}, of {FIRST_LOOK} that each needs."
        )
    band = f"band {_signed(course.lows[-1])} to {_signed(course.highs[-1])}"
    change = "" if math.isnan(course.relative) else f", {number(100 * course.relative, 1, True)} %"
    said = f"{_signed(course.values[-1])} {label} ({band}{change}), {p_value(course.p[-1])}"
    if course.verdict is Verdict.OPEN:
        return f"{course.arm} is not clearly different from {control}: {said}. The band says how large it may still be."
    return f"{course.arm} is {course.verdict} {control}: {said}. Whoever stops now stops rightly."


def series_of(found: Analysis) -> list[Series]:
    """The courses as lines with bands; the control is the line at zero."""
    return [Series(one.arm, one.values, at, one.lows, one.highs) for at, one in enumerate(found.courses)]


def _parts(found: Analysis, label: str) -> Iterator[RenderableType]:
    days = f" · {found.days[0]} to {found.days[-1]}" if found.days else ""
    yield Text(f"{found.name} · {found.surface}{days}", style="bold")
    yield from (Padding(Text(f"· {said}"), (0, 0, 0, 1)) for said in findings(found, label))
    yield _arms(found, label)
    if any(map(math.isfinite, found.courses[0].values)):
        yield from (_days(one, found, label) for one in found.courses)
    yield Rule("How it was measured", style="dim")
    yield Text("\n".join(f"· {line}" for line in METHOD), style="dim")


def _arms(found: Analysis, label: str) -> Grid:
    made = grid(f"{label.capitalize()}", "share", "accounts", "mean", "verdict")
    verdicts = {one.arm: one.verdict for one in found.courses}
    for one in found.arms:
        verdict = verdicts.get(one.name)
        said = Text("control") if verdict is None else Text(f"{verdict} {found.arms[0].name}", COLOURS[verdict])
        made.add_row(one.name, f"{one.share:g}", f"{one.accounts:,}", number(one.mean), said)
    return made


def _days(course: Course, found: Analysis, label: str) -> Grid:
    """Of at most ten days, the last among them."""
    made = grid(f"{course.arm} less {found.arms[0].name}: {label}", "accounts", "difference", "band", "p so far")
    step = math.ceil(len(found.days) / 10)
    for at in range(len(found.days) - 1, -1, -step)[::-1]:
        band = f"{_signed(course.lows[at])} to {_signed(course.highs[at])}"
        ends = "–" if math.isnan(course.values[at]) else band
        accounts = f"{found.accounts[at]:,}"
        made.add_row(found.days[at], accounts, _signed(course.values[at]), ends, number(course.p[at]))
    return made


def _accounts(found: Analysis, arm: str) -> int:
    return next(one.accounts for one in found.arms if one.name == arm)


def _always(found: Analysis) -> str:
    return p_value(found.ratio.always_p)


def _signed(value: float) -> str:
    return number(value, 3, True)

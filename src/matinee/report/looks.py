"""The report on a service's own looks: on the terminal, as plain data, and as a page with plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from matinee.evaluate.looks import METHOD, Breakdown, Looks, Share
from matinee.evaluate.loops import Loops
from matinee.evaluate.sought import WEEK_DAYS
from matinee.report import html, loops
from matinee.report.offline import plain
from matinee.report.terminal import grid
from matinee.report.words import FEW, number, percent

LABELS = {  # of the rewards that are shares
    "played": "plays per look",
    "opened": "opens per look",
    "completed": "plays to the end per look",
    "liked": "likes per look",
    "enjoyed": "enjoyment per look",
}
NO_LOOKS = (
    "No impressions yet: the log holds {decisions:,} decisions that showed {shown:,} titles, and no event of a known "
    "member says that one was looked at. Serve, and send impression events that carry decision_id, row and column."
)


@dataclass(frozen=True, slots=True)
class LooksReport:
    """What the service's own log says, in three forms; `looks` and `sought` (`evaluate.sought`) hold the numbers,
    `loops` those of feedback loops.
    """

    looks: Looks
    sought: Share | None = None
    loops: Loops | None = None

    @property
    def label(self) -> str:
        """What is measured, in words."""
        return LABELS[self.looks.reward]

    def table(self) -> RenderableType:
        """For the terminal, 100 columns wide: print it with `rich.console.Console().print`."""
        told = () if self.loops is None else loops.parts(self.loops)
        return Stack(*_parts(self.looks, self.label, self._said), *told)

    def json(self) -> dict[str, Any]:
        """Plain data: dicts, lists, text and numbers, None where nothing could be measured; `findings` in words."""
        sought = None if self.sought is None else plain(asdict(self.sought))
        told = {**plain(asdict(self.looks)), "sought": sought, "findings": self._said}
        if self.loops is not None:
            told["loops"] = {**plain(asdict(self.loops)), "findings": list(loops.findings(self.loops))}
        return told

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        own = {"looks": self.looks, "label": self.label, "said": self._said, "few": FEW, "method": METHOD}
        path.write_text(html.page("looks.html.j2", **own, **self._of_loops()), encoding="utf-8")

    def _of_loops(self) -> dict[str, Any]:
        if self.loops is None:
            return {"loops": None}
        said, swinging = list(loops.findings(self.loops)), loops.lines(self.loops)
        return {"loops": self.loops, "loops_said": said, "swinging": swinging, "loops_method": loops.METHOD}

    @property
    def _said(self) -> list[str]:
        return [*findings(self.looks, self.label), *_of_sought(self.sought)]


def findings(looks: Looks, label: str) -> Iterator[str]:
    """What the looks say in plain sentences, and what is missing or left out."""
    if not looks.whole.looks:
        yield NO_LOOKS.format(decisions=looks.decisions, shown=looks.shown)
    else:
        yield f"{label.capitalize()}: {percent(looks.whole.rate)}, of {_counted(looks.whole)}."
        yield from _with_confidence(looks, label)
    if looks.unfinished:
        yield f"Younger than {_days(looks.days)}: {_looks(looks.unfinished)}, of which more may still come."
    if looks.left_out.total:
        named = ", ".join(one for some in looks.left_out.examples.values() for one in some)
        yield f"Decisions that cannot be read and are left out: {looks.left_out.total:,} (for example {named})."


def _of_sought(sought: Share | None) -> Iterator[str]:
    """What members found by themselves, and whether pages had shown it."""
    if sought is not None and sought.looks:
        found = "1 title was" if sought.looks == 1 else f"{sought.looks:,} titles were"
        yield (
            f"Plays that nobody recommended: {found} found by search or a link, by {sought.members:,} of the members; "
            f"the {WEEK_DAYS:.0f} days before had shown {percent(sought.rate)} of them to whoever sought them."
        )


def _with_confidence(looks: Looks, label: str) -> Iterator[str]:
    if looks.whole.members < FEW:
        yield f"Fewer than {FEW} members: too few to say anything with confidence."
        return
    for breakdown in looks.breakdowns:
        apart = _apart(breakdown.shares)
        if apart:
            most, least = apart
            yield (
                f"{breakdown.name}: more {label} in {most.name} ({percent(most.rate)}) than in {least.name} "
                f"({percent(least.rate)})."
            )
    yield _predicted(looks, label)


def _apart(shares: Sequence[Share]) -> tuple[Share, Share] | None:
    """The two groups of enough members that differ most, where their intervals do not meet."""
    enough = sorted((one for one in shares if one.members >= FEW), key=lambda one: -one.rate.value)
    pairs = [(one, other) for one, other in combinations(enough, 2) if one.rate.low > other.rate.high]
    return max(pairs, key=lambda pair: pair[0].rate.value - pair[1].rate.value, default=None)


def _predicted(looks: Looks, label: str) -> str:
    """Whether the scores promise what comes."""
    promised = sum(one.predicted * one.share.looks for one in looks.calibration) / looks.whole.looks
    rate = looks.whole.rate
    said = f"The scores of these looks predict {number(100 * promised, 1)} % on average"
    if rate.low <= promised <= rate.high:
        return f"{said}, which agrees with the {label}."
    return f"{said}, {'more' if promised > rate.high else 'less'} than the {label}."


def _parts(looks: Looks, label: str, findings: Sequence[str]) -> Iterator[RenderableType]:
    yield Text(f"{label.capitalize()}, from the service's own log", style="bold")
    yield from (Padding(Text(f"· {said}"), (0, 0, 0, 1)) for said in findings)
    if looks.whole.looks:
        yield from (_breakdown(one, label) for one in looks.breakdowns)
        yield _calibration(looks, label)
        yield Rule("How it was measured", style="dim")
        yield Text("\n".join(f"· {line}" for line in METHOD), style="dim")


def _breakdown(breakdown: Breakdown, label: str) -> Grid:
    made = grid(f"{breakdown.name}: {breakdown.about}", "looks", "members", label)
    for one in breakdown.shares:
        made.add_row(Text(one.name), f"{one.looks:,}", f"{one.members:,}", percent(one.rate))
    return made


def _calibration(looks: Looks, label: str) -> Grid:
    made = grid("Calibration: looks by the score of their title", "mean score", "looks", "members", label)
    for one in looks.calibration:
        share = one.share
        score = f"{number(100 * one.predicted, 1)} %"
        made.add_row(share.name, score, f"{share.looks:,}", f"{share.members:,}", percent(share.rate))
    return made


def _counted(share: Share) -> str:
    members = "1 member" if share.members == 1 else f"{share.members:,} members"
    return f"{_looks(share.looks)} by {members}"


def _looks(count: int) -> str:
    return "1 look" if count == 1 else f"{count:,} looks"


def _days(days: float) -> str:
    return "a day" if days == 1 else f"{days:g} days"

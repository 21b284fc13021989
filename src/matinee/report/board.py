"""The board: what a leaderboard found, on the terminal, as plain data, and as a page with plots."""

from __future__ import annotations

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

from matinee.evaluate.results import Group
from matinee.evaluate.standings import Standings
from matinee.report import html, words
from matinee.report.offline import plain
from matinee.report.terminal import comparisons, grid, half_widths
from matinee.report.words import number, size

COSTS = (("fit_seconds", "seconds to fit"), ("request_ms", "milliseconds a request"))
BEYOND = 20  # places that the metrics beyond accuracy look at


@dataclass(frozen=True, slots=True)
class Board:
    """What one leaderboard found, in three forms; `standings` holds the numbers."""

    standings: Standings

    def table(self) -> RenderableType:
        """For the terminal, 100 columns wide: print it with `rich.console.Console().print`."""
        return Stack(*_parts(self.standings))

    def json(self) -> dict[str, Any]:
        """Plain data: dicts, lists, text and numbers, None where nothing could be measured; `findings` in words."""
        return {**plain(asdict(self.standings)), "main": self.standings.main.key, "findings": _said(self.standings)}

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        found = self.standings
        page = html.page(
            "board.html.j2",
            board=found,
            said=_said(found),
            costs=COSTS,
            lines=list(found.quality_and_cost()),
            reach=list(found.quality_and_reach()),
        )
        path.write_text(page, encoding="utf-8")


def _said(board: Standings) -> list[str]:
    return [*words.refusals(board.refused), *words.standings(board.groups, board.main.key, board.main.label)]


def _parts(board: Standings) -> Iterator[RenderableType]:
    whole = board.groups[0]
    yield Text(f"{board.protocol} on {board.dataset}: {board.titles:,} titles", style="bold")
    yield Text(board.about, style="italic")
    yield Text(
        f"Fitted on {board.train_events:,} events of {board.train_members:,} members; {board.requests:,} requests.",
        style="dim",
    )
    for group in board.groups:
        yield _quality(group)
        if group is whole:
            yield from (comparisons(whole.lists, 0, board.main.key, [one]) for one in whole.lists.baselines)
    yield _costs(board)
    if whole.beyond is not None:
        yield half_widths(whole.beyond, whole.beyond.metrics, BEYOND, "what accuracy does not see")
    if board.published:
        yield _published(board)
    yield Text("\nIn words", style="bold")
    yield from (Padding(Text(f"· {said}"), (0, 0, 0, 1)) for said in _said(board))
    yield Rule("How it was measured", style="dim")
    yield Text("\n".join(f"· {line}" for line in board.method), style="dim")


def _quality(group: Group) -> Grid:
    return half_widths(
        group.lists,
        group.lists.metrics,
        0,
        f"{group.name}: {group.members:,} members, {group.targets:,} titles to predict",
        digits=4,
    )


def _costs(board: Standings) -> Grid:
    made = grid("cost", "fit, s", "memory", "artifact", "request, ms", "fits", f"sd of {board.main.label}")
    for model, cost in board.costs.items():
        made.add_row(
            model,
            number(cost.fit_seconds, 2),
            size(cost.fit_bytes),
            size(cost.artifact_bytes),
            number(cost.request_ms, 2),
            str(len(board.seed_means[model][board.main.key])),
            number(board.spread(model, board.main.key), 4),
        )
    return made


def _published(board: Standings) -> Grid:
    metrics = [m for m in board.groups[0].lists.metrics if any(m.key in one.figures for one in board.published)]
    made = grid("by others, or with other code, on the same data", *(metric.label for metric in metrics), "source")
    for one in board.published:
        figures = (one.figures.get(metric.key, float("nan")) for metric in metrics)
        made.add_row(one.model, *(number(figure, 4) for figure in figures), one.source)
    return made

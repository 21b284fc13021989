"""The report on the terminal: tables of at most 100 columns, and what they say in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group as Stack
from rich.console import RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from matinee.evaluate.fairness import OF_TITLES
from matinee.evaluate.measure import ACCURACY, EXPOSURE, PER_MEMBER, Metric
from matinee.evaluate.results import Comparison, Estimate, Group, ProtocolReport, Results, Table
from matinee.report.words import findings, heading, interval, number, p_value

COLOURS = {"beats": "green", "loses to": "red", "is not clearly different from": "yellow"}
MARKS = {"beats": "▲", "loses to": "▼", "is not clearly different from": "·"}


def render(results: Results) -> RenderableType:
    """All protocols, one after the other, and how it was measured."""
    head = Text(f"{results.dataset}: {results.titles:,} titles, lists of {results.n}", style="bold")
    method = Text("\n".join(f"· {line}" for line in results.method), style="dim")
    parts = [part for protocol in results.protocols for part in _protocol(protocol, results.n)]
    return Stack(head, *parts, Rule("How it was measured", style="dim"), method)


def _protocol(protocol: ProtocolReport, n: int) -> Iterator[RenderableType]:
    yield Text()
    yield Rule(f"[bold]{protocol.name}[/] · as of {protocol.as_of}")
    yield Text(protocol.about, style="italic")
    yield Text(f"Fitted on {protocol.train_events:,} events of {protocol.train_members:,} members.", style="dim")
    for group in protocol.groups:
        yield from _group(group, n, whole=group is protocol.groups[0])
    yield Text("\nIn words", style="bold")
    yield from (Padding(Text(f"· {said}"), (0, 0, 0, 1)) for said in findings(protocol, n))
    yield _seconds(protocol)


def _group(group: Group, n: int, whole: bool) -> Iterator[RenderableType]:
    people = f"{group.name} members: {group.members:,}, who went on to like {group.targets:,} titles"
    yield estimates(group.lists, ACCURACY, n, people)
    if whole:
        yield half_widths(group.lists, EXPOSURE + PER_MEMBER, n, "what accuracy does not see")
        yield comparisons(group.lists, n)
    if group.fairness:
        of_members = len(group.fairness.metrics) - len(OF_TITLES)
        likes = group.fairness.metrics[:of_members]
        yield half_widths(group.fairness, likes, n, "fair to members: NDCG by likes before")
        yield half_widths(group.fairness, OF_TITLES, n, "fair to titles: mean discounted gain")
    if group.pages:
        yield half_widths(group.pages, group.pages.metrics, n, f"pages of {group.name} members")
        if group.pages.comparisons:
            yield comparisons(group.pages, n)


def grid(title: str, *headings: str) -> Grid:
    """An empty table: names on the left, numbers on the right."""
    made = Grid(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    made.add_column("", no_wrap=True)
    for text in headings:
        made.add_column(text, justify="right", no_wrap=True)
    return made


def estimates(table: Table, metrics: tuple[Metric, ...], n: int, title: str) -> Grid:
    """Every number with its interval; the best of a column in bold."""
    made = grid(title, *(heading(metric, n) for metric in metrics))
    best = {m.key: max(line.estimates[m.key].value for line in table.lines) for m in metrics}
    for line in table.lines:
        cells = [(line.estimates[m.key], best[m.key]) for m in metrics]
        made.add_row(line.model, *(_with_ends(one, one.value == top) for one, top in cells))
    return made


def _with_ends(one: Estimate, best: bool) -> Text:
    value = Text(number(one.value), "bold" if best else "")
    return value if math.isnan(one.value) else value.append(f" {number(one.low)}–{number(one.high)}", "not bold dim")


def half_widths(table: Table, metrics: tuple[Metric, ...], n: int, title: str, digits: int = 3) -> Grid:
    """Narrower: every number ± the longer arm of its interval."""
    made = grid(title, *(heading(metric, n) for metric in metrics))
    for line in table.lines:
        made.add_row(line.model, *(_half_width(line.estimates[metric.key], digits) for metric in metrics))
    return made


def _half_width(one: Estimate, digits: int) -> str:
    digits = min(digits, 2) if abs(one.value) >= 1 else digits
    arm = number(max(one.high - one.value, one.value - one.low), digits).removeprefix("0")
    return f"{number(one.value, digits)} ±{arm}"


def comparisons(table: Table, n: int, key: str | None = None, baselines: Sequence[str] | None = None) -> Grid:
    """How every model differs from the baselines (of all, these) in the metric `key`, by default the last tested."""
    labels = {metric.key: heading(metric, n) for metric in table.metrics}
    metric = key or table.comparisons[-1].metric
    shown = [(baseline, metric) for baseline in (table.baselines if baselines is None else baselines)]
    made = grid(
        f"difference in {labels[metric]}: mean [95 % interval], p corrected",
        *(f"against {baseline}" for baseline, _ in shown),
    )
    found = {(c.model, c.baseline, c.metric): c for c in table.comparisons}
    for line in table.lines:
        cells = [found.get((line.model, *pair)) for pair in shown]
        if any(cells):
            made.add_row(line.model, *(_cell(cell) for cell in cells))
    return made


def _cell(compared: Comparison | None) -> Text:
    if compared is None:
        return Text("itself", style="dim")
    text = f"{MARKS[compared.verdict]} {interval(compared.difference, sign=True)}, {p_value(compared.p_holm)}"
    return Text(text, style=COLOURS[compared.verdict])


def _seconds(protocol: ProtocolReport) -> Text:
    spent = (f"{model} {fit:.2f} + {rank:.2f}" for model, (fit, rank) in protocol.seconds.items())
    return Text(f"\nSeconds to fit + to rank: {', '.join(spent)}.", style="dim")

"""Plots over days as SVG text: lines with their names at the end, and bands around them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from matinee.report import svg
from matinee.report.svg import FOOT, LABEL_GAP, WIDTH, Scale, Ticks

ROOF, START = 34, 70  # room above for the label, left for the ticks
LETTER, MOST = 9.5, 220  # width of a letter of a line's name, and what all have at most
LARGE, SMALL = (WIDTH, 330), (440, 260)  # width and height
LINES = 6  # ways of drawing a line that the style knows


class Series(NamedTuple):
    """A line over days: a number a day, NaN where there is none; with `lows` and `highs` a band around it.

    `key`: which of the style's colours and dashes it has; lines of one key belong together on all plots of a page.
    """

    name: str
    values: Sequence[float]
    key: int = 0
    lows: Sequence[float] = ()
    highs: Sequence[float] = ()


def over_days(
    days: Sequence[str],
    series: Sequence[Series],
    label: str,
    zero: bool = False,
    size: tuple[int, int] = LARGE,
    across: str = "days",
) -> Markup:
    """Lines over `days` (ISO dates or numbers) or what is `across`, named at their ends; `zero` draws a line there."""
    width, height = size
    end = width - min(MOST, 24 + LETTER * max(len(one.name) for one in series))
    ends = [one for each in series for one in (*each.values, *each.lows, *each.highs)]
    y, ticks = svg.axis([*ends, 0.0] if zero else ends, height - FOOT, ROOF)
    x = _across(len(days), end)
    parts = [*_grid(y, ticks, label, end), *_dates(x, days, height, end)]
    if zero:
        parts.append(svg.line(START, y(0.0), end, y(0.0), "zero"))
    parts += [_band(x, y, one) for one in series if len(one.lows)]
    parts += [part for one in series for part in _line(x, y, one)]
    parts += _names(y, series, end)
    told = ", ".join(one.name for one in series)
    return svg.drawing(height, parts, f"{label} over {len(days)} {across}: {told}; the table has the numbers", width)


def _across(days: int, end: float) -> Scale:
    return lambda day: START + (end - START) * (day / max(1, days - 1))


def _grid(y: Scale, ticks: Ticks, label: str, end: float) -> Iterator[Markup]:
    for tick, said in ticks:
        yield svg.line(START, y(tick), end, y(tick), "grid")
        yield svg.text(START - 8, y(tick) + 5, said, "end", "tick")
    yield svg.text(4, 14, label, "start", "tick")


def _dates(x: Scale, days: Sequence[str], height: int, end: float) -> Iterator[Markup]:
    step = max(1, math.ceil(len(days) / max(1, (end - START) // 100)))
    for at in range(0, len(days), step):
        yield svg.text(x(at), height - FOOT + 18, days[at], "middle", "tick")


def _line(x: Scale, y: Scale, one: Series) -> Iterator[Markup]:
    """A path for each run of days with numbers; a disc where a run is one day."""
    for run in _runs(one.values):
        name = f"line{one.key % LINES}"
        if len(run) == 1:
            yield svg.disc(x(run[0]), y(one.values[run[0]]), name)
        else:
            yield _path([(x(at), y(one.values[at])) for at in run], name)


def _band(x: Scale, y: Scale, one: Series) -> Markup:
    known = [at for at in range(len(one.lows)) if math.isfinite(one.lows[at]) and math.isfinite(one.highs[at])]
    lower = [(x(at), y(one.lows[at])) for at in known]
    upper = [(x(at), y(one.highs[at])) for at in reversed(known)]
    return _path([*lower, *upper], f"band band{one.key % LINES}") if known else Markup("")


def _names(y: Scale, series: Sequence[Series], end: float) -> Iterator[Markup]:
    """Each line's name beside its end, pushed down where it would cover another."""
    last = [(one, [value for value in one.values if math.isfinite(value)]) for one in series]
    wished = sorted(((y(values[-1]), one) for one, values in last if values), key=lambda pair: pair[0])
    height = -math.inf
    for wish, one in wished:
        height = max(wish, height + LABEL_GAP)
        yield svg.text(end + 10, height + 5, one.name, "start", f"name text{one.key % LINES}")


def _runs(values: Sequence[float]) -> Iterator[list[int]]:
    run: list[int] = []
    for at, value in enumerate(values):
        if math.isfinite(value):
            run.append(at)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _path(points: Sequence[tuple[float, float]], name: str) -> Markup:
    joined = " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<path d="M{}" class="{}"/>').format(joined, name)

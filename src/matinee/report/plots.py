"""Plots as SVG text: forest plot, scatter, groups side by side, shares, calibration; the page's style colours them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from matinee.evaluate.counterfactual import Part
from matinee.evaluate.looks import Bin, Share
from matinee.evaluate.results import Comparison, Estimate, Group, Line
from matinee.report import svg
from matinee.report.svg import FOOT, LABEL_GAP, LABEL_WIDTH, LEFT, RIGHT, ROW, TOP, WIDTH, Scale, Ticks
from matinee.report.words import FEW, interval, p_value, percent

CLASSES = {"beats": "good", "loses to": "bad", "is not clearly different from": "open"}


def forest(comparisons: Sequence[Comparison], label: str) -> Markup:
    """Differences to one baseline, a row each, with intervals around them and a line at zero."""
    height = TOP + ROW * len(comparisons) + FOOT
    ends = [0.0, *(end for c in comparisons for end in (c.difference.low, c.difference.high))]
    x, ticks = svg.axis(ends, LEFT, WIDTH - 260)
    parts = [*svg.x_grid(x, ticks, height, label), svg.line(x(0), TOP, x(0), height - FOOT, "zero")]
    for row, c in enumerate(comparisons):
        y = TOP + ROW * (row + 0.5)
        said = f"{interval(c.difference, sign=True)}, {p_value(c.p_holm)}"
        parts += [svg.text(LEFT - 14, y + 5, c.model, "end"), svg.text(WIDTH - 244, y + 5, said, "start", "number")]
        parts += _whisker(x, c.difference, y, CLASSES[c.verdict])
    return svg.drawing(
        height, parts, f"{label} of {len(comparisons)} models, with 95 % intervals; the table has the numbers"
    )


def scatter(lines: Sequence[Line], across: tuple[str, str], up: tuple[str, str], log: bool = False) -> Markup:
    """Two metrics (key, label) of every model against each other, with both intervals; `log`: powers across."""
    height = 340
    pairs = [(line.model, line.estimates[across[0]], line.estimates[up[0]]) for line in lines]
    axis = svg.log_axis if log else svg.axis
    x, x_ticks = axis([end for _, one, _ in pairs for end in (one.low, one.high)], LEFT - 80, WIDTH - 150)
    y, y_ticks = svg.axis([end for _, _, one in pairs for end in (one.low, one.high)], height - FOOT, TOP)
    parts = [*svg.x_grid(x, x_ticks, height, across[1]), *svg.y_grid(y, y_ticks, up[1])]
    ordered = sorted(pairs, key=lambda pair: y(pair[2].value))
    wished = [(x(one.high), y(other.value)) for _, one, other in ordered]
    for (model, one, other), label_y in zip(ordered, _apart(wished), strict=True):
        parts += _whisker(x, one, y(other.value), "open")
        parts.append(svg.line(x(one.value), y(other.low), x(one.value), y(other.high), "open"))
        parts.append(svg.text(x(one.high) + 10, label_y + 5, model, "start"))
    return svg.drawing(
        height, parts, f"{up[1]} against {across[1]} of {len(pairs)} models; the tables have the numbers"
    )


def side_by_side(groups: Sequence[Group], key: str, label: str) -> Markup:
    """One metric of every model, a row each, with one mark per group of members: a disc, a ring, a disc ..."""
    models = [line.model for line in groups[0].lists.lines]
    height = TOP + (ROW + 10) * len(models) + FOOT
    every = [line.estimates[key] for group in groups for line in group.lists.lines]
    x, ticks = svg.axis([0.0, *(end for one in every for end in (one.low, one.high))], LEFT, WIDTH - RIGHT)
    parts = list(svg.x_grid(x, ticks, height, label))
    for row, model in enumerate(models):
        middle = TOP + (ROW + 10) * (row + 0.5)
        parts.append(svg.text(LEFT - 14, middle + 5, model, "end"))
        for at, group in enumerate(groups):
            y = middle + 14 * (at - (len(groups) - 1) / 2)
            parts += _whisker(x, group.lists.lines[row].estimates[key], y, f"group{at}")
    names = " and ".join(group.name for group in groups)
    return svg.drawing(
        height, parts, f"{label} of {len(models)} models for {names} members; the tables have the numbers"
    )


def spans(
    rows: Sequence[tuple[str, Estimate]], label: str, truths: Sequence[float] = (), digits: int = 1, sign: bool = True
) -> Markup:
    """Estimates with intervals, a row each, filled where they leave the line at zero; `truths` (rows,) are crosses.

    Numbers have a `sign`, as changes do; beside truths they are values, which have none.
    """
    height = TOP + ROW * len(rows) + FOOT
    ends = [0.0, *truths, *(end for _, one in rows for end in (one.low, one.high))]
    x, ticks = svg.axis(ends, LEFT + 130, WIDTH - 190)
    parts = [*svg.x_grid(x, ticks, height, label), svg.line(x(0), TOP, x(0), height - FOOT, "zero")]
    for row, (name, one) in enumerate(rows):
        y = TOP + ROW * (row + 0.5)
        said = interval(one, digits if not truths else 3, sign=sign and not truths)
        parts += [svg.text(LEFT + 116, y + 5, name, "end"), svg.text(WIDTH - 174, y + 5, said, "start", "number")]
        parts += _whisker(x, one, y, "open" if one.low <= 0 <= one.high else "group0")
        parts += _cross(x(truths[row]), y) if truths else ()
    return svg.drawing(height, parts, f"{label} of {len(rows)} with 95 % intervals; the table has the numbers")


def _cross(x: float, y: float) -> Iterator[Markup]:
    yield svg.line(x - 6, y - 6, x + 6, y + 6, "truth")
    yield svg.line(x - 6, y + 6, x + 6, y - 6, "truth")


def shares(groups: Sequence[Share], label: str) -> Markup:
    """The rate of every group, a row each, with its interval and the number of looks.

    Groups of a few members have a mark only where there are no others.
    """
    height = TOP + ROW * len(groups) + FOOT
    marked = [one for one in groups if one.members >= FEW] or groups
    x, ticks = svg.axis([0.0, *(end for one in marked for end in (one.rate.low, one.rate.high))], LEFT, WIDTH - 230)
    parts = list(svg.x_grid(x, _of_shares(ticks), height, label))
    for row, one in enumerate(groups):
        y = TOP + ROW * (row + 0.5)
        said = f"{percent(one.rate)} of {one.looks:,}"
        parts += [svg.text(LEFT - 14, y + 5, one.name, "end"), svg.text(WIDTH - 214, y + 5, said, "start", "number")]
        parts += _whisker(x, one.rate, y, "group0") if one in marked else ()
    return svg.drawing(
        height, parts, f"{label} of {len(groups)} groups, with 95 % intervals; the tables have the numbers"
    )


def changes(parts: Sequence[Part], label: str) -> Markup:
    """The relative change of every part, a row each, with its interval and a line at zero; none where none is told."""
    height = TOP + ROW * len(parts) + FOOT
    told = [one.relative for one in parts if not one.reason]
    x, ticks = svg.axis([0.0, *(end for one in told for end in (one.low, one.high))], LEFT, WIDTH - 180)
    parts_of = [*svg.x_grid(x, _percents(ticks), height, f"change of {label}")]
    parts_of.append(svg.line(x(0), TOP, x(0), height - FOOT, "zero"))
    for row, one in enumerate(parts):
        y = TOP + ROW * (row + 0.5)
        said = f"{one.effective:,.0f} of {one.decisions:,}"
        parts_of += [svg.text(LEFT - 14, y + 5, one.name, "end"), svg.text(WIDTH - 164, y + 5, said, "start", "number")]
        parts_of += () if one.reason else _whisker(x, one.relative, y, "group0")
    return svg.drawing(
        height, parts_of, f"change of {label} in {len(parts)} parts, with 95 % intervals; the table has the numbers"
    )


def calibration(bins: Sequence[Bin], label: str) -> Markup:
    """What came of looks against what their scores predicted, in powers; a line where both are equal.

    What is less than the least number above zero stands on the lower edge.
    """
    height = 340
    numbers = [end for one in bins for end in (one.predicted, one.share.rate.value, one.share.rate.high)]
    least, most = min(one for one in numbers if one > 0), max(numbers)
    x, x_ticks = svg.log_axis([least, most], LEFT - 80, WIDTH - RIGHT)
    y, y_ticks = svg.log_axis([least, most], height - FOOT, TOP)
    parts = list(svg.x_grid(x, _of_shares(x_ticks), height, "mean score"))
    parts += svg.y_grid(y, _of_shares(y_ticks), label, WIDTH - RIGHT)
    parts.append(svg.line(x(least), y(least), x(most), y(most), "zero"))
    for one in bins:
        rate = one.share.rate
        at, *ends = (max(least, end) for end in (one.predicted, rate.low, rate.value, rate.high))
        low, value, high = map(y, ends)
        parts += [svg.line(x(at), low, x(at), high, "group0"), svg.disc(x(at), value, "group0")]
    return svg.drawing(height, parts, f"{label} against the mean score in {len(bins)} bins; the table has the numbers")


def _of_shares(ticks: Ticks) -> Ticks:
    """Those ticks as percentages that a share can have: 0 to 100."""
    return _percents([(at, told) for at, told in ticks if -1e-9 <= at <= 1 + 1e-9])


def _percents(ticks: Ticks) -> Ticks:
    """The same ticks as percentages, with a true minus sign."""
    return [(at, f"{100 * at:.6g} %".replace("-", "−")) for at, _ in ticks]


def _apart(wished: Sequence[tuple[float, float]]) -> list[float]:
    """Heights for labels at these (x, y), from the top down, each pushed below the ones that it would cover."""
    placed: list[tuple[float, float]] = []
    for x, wish in wished:
        height = wish
        for other_x, other_height in placed:
            if abs(x - other_x) < LABEL_WIDTH and height - other_height < LABEL_GAP:
                height = max(height, other_height + LABEL_GAP)
        placed.append((x, height))
    return [height for _, height in placed]


def _whisker(x: Scale, one: Estimate, y: float, name: str) -> Iterator[Markup]:
    if math.isfinite(one.value):
        yield svg.line(x(one.low), y, x(one.high), y, name)
        yield svg.disc(x(one.value), y, name)

"""Scales, grids, lines, discs and words of every plot, as SVG text; the page's style colours them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup, escape

from matinee.report.words import number

WIDTH, LEFT, RIGHT, ROW, TOP, FOOT = 760, 150, 40, 30, 16, 44
LABEL_GAP, LABEL_WIDTH = 17, 120  # a name's room

Scale = Callable[[float], float]
Ticks = Sequence[tuple[float, str]]


def axis(values: Sequence[float], start: float, end: float) -> tuple[Scale, Ticks]:
    """A linear scale that holds all finite values with some room, and its round ticks."""
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    room = 0.06 * (high - low) or 0.01
    low, high = low - room, high + room
    step = _round_step((high - low) / 6)
    digits = max(0, -math.floor(math.log10(step)))
    ticks = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    named = [(tick, number(tick, digits)) for tick in ticks]
    return (lambda value: start + (end - start) * (value - low) / (high - low)), named


def log_axis(values: Sequence[float], start: float, end: float) -> tuple[Scale, Ticks]:
    """As `axis` for numbers above 0, equal ratios at equal distances; ticks at 1, 2, 5 or 1 times powers of ten."""
    positive = [math.log10(value) for value in values if math.isfinite(value) and value > 0] or [0.0]
    low, high = min(positive), max(positive)
    room = max(0.06 * (high - low), 0.25 - (high - low) / 2)  # half a power of ten at least, which holds a tick
    low, high = low - room, high + room
    steps = (1,) if high - low > 3 else (1, 2, 5)
    round_ones = (step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps)
    ticks = [(one, f"{one:g}") for one in round_ones if low <= math.log10(one) <= high]
    return (lambda value: start + (end - start) * (math.log10(value) - low) / (high - low)), ticks


def _round_step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough))
    return next(step * size for step in (1, 2, 5, 10) if step * size >= rough)


def x_grid(x: Scale, ticks: Ticks, height: float, label: str) -> Iterator[Markup]:
    """Lines up from the ticks, the ticks below them, and what they measure."""
    for tick, said in ticks:
        yield line(x(tick), TOP, x(tick), height - FOOT, "grid")
        yield text(x(tick), height - FOOT + 18, said, "middle", "tick")
    yield text((x(ticks[0][0]) + x(ticks[-1][0])) / 2, height - 6, label, "middle", "tick")


def y_grid(y: Scale, ticks: Ticks, label: str, end: float = WIDTH - 150) -> Iterator[Markup]:
    """Lines across from the ticks, the ticks left of them, and above what they measure."""
    for tick, said in ticks:
        yield line(LEFT - 80, y(tick), end, y(tick), "grid")
        yield text(LEFT - 88, y(tick) + 5, said, "end", "tick")
    yield text(4, TOP - 2, label, "start", "tick")


def line(x1: float, y1: float, x2: float, y2: float, name: str) -> Markup:
    """A straight line, of a class of the style."""
    form = Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>')
    return form.format(x1, y1, x2, y2, name)


def disc(x: float, y: float, name: str) -> Markup:
    """A small disc."""
    return Markup('<circle cx="{:.1f}" cy="{:.1f}" r="5" class="{}"/>').format(x, y, name)


def text(x: float, y: float, said: str, anchor: str, name: str = "name") -> Markup:
    """Words; `anchor` is what of them stands at x: start, middle or end."""
    form = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>')
    return form.format(x, y, anchor, name, said)


def drawing(height: float, parts: Sequence[Markup], alt: str, width: float = WIDTH) -> Markup:
    """A whole drawing; `alt` says what it shows."""
    body = Markup("").join(parts)
    form = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return form.format(width, height, escape(alt), body)

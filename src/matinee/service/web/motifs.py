"""What posters are drawn with: a palette, a canvas with the title's own chance, and a dozen abstract motifs."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one mood: sky from `top` to `bottom`, shapes in `near` and `far`, one bright `light`."""

    top: str
    bottom: str
    far: str
    near: str
    light: str

    def turned(self, by: float) -> Palette:
        """The same mood with every hue turned by a share of the colour circle."""
        return Palette(*(_turned(colour, by) for colour in (self.top, self.bottom, self.far, self.near, self.light)))


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where a motif draws: size, colours and the title's own chance."""

    width: int
    height: int
    palette: Palette
    rng: np.random.Generator

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return float(self.rng.uniform(low, high))


Motif = Callable[[Canvas], str]


def sun(at: Canvas) -> str:
    """A low disc behind layered ridges: open country."""
    x, y, r = at.between(0.25, 0.75) * at.width, at.between(0.3, 0.42) * at.height, 0.17 * at.height
    disc = f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{at.palette.light}" opacity=".92"/>'
    return disc + _ridges(at, steps=5, rough=0.10)


def moon(at: Canvas) -> str:
    """A crescent, stars and still water: fantasy and mystery."""
    x, y, r = at.between(0.3, 0.7) * at.width, at.between(0.2, 0.34) * at.height, 0.13 * at.height
    crescent = (
        f'<path d="M{x:.0f} {y - r:.0f} A{r:.0f} {r:.0f} 0 1 0 {x + r:.0f} {y:.0f} '
        f'A{r * 0.86:.0f} {r * 0.86:.0f} 0 0 1 {x:.0f} {y - r:.0f}Z" fill="{at.palette.light}"/>'
    )
    return _stars(at, 26) + crescent + _ridges(at, steps=3, rough=0.16)


def orbits(at: Canvas) -> str:
    """A planet with rings: science fiction."""
    x, y, r = at.between(0.35, 0.65) * at.width, at.between(0.3, 0.45) * at.height, 0.15 * at.height
    tilt = at.between(-35, 35)
    rings = "".join(
        f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="{r * k:.0f}" ry="{r * k * 0.28:.0f}" fill="none" '
        f'stroke="{at.palette.light}" stroke-width="{2.6 - 0.35 * k:.1f}" opacity="{0.9 - 0.14 * k:.2f}" '
        f'transform="rotate({tilt:.0f} {x:.0f} {y:.0f})"/>'
        for k in (1.5, 1.85, 2.3, 3.1)
    )
    planet = f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{at.palette.near}"/>'
    glow = f'<circle cx="{x - r * 0.3:.0f}" cy="{y - r * 0.3:.0f}" r="{r * 0.62:.0f}" fill="{at.palette.far}" opacity=".75"/>'
    return _stars(at, 40) + planet + glow + rings


def waves(at: Canvas) -> str:
    """Slow overlapping waves: drama and romance."""
    parts = []
    for k in range(6):
        y, swing = at.height * (0.28 + 0.13 * k), at.height * at.between(0.03, 0.08)
        shift = at.between(0.2, 0.8) * at.width
        path = (
            f"M0 {y:.0f} C{shift * 0.5:.0f} {y - swing * 2:.0f} {shift:.0f} {y + swing * 2:.0f} "
            f"{at.width} {y - swing:.0f} V{at.height} H0Z"
        )
        colour = at.palette.far if k % 2 else at.palette.near
        parts.append(f'<path d="{path}" fill="{colour}" opacity="{0.3 + 0.1 * k:.2f}"/>')
    x, y, r = at.between(0.25, 0.75) * at.width, at.height * 0.2, at.height * at.between(0.06, 0.1)
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{at.palette.light}" opacity=".9"/>' + "".join(parts)


def rays(at: Canvas) -> str:
    """Rays out of one point: comedy, music, festivals."""
    x, y, count = at.between(0.3, 0.7) * at.width, at.between(0.42, 0.58) * at.height, int(at.between(9, 15))
    reach, turn = 2.0 * at.height, at.between(0, 1)
    wedges = []
    for k in range(count):
        a, b = ((k + turn) / count * math.tau, (k + turn + 0.5) / count * math.tau)
        wedges.append(
            f'<path d="M{x:.0f} {y:.0f} L{x + reach * math.cos(a):.0f} {y + reach * math.sin(a):.0f} '
            f'L{x + reach * math.cos(b):.0f} {y + reach * math.sin(b):.0f}Z" fill="{at.palette.far}" opacity=".55"/>'
        )
    r = at.height * 0.13
    rim = f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r * 1.28:.0f}" fill="none" stroke="{at.palette.light}" stroke-width="3"/>'
    return "".join(wedges) + rim + f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{at.palette.light}"/>'


def shards(at: Canvas) -> str:
    """Sharp planes that meet off centre: action and thrillers."""
    x, y = at.between(0.3, 0.7) * at.width, at.between(0.3, 0.5) * at.height
    corners = sorted(at.between(0, math.tau) for _ in range(7))
    reach, parts = 2.0 * at.height, []
    for k, (a, b) in enumerate(zip(corners, [*corners[1:], corners[0] + math.tau], strict=True)):
        colour = (at.palette.near, at.palette.far, at.palette.light)[k % 3]
        parts.append(
            f'<path d="M{x:.0f} {y:.0f} L{x + reach * math.cos(a):.0f} {y + reach * math.sin(a):.0f} '
            f'L{x + reach * math.cos(b):.0f} {y + reach * math.sin(b):.0f}Z" fill="{colour}" '
            f'opacity="{(0.75, 0.5, 0.16)[k % 3]}"/>'
        )
    return "".join(parts)


def blinds(at: Canvas) -> str:
    """Light through a blind: crime and film noir."""
    slats, skew = 13, at.between(-0.16, 0.16) * at.height
    step = at.height / slats
    parts = [
        f'<path d="M0 {k * step:.0f} L{at.width} {k * step + skew:.0f} v{step * 0.44:.0f} L0 {k * step + step * 0.44:.0f}Z" '
        f'fill="{at.palette.light}" opacity="{0.08 + 0.42 * math.sin(math.pi * (k + 1) / (slats + 1)):.2f}"/>'
        for k in range(-2, slats + 2)
    ]
    x, r = at.between(0.32, 0.68) * at.width, at.height * 0.15
    figure = (
        f'<path d="M{x - r:.0f} {at.height} C{x - r:.0f} {at.height * 0.56:.0f} {x + r:.0f} {at.height * 0.56:.0f} '
        f'{x + r:.0f} {at.height}Z" fill="{at.palette.near}"/>'
        f'<ellipse cx="{x:.0f}" cy="{at.height * 0.54:.0f}" rx="{r * 0.42:.0f}" ry="{r * 0.54:.0f}" fill="{at.palette.near}"/>'
        f'<path d="M{x - r * 0.8:.0f} {at.height * 0.5:.0f} h{r * 1.6:.0f} l-{r * 0.35:.0f} -{r * 0.14:.0f} '
        f'v-{r * 0.42:.0f} h-{r * 0.9:.0f} v{r * 0.42:.0f}Z" fill="{at.palette.near}"/>'
    )
    return "".join(parts) + figure


def thorns(at: Canvas) -> str:
    """Bare stems against a glow: horror."""
    x, y = at.width / 2, at.height * at.between(0.36, 0.48)
    glow = f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{at.height * 0.2:.0f}" fill="{at.palette.light}" opacity=".85"/>'
    stems = []
    for _ in range(int(at.between(9, 14))):
        foot, lean = at.between(-0.05, 1.05) * at.width, at.between(-0.2, 0.2) * at.width
        top, wide = at.between(0.18, 0.62) * at.height, at.width * at.between(0.008, 0.022)
        stems.append(
            f'<path d="M{foot - wide:.0f} {at.height} Q{foot + lean:.0f} {(top + at.height) / 2:.0f} {foot + lean * 0.4:.0f} {top:.0f} '
            f'Q{foot + lean * 1.2:.0f} {(top + at.height) / 2:.0f} {foot + wide:.0f} {at.height}Z" fill="{at.palette.near}"/>'
        )
    return glow + "".join(stems)


def bubbles(at: Canvas) -> str:
    """Round friendly shapes: for children and the animated."""
    parts = []
    for k in range(11):
        x, y = at.between(0, 1) * at.width, at.between(0.05, 0.95) * at.height
        r, colour = at.height * at.between(0.04, 0.19), (at.palette.near, at.palette.far, at.palette.light)[k % 3]
        parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{colour}" opacity=".72"/>')
    return "".join(parts)


def lens(at: Canvas) -> str:
    """Concentric rings of a lens: documentary and everything without a genre."""
    x, y = at.between(0.35, 0.65) * at.width, at.between(0.36, 0.46) * at.height
    parts = [
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{at.height * (0.34 - 0.055 * k):.0f}" '
        f'fill="{(at.palette.near, at.palette.far)[k % 2]}" opacity="{0.35 + 0.1 * k:.2f}"/>'
        for k in range(6)
    ]
    spark = f'<circle cx="{x - at.height * 0.07:.0f}" cy="{y - at.height * 0.08:.0f}" r="{at.height * 0.025:.0f}" '
    return "".join(parts) + f'{spark}fill="{at.palette.light}"/>'


def towers(at: Canvas) -> str:
    """Tall blocks with a few lit windows: the city."""
    parts: list[str] = []
    x = -10.0
    while x < at.width:
        wide, tall = at.height * at.between(0.07, 0.15), at.height * at.between(0.28, 0.66)
        parts.append(
            f'<rect x="{x:.0f}" y="{at.height - tall:.0f}" width="{wide:.0f}" height="{tall:.0f}" '
            f'fill="{at.palette.near if len(parts) % 4 else at.palette.far}" opacity=".92"/>'
        )
        for _ in range(int(at.between(0, 5))):
            left, up = x + wide * at.between(0.15, 0.7), at.height - tall * at.between(0.35, 0.95)
            pane = at.height * 0.016
            parts.append(
                f'<rect x="{left:.0f}" y="{up:.0f}" width="{pane:.0f}" height="{pane * 1.5:.0f}" '
                f'fill="{at.palette.light}" opacity="{at.between(0.5, 0.95):.2f}"/>'
            )
        x += wide * at.between(0.86, 1.15)
    r = at.height * at.between(0.07, 0.12)
    disc = f'<circle cx="{at.between(0.2, 0.8) * at.width:.0f}" cy="{at.height * 0.22:.0f}" r="{r:.0f}" '
    return f'{disc}fill="{at.palette.light}" opacity=".85"/>' + "".join(parts)


def arches(at: Canvas) -> str:
    """Arches within arches and someone small: long ways and big stories."""
    x, parts = at.between(0.38, 0.62) * at.width, []
    for k in range(6):
        half, top = at.height * (0.4 - 0.062 * k), at.height * (0.12 + 0.075 * k)
        colour = (at.palette.near, at.palette.far)[k % 2] if k < 5 else at.palette.light
        parts.append(
            f'<path d="M{x - half:.0f} {at.height} V{top + half:.0f} A{half:.0f} {half:.0f} 0 0 1 {x + half:.0f} '
            f'{top + half:.0f} V{at.height}Z" fill="{colour}" opacity="{0.45 + 0.09 * k:.2f}"/>'
        )
    head, foot = at.height * 0.014, at.height * 0.74
    figure = (
        f'<circle cx="{x:.0f}" cy="{foot - head * 5:.0f}" r="{head:.0f}" fill="{at.palette.near}"/>'
        f'<path d="M{x - head:.0f} {foot:.0f} L{x:.0f} {foot - head * 4.4:.0f} L{x + head:.0f} {foot:.0f}Z" '
        f'fill="{at.palette.near}"/>'
    )
    return "".join(parts) + figure


def paper(at: Canvas) -> str:
    """Cut-out paper shapes, turned against each other: quarrels, jokes and jazz."""
    parts = []
    for k in range(6):
        x, y = at.between(0.1, 0.9) * at.width, at.between(0.08, 0.7) * at.height
        wide, tall, turn = at.height * at.between(0.14, 0.4), at.height * at.between(0.08, 0.26), at.between(-50, 50)
        colour = (at.palette.far, at.palette.near, at.palette.light)[k % 3]
        round_ = tall / 2 if k % 2 else 4
        parts.append(
            f'<rect x="{x - wide / 2:.0f}" y="{y - tall / 2:.0f}" width="{wide:.0f}" height="{tall:.0f}" rx="{round_:.0f}" '
            f'fill="{colour}" opacity=".8" transform="rotate({turn:.0f} {x:.0f} {y:.0f})"/>'
        )
    return "".join(parts)


def _ridges(at: Canvas, steps: int, rough: float) -> str:
    """Layered hills, darker towards the viewer."""
    parts = []
    for k in range(steps):
        base = at.height * (0.46 + 0.5 * k / steps)
        points = [(x / 7 * at.width, base - at.between(0, rough) * at.height) for x in range(8)]
        line = " ".join(f"L{x:.0f} {y:.0f}" for x, y in points)
        colour = at.palette.far if k < steps / 2 else at.palette.near
        parts.append(
            f'<path d="M0 {at.height} {line} V{at.height}Z" fill="{colour}" opacity="{0.55 + 0.4 * k / steps:.2f}"/>'
        )
    return "".join(parts)


def _stars(at: Canvas, count: int) -> str:
    return "".join(
        f'<circle cx="{at.between(0, at.width):.0f}" cy="{at.between(0, 0.7 * at.height):.0f}" '
        f'r="{at.height * at.between(0.001, 0.004):.1f}" fill="#fff" opacity="{at.between(0.3, 0.9):.2f}"/>'
        for _ in range(count)
    )


def _turned(colour: str, by: float) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    hue, light, depth = colorsys.rgb_to_hls(red, green, blue)
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb((hue + by) % 1.0, light, depth))

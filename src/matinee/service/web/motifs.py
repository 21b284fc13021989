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

    def across(self, low: float, high: float) -> float:
        """A place between two shares of the width."""
        return self.between(low, high) * self.width

    def down(self, low: float, high: float) -> float:
        """A place between two shares of the height, which is also the measure of all sizes."""
        return self.between(low, high) * self.height


Motif = Callable[[Canvas], str]


def sun(at: Canvas) -> str:
    """A low disc behind layered ridges: open country."""
    disc = _disc(at.across(0.25, 0.75), at.down(0.3, 0.42), 0.17 * at.height, at.palette.light, 0.92)
    return disc + _ridges(at, steps=5, rough=0.10)


def moon(at: Canvas) -> str:
    """A crescent, stars and hills at night: fantasy and mystery."""
    x, y, r = at.across(0.3, 0.7), at.down(0.2, 0.34), 0.13 * at.height
    bite = 0.86 * r
    crescent = _shape(
        at.palette.light, 1.0, "M", x, y - r, "A", r, r, "0 1 0", x + r, y, "A", bite, bite, "0 0 1", x, y - r, "Z"
    )
    return _stars(at, 26) + crescent + _ridges(at, steps=3, rough=0.16)


def orbits(at: Canvas) -> str:
    """A planet with rings: science fiction."""
    x, y, r = at.across(0.35, 0.65), at.down(0.3, 0.45), 0.15 * at.height
    tilt = at.between(-35, 35)
    rings = "".join(
        f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="{r * k:.0f}" ry="{r * k * 0.28:.0f}" fill="none" '
        f'stroke="{at.palette.light}" stroke-width="{2.6 - 0.35 * k:.1f}" opacity="{0.9 - 0.14 * k:.2f}" '
        f'transform="rotate({tilt:.0f} {x:.0f} {y:.0f})"/>'
        for k in (1.5, 1.85, 2.3, 3.1)
    )
    glow = _disc(x - 0.3 * r, y - 0.3 * r, 0.62 * r, at.palette.far, 0.75)
    return _stars(at, 40) + _disc(x, y, r, at.palette.near) + glow + rings


def waves(at: Canvas) -> str:
    """A small sun over slow overlapping waves: drama and romance."""
    parts = [_disc(at.across(0.25, 0.75), 0.2 * at.height, at.down(0.06, 0.1), at.palette.light, 0.9)]
    for k in range(6):
        y, swing, bend = at.height * (0.28 + 0.13 * k), at.down(0.03, 0.08), at.across(0.2, 0.8)
        colour = at.palette.far if k % 2 else at.palette.near
        curve = ("C", 0.5 * bend, y - 2 * swing, bend, y + 2 * swing, at.width, y - swing)
        parts.append(_shape(colour, 0.3 + 0.1 * k, "M", 0, y, *curve, "V", at.height, "H0Z"))
    return "".join(parts)


def rays(at: Canvas) -> str:
    """Rays out of one point: comedy, music, festivals."""
    x, y, count, turn = at.across(0.3, 0.7), at.down(0.42, 0.58), int(at.between(9, 15)), at.between(0, 1)
    wedges = [
        _wedge(at, x, y, (k + turn) / count * math.tau, (k + turn + 0.5) / count * math.tau, at.palette.far, 0.55)
        for k in range(count)
    ]
    r, light = 0.13 * at.height, at.palette.light
    rim = f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{1.28 * r:.0f}" fill="none" stroke="{light}" stroke-width="3"/>'
    return "".join(wedges) + rim + _disc(x, y, r, light)


def shards(at: Canvas) -> str:
    """Sharp planes that meet off centre: action and thrillers."""
    x, y = at.across(0.3, 0.7), at.down(0.3, 0.5)
    corners = sorted(at.between(0, math.tau) for _ in range(7))
    looks = ((at.palette.near, 0.75), (at.palette.far, 0.5), (at.palette.light, 0.16))
    spans = zip(corners, [*corners[1:], corners[0] + math.tau], strict=True)
    return "".join(_wedge(at, x, y, a, b, *looks[k % 3]) for k, (a, b) in enumerate(spans))


def blinds(at: Canvas) -> str:
    """Light through a blind, and somebody with a hat: crime and film noir."""
    slats, skew = 13, at.down(-0.16, 0.16)
    step = at.height / slats
    parts = []
    for k in range(-2, slats + 2):
        y, shine = k * step, 0.08 + 0.42 * math.sin(math.pi * (k + 1) / (slats + 1))
        line = ("M", 0, y, "L", at.width, y + skew, "v", 0.44 * step, "L", 0, y + 0.44 * step, "Z")
        parts.append(_shape(at.palette.light, shine, *line))
    return "".join(parts) + _somebody(at, at.across(0.32, 0.68), 0.15 * at.height)


def thorns(at: Canvas) -> str:
    """Bare stems against a glow: horror."""
    parts = [_disc(at.width / 2, at.down(0.36, 0.48), 0.2 * at.height, at.palette.light, 0.85)]
    for _ in range(int(at.between(9, 14))):
        foot, lean, top = at.across(-0.05, 1.05), at.across(-0.2, 0.2), at.down(0.18, 0.62)
        wide, middle = at.across(0.008, 0.022), (top + at.height) / 2
        up = ("M", foot - wide, at.height, "Q", foot + lean, middle, foot + 0.4 * lean, top)
        parts.append(_shape(at.palette.near, 1.0, *up, "Q", foot + 1.2 * lean, middle, foot + wide, at.height, "Z"))
    return "".join(parts)


def bubbles(at: Canvas) -> str:
    """Round friendly shapes: for children and the animated."""
    colours = (at.palette.near, at.palette.far, at.palette.light)
    return "".join(
        _disc(at.across(0, 1), at.down(0.05, 0.95), at.down(0.04, 0.19), colours[k % 3], 0.72) for k in range(11)
    )


def lens(at: Canvas) -> str:
    """Concentric rings of a lens: documentary and everything without a genre."""
    x, y, h = at.across(0.35, 0.65), at.down(0.36, 0.46), at.height
    colours = (at.palette.near, at.palette.far)
    rings = "".join(_disc(x, y, h * (0.34 - 0.055 * k), colours[k % 2], 0.35 + 0.1 * k) for k in range(6))
    return rings + _disc(x - 0.07 * h, y - 0.08 * h, 0.025 * h, at.palette.light)


def towers(at: Canvas) -> str:
    """Tall blocks with a few lit windows: the city."""
    parts = [_disc(at.across(0.2, 0.8), 0.22 * at.height, at.down(0.07, 0.12), at.palette.light, 0.85)]
    x, pane, blocks = -10.0, 0.016 * at.height, 0
    while x < at.width:
        wide, tall = at.down(0.07, 0.15), at.down(0.28, 0.66)
        colour = at.palette.near if blocks % 3 else at.palette.far
        parts.append(_block(x, at.height - tall, wide, tall, colour, 0.92))
        for _ in range(int(at.between(0, 5))):
            left, up = x + wide * at.between(0.15, 0.7), at.height - tall * at.between(0.35, 0.95)
            parts.append(_block(left, up, pane, 1.5 * pane, at.palette.light, at.between(0.5, 0.95)))
        x, blocks = x + wide * at.between(0.86, 1.15), blocks + 1
    return "".join(parts)


def arches(at: Canvas) -> str:
    """Arches within arches and someone small: long ways and big stories."""
    x, h, parts = at.across(0.38, 0.62), at.height, []
    for k in range(6):
        half, top = h * (0.4 - 0.062 * k), h * (0.12 + 0.075 * k)
        colour = (at.palette.near, at.palette.far)[k % 2] if k < 5 else at.palette.light
        arc = ("M", x - half, h, "V", top + half, "A", half, half, "0 0 1", x + half, top + half)
        parts.append(_shape(colour, 0.45 + 0.09 * k, *arc, "V", h, "Z"))
    head, foot = 0.014 * h, 0.74 * h
    body = _shape(at.palette.near, 1.0, "M", x - head, foot, "L", x, foot - 4.4 * head, "L", x + head, foot, "Z")
    return "".join(parts) + _disc(x, foot - 5 * head, head, at.palette.near) + body


def paper(at: Canvas) -> str:
    """Cut-out paper shapes, turned against each other: quarrels, jokes and jazz."""
    parts, colours = [], (at.palette.far, at.palette.near, at.palette.light)
    for k in range(6):
        x, y, wide, tall = at.across(0.1, 0.9), at.down(0.08, 0.7), at.down(0.14, 0.4), at.down(0.08, 0.26)
        turned = f'<g transform="rotate({at.between(-50, 50):.0f} {x:.0f} {y:.0f})">'
        corner = tall / 2 if k % 2 else 4.0
        parts.append(turned + _block(x - wide / 2, y - tall / 2, wide, tall, colours[k % 3], 0.8, corner) + "</g>")
    return "".join(parts)


def _ridges(at: Canvas, steps: int, rough: float) -> str:
    """Layered hills, darker towards the viewer."""
    parts = []
    for k in range(steps):
        base = at.height * (0.46 + 0.5 * k / steps)
        line = [part for x in range(8) for part in ("L", x / 7 * at.width, base - at.down(0, rough))]
        colour = at.palette.far if k < steps / 2 else at.palette.near
        parts.append(_shape(colour, 0.55 + 0.4 * k / steps, "M", 0, at.height, *line, "V", at.height, "Z"))
    return "".join(parts)


def _stars(at: Canvas, count: int) -> str:
    return "".join(
        f'<circle cx="{at.across(0, 1):.0f}" cy="{at.down(0, 0.7):.0f}" r="{at.down(0.001, 0.004):.1f}" '
        f'fill="#fff" opacity="{at.between(0.3, 0.9):.2f}"/>'
        for _ in range(count)
    )


def _somebody(at: Canvas, x: float, r: float) -> str:
    """Shoulders, head and hat, seen from behind."""
    h, colour = at.height, at.palette.near
    shoulders = ("M", x - r, h, "C", x - r, 0.56 * h, x + r, 0.56 * h, x + r, h, "Z")
    brim = ("M", x - 0.8 * r, 0.5 * h, "h", 1.6 * r, "l", -0.35 * r, -0.14 * r)
    crown = ("v", -0.42 * r, "h", -0.9 * r, "v", 0.42 * r, "Z")
    head = f'<ellipse cx="{x:.0f}" cy="{0.54 * h:.0f}" rx="{0.42 * r:.0f}" ry="{0.54 * r:.0f}" fill="{colour}"/>'
    return _shape(colour, 1.0, *shoulders) + head + _shape(colour, 1.0, *brim, *crown)


def _wedge(at: Canvas, x: float, y: float, start: float, end: float, fill: str, opacity: float) -> str:
    """A triangle from (x, y) to beyond the edge, between two angles."""
    reach = 2.0 * max(at.width, at.height)
    one = (x + reach * math.cos(start), y + reach * math.sin(start))
    other = (x + reach * math.cos(end), y + reach * math.sin(end))
    return _shape(fill, opacity, "M", x, y, "L", *one, "L", *other, "Z")


def _disc(x: float, y: float, r: float, fill: str, opacity: float = 1.0) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{fill}" opacity="{opacity:.2f}"/>'


def _block(x: float, y: float, wide: float, tall: float, fill: str, opacity: float, corner: float = 0.0) -> str:
    size = f'width="{wide:.0f}" height="{tall:.0f}" rx="{corner:.0f}"'
    return f'<rect x="{x:.0f}" y="{y:.0f}" {size} fill="{fill}" opacity="{opacity:.2f}"/>'


def _shape(fill: str, opacity: float, *path: str | float) -> str:
    """A filled path: commands as text, coordinates as numbers."""
    steps = " ".join(step if isinstance(step, str) else f"{step:.0f}" for step in path)
    return f'<path d="{steps}" fill="{fill}" opacity="{opacity:.2f}"/>'


def _turned(colour: str, by: float) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    hue, light, depth = colorsys.rgb_to_hls(red, green, blue)
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb((hue + by) % 1.0, light, depth))

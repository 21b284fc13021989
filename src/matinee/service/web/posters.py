"""Poster art out of nothing but a title and its genres: deterministic, drawn as SVG, the same everywhere."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 300, 450
WIDE, TALL = 1600, 900


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one mood: sky from `top` to `bottom`, shapes in `near` and `far`, one bright `light`."""

    top: str
    bottom: str
    far: str
    near: str
    light: str


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
    shade = f'<circle cx="{x + r * 0.42:.0f}" cy="{y - r * 0.2:.0f}" r="{r * 0.92:.0f}" fill="{at.palette.top}"/>'
    crescent = f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{at.palette.light}"/>'
    return _stars(at, 26) + crescent + shade + _ridges(at, steps=3, rough=0.16)


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


STYLES: dict[str, tuple[Palette, Motif]] = {
    "film-noir": (Palette("#0d0f14", "#23262e", "#3a3f4a", "#07080b", "#d9d4c5"), blinds),
    "western": (Palette("#e08a3c", "#8a3218", "#b5501f", "#3b140d", "#ffe2a8"), sun),
    "horror": (Palette("#1a0508", "#4a0a10", "#7d1018", "#0a0204", "#d8433b"), thorns),
    "sci-fi": (Palette("#071226", "#123a5e", "#2f7fa8", "#0c2743", "#9ff0ff"), orbits),
    "animation": (Palette("#2a4fc4", "#6f3cc0", "#f2669a", "#39b7c8", "#ffd95e"), bubbles),
    "children": (Palette("#1c7c8c", "#2f4fb0", "#f0884f", "#54c07a", "#ffe07a"), bubbles),
    "musical": (Palette("#7a1550", "#35104f", "#c4367a", "#4c1460", "#ffd0e4"), rays),
    "fantasy": (Palette("#1b1145", "#4a2a80", "#7a4fb8", "#150b33", "#f5e3ff"), moon),
    "mystery": (Palette("#0c1d2b", "#25485a", "#3f6f7c", "#081119", "#e8f1d8"), moon),
    "crime": (Palette("#14161c", "#35302c", "#5a4a38", "#0b0b0d", "#e8b765"), blinds),
    "war": (Palette("#59503a", "#2a2a20", "#43412f", "#15150f", "#e0c48a"), sun),
    "adventure": (Palette("#1f7a78", "#0d3540", "#2c9a86", "#08252c", "#ffd27a"), sun),
    "romance": (Palette("#8c2646", "#3a1236", "#d0607a", "#6a1c48", "#ffd4c4"), waves),
    "comedy": (Palette("#d4872a", "#a23c2a", "#f0b446", "#8c2f2a", "#fff1cc"), rays),
    "thriller": (Palette("#0f2233", "#07111b", "#2d5d80", "#0b1a28", "#ef6b4a"), shards),
    "action": (Palette("#2b0f12", "#8a2018", "#c2402a", "#1a0a0c", "#ffb054"), shards),
    "documentary": (Palette("#1f3a38", "#10211f", "#4f7d72", "#17302c", "#dff0e0"), lens),
    "drama": (Palette("#233050", "#121728", "#4a5f92", "#2a2448", "#f0d9b8"), waves),
}
ALIASES = {
    "childrens": "children",
    "children's": "children",
    "science fiction": "sci-fi",
    "noir": "film-noir",
    "music": "musical",
}
PLAIN = (Palette("#2c2f3a", "#15171d", "#565d70", "#22252f", "#e6dccb"), lens)


def poster(title: str, genres: Sequence[str], wide: bool = False) -> str:
    """The SVG of a title: portrait with its name (300 x 450), or `wide` without words (1600 x 900) for a backdrop.

    The same title and genres give the same bytes on every machine.
    """
    seed = int.from_bytes(hashlib.sha256("\x1f".join([title, *genres]).encode()).digest()[:8], "big")
    palette, motif = _style(genres)
    width, height = (WIDE, TALL) if wide else (WIDTH, HEIGHT)
    canvas = Canvas(width, height, palette, np.random.default_rng(seed))
    words = "" if wide else _lettering(title, genres, palette)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" preserveAspectRatio="xMidYMid slice">'
        f'<defs><linearGradient id="s" x2=".25" y2="1"><stop stop-color="{palette.top}"/>'
        f'<stop offset="1" stop-color="{palette.bottom}"/></linearGradient>'
        '<linearGradient id="f" x2="0" y2="1"><stop offset=".3" stop-opacity="0"/>'
        '<stop offset=".72" stop-opacity=".62"/><stop offset="1" stop-opacity=".88"/></linearGradient></defs>'
        f'<rect width="{width}" height="{height}" fill="url(#s)"/>{motif(canvas)}{words}</svg>'
    )


def _style(genres: Sequence[str]) -> tuple[Palette, Motif]:
    """The most telling of a title's genres sets its style: the order of `STYLES`."""
    names = {ALIASES.get(genre.casefold(), genre.casefold()) for genre in genres}
    return next((style for name, style in STYLES.items() if name in names), PLAIN)


def _lettering(title: str, genres: Sequence[str], palette: Palette) -> str:
    name, year = split_year(title)
    size = 40 if len(name) <= 14 else 32 if len(name) <= 30 else 25
    lines = _wrapped(name, max(6, int(252 / (size * 0.56))))[:5]
    foot = HEIGHT - 44
    rows = "".join(
        f'<text x="24" y="{foot - (len(lines) - 1 - k) * size * 1.08:.0f}" font-size="{size}" font-weight="700" '
        f'fill="#fff" letter-spacing="-.5">{escape(line)}</text>'
        for k, line in enumerate(lines)
    )
    under = " · ".join(part for part in (year, *list(genres)[:2]) if part)
    return (
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#f)"/>'
        f'<rect x="24" y="{foot - len(lines) * size * 1.08 - 6:.0f}" width="34" height="4" rx="2" fill="{palette.light}"/>'
        f"<g font-family=\"Georgia, 'Times New Roman', serif\">{rows}</g>"
        f'<text x="24" y="{HEIGHT - 20}" font-size="13" fill="#fff" opacity=".82" letter-spacing=".6" '
        f'font-family="system-ui, sans-serif">{escape(under[:40])}</text>'
    )


def split_year(title: str) -> tuple[str, str]:
    """ "Heat (1995)" -> ("Heat", "1995"); "Matrix, The (1999)" -> ("The Matrix", "1999")."""
    name, year = title.strip(), ""
    if name.endswith(")") and name[-6:-5] == "(" and name[-5:-1].isdigit():
        name, year = name[:-6].strip(), name[-5:-1]
    head, comma, tail = name.rpartition(", ")
    if comma and tail in ("The", "A", "An", "La", "Le", "Les", "Il", "Das", "Der", "Die", "El"):
        name = f"{tail} {head}"
    return name or title, year


def _wrapped(text: str, width: int) -> list[str]:
    """Words on lines of at most `width` letters; longer words are cut with an ellipsis."""
    lines: list[str] = [""]
    for word in text.split():
        shown = word if len(word) <= width else word[: width - 1] + "…"
        if lines[-1] and len(lines[-1]) + 1 + len(shown) > width:
            lines.append(shown)
        else:
            lines[-1] = f"{lines[-1]} {shown}".strip()
    return lines


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

"""Poster art out of nothing but a title and its genres: deterministic, drawn as SVG, the same everywhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from matinee.service.web.motifs import (
    Canvas,
    Motif,
    Palette,
    arches,
    blinds,
    bubbles,
    lens,
    moon,
    orbits,
    paper,
    rays,
    shards,
    sun,
    thorns,
    towers,
    waves,
)

WIDTH, HEIGHT = 300, 450
WIDE, TALL = 1600, 900
SHIFT = 0.065  # how far a title's hues may turn from its genre's, in turns

STYLES: dict[str, tuple[Palette, tuple[Motif, ...]]] = {
    "film-noir": (Palette("#0d0f14", "#23262e", "#3a3f4a", "#07080b", "#d9d4c5"), (blinds, towers)),
    "western": (Palette("#e08a3c", "#8a3218", "#b5501f", "#3b140d", "#ffe2a8"), (sun, arches)),
    "horror": (Palette("#1a0508", "#4a0a10", "#7d1018", "#0a0204", "#d8433b"), (thorns, shards, moon)),
    "sci-fi": (Palette("#071226", "#123a5e", "#2f7fa8", "#0c2743", "#9ff0ff"), (orbits, lens, towers)),
    "animation": (Palette("#2a4fc4", "#6f3cc0", "#f2669a", "#39b7c8", "#ffd95e"), (bubbles, paper, sun)),
    "children": (Palette("#1c7c8c", "#2f4fb0", "#f0884f", "#54c07a", "#ffe07a"), (bubbles, rays, moon)),
    "musical": (Palette("#7a1550", "#35104f", "#c4367a", "#4c1460", "#ffd0e4"), (rays, paper, waves)),
    "fantasy": (Palette("#1b1145", "#4a2a80", "#7a4fb8", "#150b33", "#f5e3ff"), (moon, arches)),
    "mystery": (Palette("#0c1d2b", "#25485a", "#3f6f7c", "#081119", "#e8f1d8"), (moon, blinds, lens)),
    "crime": (Palette("#14161c", "#35302c", "#5a4a38", "#0b0b0d", "#e8b765"), (blinds, towers, shards)),
    "war": (Palette("#59503a", "#2a2a20", "#43412f", "#15150f", "#e0c48a"), (sun, shards, arches)),
    "adventure": (Palette("#1f7a78", "#0d3540", "#2c9a86", "#08252c", "#ffd27a"), (sun, arches, waves)),
    "romance": (Palette("#8c2646", "#3a1236", "#d0607a", "#6a1c48", "#ffd4c4"), (waves, moon, arches)),
    "comedy": (Palette("#d4872a", "#a23c2a", "#f0b446", "#8c2f2a", "#fff1cc"), (rays, paper, bubbles)),
    "thriller": (Palette("#0f2233", "#07111b", "#2d5d80", "#0b1a28", "#ef6b4a"), (shards, towers, lens)),
    "action": (Palette("#2b0f12", "#8a2018", "#c2402a", "#1a0a0c", "#ffb054"), (shards, towers, sun)),
    "documentary": (Palette("#1f3a38", "#10211f", "#4f7d72", "#17302c", "#dff0e0"), (lens, sun)),
    "drama": (Palette("#233050", "#121728", "#4a5f92", "#2a2448", "#f0d9b8"), (waves, arches, towers)),
}
ALIASES = {
    "childrens": "children",
    "children's": "children",
    "science fiction": "sci-fi",
    "noir": "film-noir",
    "music": "musical",
}
PLAIN = (Palette("#2c2f3a", "#15171d", "#565d70", "#22252f", "#e6dccb"), (lens, arches, paper))


def poster(title: str, genres: Sequence[str], wide: bool = False, way: int = 0) -> str:
    """The SVG of a title without words: portrait (300 x 450) with a dark foot for its name, or `wide` (1600 x 900).

    The same title and genres give the same bytes on every machine. `way`: another of its genres sets the style, and
    where it has no more, another motif.
    """
    seed = int.from_bytes(hashlib.sha256("\x1f".join([title, *genres]).encode()).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    styles = _styles(genres)
    genre_palette, motifs = styles[way % len(styles)]
    palette = genre_palette.turned(float(rng.uniform(-SHIFT, SHIFT)))
    motif = motifs[(int(rng.integers(len(motifs))) + way // len(styles)) % len(motifs)]
    width, height = (WIDE, TALL) if wide else (WIDTH, HEIGHT)
    canvas = Canvas(width, height, palette, np.random.default_rng([seed, way]) if way else rng)
    foot = "" if wide else f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#f)"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" preserveAspectRatio="xMidYMid slice">'
        f'<defs><linearGradient id="s" x2=".25" y2="1"><stop stop-color="{palette.top}"/>'
        f'<stop offset="1" stop-color="{palette.bottom}"/></linearGradient>'
        '<linearGradient id="f" x2="0" y2="1"><stop offset=".3" stop-opacity="0"/>'
        '<stop offset=".72" stop-opacity=".62"/><stop offset="1" stop-opacity=".88"/></linearGradient></defs>'
        f'<rect width="{width}" height="{height}" fill="url(#s)"/>{motif(canvas)}{foot}</svg>'
    )


def _styles(genres: Sequence[str]) -> list[tuple[Palette, tuple[Motif, ...]]]:
    """The styles of a title's genres, the most telling first: in the order of `STYLES`."""
    names = {ALIASES.get(genre.casefold(), genre.casefold()) for genre in genres}
    return [style for name, style in STYLES.items() if name in names] or [PLAIN]


def lettering(name: str) -> str:
    """How large a name stands on a poster: "large" to "tight", so that its longest word stays whole."""
    longest = max(map(len, name.split()), default=0)
    if longest <= 9 and len(name) <= 14:
        return "large"
    if longest <= 11:
        return "middle" if len(name) <= 30 else "small"
    return "tight"


def split_year(title: str) -> tuple[str, str]:
    """Name and year as people say them: "Matrix, The (1999)" -> ("The Matrix", "1999")."""
    found = re.fullmatch(r"(.+?)\s*\((\d{4})\)\s*", title)
    name, year = found.groups() if found else (title.strip(), "")
    head, comma, tail = name.rpartition(", ")
    if comma and tail in ("The", "A", "An", "La", "Le", "Les", "Il", "Das", "Der", "Die", "El"):
        name = f"{tail} {head}"
    return name, year

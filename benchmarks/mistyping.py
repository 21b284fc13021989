"""Queries as people type them: names whole or begun, with one slip of the finger or more."""

from __future__ import annotations

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def mistyped(text: str, slips: int, rng: np.random.Generator) -> str:
    """`text` with so many slips, after its first letter: a wrong letter, a missing or an additional one, or a swap."""
    for _ in range(slips):
        at, letter = int(rng.integers(1, len(text))), LETTERS[rng.integers(26)]
        swapped = text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
        kinds = (
            text[:at] + letter + text[at + 1 :],
            text[:at] + text[at + 1 :],
            text[:at] + letter + text[at:],
            swapped,
        )
        text = kinds[rng.integers(4)]
    return text


def begun(name: str, rng: np.random.Generator) -> str:
    """The first 60 to 100 % of a name's letters, eight or more."""
    least = min(len(name), max(8, round(0.6 * len(name))))
    return name[: int(rng.integers(least, len(name) + 1))]

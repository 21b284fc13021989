"""How far long work has come: what it tells, and to whom."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str, float], None]  # what is being done, and the share of the work done before it


def quiet(what: str, done: float) -> None:
    """Say nothing."""


def within(tell: Tell, stage: str, start: float, end: float) -> Tell:
    """What to give to the part of a work that is `stage` and lasts from the share `start` to `end` of the whole."""
    return lambda what, done: tell(f"{stage}: {what}", start + (end - start) * done)

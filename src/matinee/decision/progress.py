"""How far long work has come: what it tells, and to whom."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]  # what is being done, and the share of the work done before it


def no_progress(what: str, done: float) -> None:
    """Say nothing."""


def part_of(progress: Progress, stage: str, start: float, end: float) -> Progress:
    """What to give to the part of a work that is `stage` and lasts from the share `start` to `end` of the whole."""
    return lambda what, done: progress(f"{stage}: {what}", start + (end - start) * done)

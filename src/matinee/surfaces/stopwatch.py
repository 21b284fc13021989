"""Milliseconds per stage of the flow."""

from __future__ import annotations

from time import perf_counter


class Stopwatch:
    """Starts when made; `lap(name)` books the time since the last lap under `name`."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, name: str) -> None:
        """Book the time since the last lap, in milliseconds."""
        now = perf_counter()
        self.laps[name] = 1e3 * (now - self._last)
        self._last = now

"""The service's clock: the machine's, which may jump back, and the latest time that it has ever shown."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """Reads the time; `latest` is the latest that was read or told of (both in microseconds since 1970, UTC).

    While the clock is behind `latest`, what happens now must not be stamped before what was acknowledged already.
    """

    def __init__(self, read: Callable[[], float], latest: int = 0) -> None:
        self._read = read  # seconds since 1970, as `time.time` gives them
        self.latest = latest

    def now(self) -> int:
        """The time now; it may be before one that was given earlier."""
        now = round(self._read() * 1e6)
        self.latest = max(self.latest, now)
        return now

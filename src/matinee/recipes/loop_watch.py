"""A running service looks at its own log for feedback loops every so often, for its operators."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import numpy as np

from matinee.catalog import Catalog
from matinee.data.log import EventLog
from matinee.data.shown_choices import shown_choices
from matinee.errors import MatineeError
from matinee.evaluate.loops import MOST, Kind, Loops, loops_of
from matinee.events import DAY

log = logging.getLogger(__name__)
FIRST, EVERY = 60.0, 6 * 3600.0  # seconds until the first look, so that a start is quick, and between looks
LOOKED_BACK = MOST * DAY  # microseconds


@dataclass
class LoopWatch:
    """A thread that looks at the log of a service; `catalog` gives all titles that it knows."""

    events: EventLog
    catalog: Callable[[], Catalog]
    numbers: Mapping[str, float] = field(default_factory=dict)
    _stopped: Event = field(default_factory=Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Look in the background while the block runs."""
        thread = Thread(target=self._run, name="loop-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def look(self, now: int) -> None:
        """Look at what was shown before `now` (microseconds since 1970, UTC), and keep the numbers."""
        shown = shown_choices(self.events.decisions.read(now, since=now - LOOKED_BACK))
        self.numbers = numbers_of(loops_of(shown, self.catalog(), np.random.default_rng(0)))

    def _run(self) -> None:
        wait = FIRST
        while not self._stopped.wait(wait):
            wait = EVERY
            try:
                self.look(round(time.time() * 1e6))
            except MatineeError:
                log.exception("feedback loops could not be looked for; the numbers stay as they are")


def numbers_of(loops: Loops) -> dict[str, float]:
    """By name: steps looked at, whether each kind of alarm is raised (0 or 1), the period of a swing in days, and the
    latest exposure; of the latter nothing where steps are too few to tell. New titles, and how many are starved.
    """
    always: dict[str, float] = {"steps": loops.steps, "new": loops.new, "starved": loops.starved}
    if not loops.told:
        return always
    raised = {one.kind: one for one in loops.alarms}
    swing = raised.get(Kind.SWING)
    return {
        **always,
        **{f"alarm_{kind}": float(kind in raised) for kind in Kind},
        "swing_period_days": (swing.period or 0.0) if swing else 0.0,
        "dispersion": loops.dispersion,
        "lag_one": loops.lag_one,
        **{one.name: one.last for one in loops.levels},
    }

"""A running service looks at its own log for feedback loops every so often, for its operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np

from matinee.catalog import Catalog
from matinee.data.log import EventLog
from matinee.data.shown_choices import shown_choices
from matinee.decision.whom import listed
from matinee.evaluate.looks import Share
from matinee.evaluate.loops import MOST, Kind, Loops, loops_of
from matinee.evaluate.served import served_by_likes
from matinee.events import DAY
from matinee.recipes.background import looking
from matinee.report.loops import REMEDIES
from matinee.service.watched import Alarm

NEW, MOST_STARVED = 10, 0.5  # new titles from which something is said of them, and the share that may be starved
FEW = 30  # members of a group, below which nothing is said of it
FIRST, EVERY = 60.0, 6 * 3600.0  # seconds until the first look, so that a start is quick, and between looks
LOOKED_BACK = MOST * DAY  # microseconds


@dataclass
class LoopWatch:
    """A thread that looks at the log of a service; `catalog` gives all titles that it knows."""

    events: EventLog
    catalog: Callable[[], Catalog]
    numbers: Mapping[str, float] = field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()

    def running(self) -> AbstractContextManager[None]:
        """Look in the background while the block runs."""
        failed = "feedback loops could not be looked for; the numbers stay as they are"
        return looking(self.look, first=FIRST, every=EVERY, failed=failed)

    def look(self, now: int) -> None:
        """Look at what was shown before `now` (microseconds since 1970, UTC), and keep numbers and alarms."""
        shown = shown_choices(self.events.decisions.read(now, since=now - LOOKED_BACK))
        loops = loops_of(shown, self.catalog(), np.random.default_rng(0))
        events = self.events.read(now, since=now - LOOKED_BACK)
        served = served_by_likes(shown, events, self.catalog(), now)
        rates = {f"plays_a_look_likes_{one.name}": one.rate.value for one in served if one.members >= FEW}
        self.numbers = {**numbers_of(loops), **rates}
        self.alarms = (*alarms_of(loops), *unserved(served))


def alarms_of(loops: Loops) -> Iterator[Alarm]:
    """What degrades a service: each kind of loop that was found, and new titles that most members are kept from."""
    for one in loops.alarms:
        about = f" of {listed(one.genres)}" if one.genres else ""
        yield Alarm(f"loop_{one.kind}", f"the log tells of {one.kind}{about} since {one.since}", REMEDIES[one.kind])
    if loops.new >= NEW and loops.starved > MOST_STARVED * loops.new:
        cause = f"of {loops.new:,} new titles {loops.starved:,} were shown less than a tenth as often as an even share"
        yield Alarm("starved", cause, "turn up the dial exposure: `matinee dials home --exposure 0.5`")


def unserved(served: Sequence[Share]) -> Iterator[Alarm]:
    """Members of so many likes who surely play less than half as much, look by look, as the best served."""
    known = [one for one in served if one.members >= FEW]
    best = max((one.rate.low for one in known), default=0.0)
    for one in known:
        if one.rate.high < best / 2:
            cause = f"members with {one.name} likes or a few more play {one.rate.value:.1%} of what they look at"
            yield Alarm(f"served_{one.name}", cause, "train again, and compare models by likes: `matinee evaluate`")


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

"""What a billboard learns from a log: slice of time by slice, so that a replay makes the same versions to the bit.

A slice is learned once its window is over, from the events that had arrived by then. What comes later counts neither
for the service that learned when its time had come, nor for a replay of the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.asked import as_asked
from matinee.data.counted import Counted, Standings, standings
from matinee.data.log import EventLog
from matinee.data.outcomes import outcomes
from matinee.data.rewards import enjoyed
from matinee.decision import Decisions, as_one
from matinee.errors import BadRequest
from matinee.events import DAY, END_OF_TIME, arrival
from matinee.maths.arrays import Doubles, Flags, Int64s
from matinee.maths.ragged import offsets_of

AT_ONCE = 2_000  # decisions of one version
MEMBERS = 5_000  # whose events are read at a time
SECOND = 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class LearnerConfig:
    """`every`: seconds between two looks at the log, and of a slice. `window`: seconds after which a decision's reward
    is known. `grace`: further seconds in which writes that were under way come to rest.
    """

    every: float = 600.0
    window: float = 6 * 3_600.0
    grace: float = 60.0

    def __post_init__(self) -> None:
        if not (0 < self.every <= DAY / SECOND and self.window > 0 and self.grace >= 0):
            raise BadRequest(f"{self}; give a slice of at most a day, a window above 0 and a grace of 0 or more")

    def slices(self, times: Int64s) -> Int64s:
        """(batch, 2) when the slice of each time begins and ends; slices begin anew with each day."""
        days, length = times // DAY * DAY, round(self.every * SECOND)
        starts = days + (times - days) // length * length
        return np.stack([starts, np.minimum(starts + length, days + DAY)], axis=1)

    def until(self, now: int) -> int:
        """The end of the last slice that can be learned at `now` (microseconds since 1970)."""
        return int(self.slices(np.array([now - round((self.window + self.grace) * SECOND)]))[0, 0])


@dataclass(frozen=True)
class Lesson:
    """Decisions in the order of time, with how much each billboard was enjoyed (lines,), NaN where nobody looked and
    for what is no billboard, and how much their members count (batch,).
    """

    decisions: Decisions
    rewards: Doubles
    standings: Standings

    @property
    def looked(self) -> Flags:
        """(lines,) which billboards somebody looked at."""
        return ~np.isnan(self.rewards)


class LearnsFromLog(Protocol):
    """What learns from the billboards of a log's home pages, up to the time `as_of`; see `decision.Learns`."""

    @property
    def catalog(self) -> Catalog:
        """The titles that it knows."""
        ...

    @property
    def as_of(self) -> int:
        """The time of the latest decision learned from (microseconds since 1970, UTC), 0 for none."""
        ...

    def learn(self, decisions: Decisions, rewards: Doubles, weights: Doubles | None = None) -> None:
        """Learn from what became of decisions: `rewards` (lines,), of which each counts as `weights` (lines,) say."""
        ...

    def catch_up(self) -> None:
        """Take up the newest version that was kept, where another process has learned since."""
        ...


def learn_from(
    events: EventLog,
    learners: Sequence[LearnsFromLog],
    now: int,
    config: LearnerConfig,
    counted: Counted | None = None,
) -> int:
    """Teach `learners`, who know as much of the same titles, from the billboards that home pages of the log showed,
    whoever chose them, whose time has come at `now` (microseconds since 1970), but for those learned from before;
    returns how many decisions these were.

    What was learned is kept, version by version: cut off at any moment, the next call goes on where the last one was.
    `counted` is what the last call left, so that the day's decisions need not be read again.
    """
    (since,), catalog = {one.as_of for one in learners}, learners[0].catalog
    counted, learned = Counted() if counted is None else counted, 0
    if counted.as_of != since:
        _count_again(counted, events, catalog, since, config)
    for lesson in lessons(events, catalog, since + 1, config.until(now), config):
        weights = _weights(counted, lesson)
        for one in learners:
            one.learn(lesson.decisions, lesson.rewards, weights)
        learned += len(lesson.decisions)
    return learned


def lessons(events: EventLog, catalog: Catalog, since: int, until: int, config: LearnerConfig) -> Iterator[Lesson]:
    """What the decisions of [since, until) teach, slice by slice, at most `AT_ONCE` of one moment and more at once."""
    for batches in _days(events, since, until):
        for slices in _read_together(_in_order(batches, config)):
            theirs = events.read(END_OF_TIME, user_ids=list(_members(slices)), places=True)
            for parts in slices:
                known = theirs.filter(pl.col("user_id").is_in(list(_members([parts]))))
                asked = [as_asked(one, events, catalog, known) for one in parts]
                yield _lesson(_by_time(as_one(asked)), known, catalog, config)


def _count_again(counted: Counted, events: EventLog, catalog: Catalog, as_of: int, config: LearnerConfig) -> None:
    """Bring `counted` to the latest decision that was learned from, at `as_of`."""
    counted.forget()
    for lesson in lessons(events, catalog, as_of // DAY * DAY, as_of + 1, config):
        _weights(counted, lesson)
    counted.as_of = as_of


def _weights(counted: Counted, lesson: Lesson) -> Doubles:
    return counted.weights(lesson.decisions, lesson.looked, lesson.standings)


def _lesson(decisions: Decisions, theirs: pl.DataFrame, catalog: Catalog, config: LearnerConfig) -> Lesson:
    """All of one slice, out of all events of its members."""
    start, end = config.slices(decisions.requests.times[:1])[0].tolist()
    known = end + round(config.window * SECOND)
    arrived = theirs.filter(arrival().dt.epoch("us") < known)
    stamp = arrived["timestamp"].dt.epoch("us")
    found = outcomes(decisions, arrived.filter((stamp >= start) & (stamp < known)), catalog, config.window, enjoyed)
    rewards = np.where(decisions.billboards & found.examined, found.reward.astype(np.float64), np.nan)
    return Lesson(decisions, rewards, standings(decisions, arrived))


def _days(events: EventLog, since: int, until: int) -> Iterator[list[Decisions]]:
    """The decisions of home pages in [since, until), day by day."""
    while (first := next(events.decisions.read(until, since, "home"), None)) is not None:
        day = int(first.requests.times.min()) // DAY
        end = min((day + 1) * DAY, until)
        yield list(events.decisions.read(end, max(since, day * DAY), "home"))
        since = end


def _read_together(parts: Iterator[list[Decisions]]) -> Iterator[list[list[Decisions]]]:
    """Slices in their order, as many at once as are of `MEMBERS` members, but at least one: an event is read once for
    all of them. Decisions that do not say what had arrived are left out.
    """
    together, members = list[list[Decisions]](), set[str]()
    for one in parts:
        told = [batch for batch in one if batch.requests.arrived is not None]
        theirs = _members([told])
        if together and len(members | theirs) > MEMBERS:
            yield together
            together, members = [], set()
        if told:
            together.append(told)
            members |= theirs
    if together:
        yield together


def _members(slices: list[list[Decisions]]) -> set[str]:
    return {user_id for parts in slices for batch in parts for user_id in batch.requests.user_ids}


def _in_order(batches: list[Decisions], config: LearnerConfig) -> Iterator[list[Decisions]]:
    """The decisions of a day, slice by slice, the oldest first; those of one moment stay together."""
    times = np.concatenate([batch.requests.times for batch in batches])
    whose = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches])
    starts = offsets_of([len(batch) for batch in batches])
    order = np.argsort(times, kind="stable")
    times, first = times[order], 0
    ends = config.slices(times)[:, 1]
    while first < len(order):
        over = int(np.searchsorted(ends, ends[first], "right"))
        end = int(np.searchsorted(times, times[min(first + AT_ONCE, over) - 1], "right"))
        some = order[first:end]
        yield [batches[k].take(some[whose[some] == k] - starts[k]) for k in np.unique(whose[some])]
        first = end


def _by_time(decisions: Decisions) -> Decisions:
    return decisions.take(np.lexsort((np.array(decisions.ids), decisions.requests.times)))

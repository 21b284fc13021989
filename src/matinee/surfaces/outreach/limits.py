"""Who may be written to now: those who want it, are awake, and have not had their share. Of
everybody else, silence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matinee.decision import Requests
from matinee.decision.eligibility import wants_messages
from matinee.events import DAY, Kind
from matinee.maths.arrays import Flags, Int8s, Int32s
from matinee.maths.ragged import owners_of
from matinee.surfaces.outreach.config import OutreachConfig

HOUR = DAY // 24


class Limits(NamedTuple):
    """What holds of each member, (batch,): they want messages, their share is not used up, and they
    are awake.
    """

    wanted: Flags
    within: Flags
    awake: Flags

    @property
    def open(self) -> Flags:
        """(batch,) who may be written to now."""
        return self.wanted & self.within & self.awake


def limits_of(requests: Requests, config: OutreachConfig) -> Limits:
    """The limits of each request. A member whose hour nobody knows is not awake."""
    lately = messages_within(requests, config.days * DAY) < config.cap
    rested = messages_within(requests, config.rest * HOUR) == 0
    return Limits(wants_messages(requests), lately & rested, awake(requests.situations.hour, config))


def awake(hours: Int8s, config: OutreachConfig) -> Flags:
    """(batch,) whether these local hours lie outside the quiet ones; -1 is unknown, so quiet.

    No hour is quiet where both ends are the same.
    """
    since = (hours.astype(np.int64) - config.awake) % 24
    day = (config.quiet - config.awake) % 24 or 24
    return (hours >= 0) & (since < day)


def messages_within(requests: Requests, span: int) -> Int32s:
    """(batch,) how many messages each member got in the last `span` microseconds."""
    past = requests.histories
    owner = owners_of(past.offsets)
    lately = (past.kinds == Kind.MESSAGE) & (past.times >= requests.times[owner] - span)
    return np.bincount(owner[lately], minlength=len(past)).astype(np.int32)

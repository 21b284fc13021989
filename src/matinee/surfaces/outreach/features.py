"""What is known of a member and a message when it may be sent: the features that effects are
learned of.
"""

from __future__ import annotations

import numpy as np

from matinee.decision import Requests
from matinee.decision.messages import Reason
from matinee.events import DAY, PLAYED, Kind
from matinee.maths.arrays import Doubles
from matinee.maths.ragged import owners_of
from matinee.surfaces.outreach.limits import messages_within
from matinee.surfaces.outreach.offers import Messages

LATELY = 28 * DAY
FEATURES = ("plays lately", "days since a play", "messages lately", "worth", *(one.name.lower() for one in Reason))


def features_of(requests: Requests, messages: Messages) -> Doubles:
    """(messages, `FEATURES`) of each message that may be sent; counts and days as logarithms."""
    known = _members(requests)[messages.owners]
    reasons = (messages.reasons[:, None] >> np.arange(len(Reason))) & 1
    return np.concatenate([known, messages.worth[:, None].astype(np.float64), reasons], axis=1)


def _members(requests: Requests) -> Doubles:
    """(batch, 3) what is known of each member: plays lately, days since the last play, messages
    lately.
    """
    past = requests.histories
    owner = owners_of(past.offsets)
    age = requests.times[owner] - past.times
    played = (past.kinds == Kind.PLAY) & (past.values >= PLAYED)
    plays = np.bincount(owner[played & (age <= LATELY)], minlength=len(past))
    since = np.full(len(past), LATELY, np.int64)
    np.minimum.at(since, owner[played], age[played])
    return np.stack([np.log1p(plays), np.log1p(since / DAY), np.log1p(messages_within(requests, LATELY))], axis=1)

"""The inbox: what a member was lately written to about and has not answered, of titles that they may see now."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import numpy as np

from matinee.data.log import EventLog
from matinee.decision import Decisions
from matinee.decision.messages import Reason, told_by, words
from matinee.errors import NotFound
from matinee.events import DAY, END_OF_TIME, Kind
from matinee.history import SPEAKING, Histories
from matinee.maths.arrays import Int32s
from matinee.service.core import Service
from matinee.service.responses import MessageOut

KEPT = 7 * DAY  # for which a message stands in the inbox


async def inbox(service: Service, user_id: str) -> list[MessageOut]:
    """The messages of `user_id`, newest first; none once the member wants no more."""
    member, since = await service.member(user_id), service.clock.now() - KEPT
    asked = unanswered(member.history, since)
    if not member.profile.messages or not len(asked):
        return []
    sent = await asyncio.to_thread(_sent, service.deployment.log, user_id, since)
    found = [await _message(service, one, user_id) for one in sent if told_by(one)[0][0] in asked]
    return [one for one in found if one]


def unanswered(history: Histories, since: int) -> Int32s:
    """The titles that one member was written to about from `since` on and said or did nothing with after that."""
    written = np.flatnonzero((history.kinds == Kind.MESSAGE) & (history.times >= since))
    spoken = np.isin(history.kinds, (*SPEAKING, Kind.SEEN))
    later = [(spoken[at:] & (history.items[at:] == history.items[at])).any() for at in written.tolist()]
    return history.items[written[~np.array(later, np.bool_)]]


def _sent(log: EventLog, user_id: str, since: int) -> list[Decisions]:
    """The decisions behind a member's messages, newest first; those of other systems have none, and what the log has
    thinned or forgotten says no longer why it was written.
    """
    told = log.read(END_OF_TIME, since=since, kinds=["message"], user_ids=[user_id])
    found = []
    for one in told["decision_id"].drop_nulls().reverse():
        with suppress(NotFound):
            found.append(log.decisions.get(one))
    return found


async def _message(service: Service, sent: Decisions, user_id: str) -> MessageOut | None:
    """A message in words; None where the member may not see its title now."""
    (items, reasons), catalog = told_by(sent), service.catalog
    try:
        title = await service.title(catalog.item_ids[items[0]], user_id)
    except NotFound:
        return None
    reason = Reason(int(reasons[0]))
    return {
        "decision_id": sent.ids[0],
        "title": title,
        "reason": reason.name.lower(),
        "message": words(reason, title["title"]),
    }

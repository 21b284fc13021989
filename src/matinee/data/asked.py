"""Logged decisions in the situations that they were made in: each with the history as of what had arrived."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matinee.catalog import Catalog
from matinee.data.histories import histories_of
from matinee.data.log import EventLog
from matinee.decision import Decisions
from matinee.errors import BadData
from matinee.history import Histories

END_OF_TIME = int(np.iinfo(np.int64).max)


def as_asked(decisions: Decisions, log: EventLog, catalog: Catalog) -> Decisions:
    """Decisions of the log with the histories that they saw; `catalog` is today's or an older one.

    Raises `BadData` when the log no longer gives back such a history, or a decision does not say what had arrived.
    """
    asked = decisions.requests
    if asked.arrived is None:
        raise BadData(
            f"decision {decisions.ids[0]!r} does not say what had arrived when it was made; only decisions "
            "that a service logged can be asked again"
        )
    known = catalog.first(decisions.catalog)
    each = zip(asked.user_ids, asked.arrived.tolist(), asked.times.tolist(), strict=True)
    found = Histories.joined([_seen(log, known, *one) for one in each])
    wrong = np.flatnonzero(found.digests() != asked.digests)
    if len(wrong):
        raise BadData(
            f"the history given for decision {decisions.ids[wrong[0]]!r} is not the one it saw; read the member's "
            "events as of what had arrived"
        )
    return replace(decisions, requests=replace(asked, histories=found, logged_digests=None))


def _seen(log: EventLog, catalog: Catalog, user_id: str, arrived: int, time: int) -> Histories:
    """What had arrived of one member (a batch of one)."""
    events = log.read(END_OF_TIME, user_ids=[user_id], arrived=arrived)
    return histories_of(events, [user_id], catalog, END_OF_TIME).by(time)

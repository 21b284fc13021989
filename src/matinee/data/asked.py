"""A logged decision in the situation that it was made in: the log's record with the history as of what had arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matinee.catalog import Catalog
from matinee.data.histories import histories_of
from matinee.data.log import EventLog
from matinee.decision import Decisions
from matinee.decision.record import of_record
from matinee.errors import BadData
from matinee.events import END_OF_TIME


def as_asked(record: Mapping[str, Any], log: EventLog, catalog: Catalog) -> Decisions:
    """The decision of a record (a batch of one), with the history that it saw; `catalog` is today's or an older one.

    Raises `BadData` when the log no longer gives back that history, or the record says nothing of what had arrived.
    """
    arrived = record.get("arrived")
    if arrived is None:
        raise BadData(
            f"decision {record.get('decision_id')!r} does not say what had arrived when it was made; only decisions "
            "that a service logged can be asked again"
        )
    user_id = record["user_id"]
    events = log.read(END_OF_TIME, user_ids=[user_id], arrived=arrived)
    history = histories_of(events, [user_id], catalog.first(record["catalog"]), END_OF_TIME)
    return of_record(record, history.by(record["time"]))

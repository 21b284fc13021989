"""Everything that the log holds about a member, as plain data: what a deletion would remove."""

from __future__ import annotations

from typing import Any

import polars as pl

from matinee.data.log import EventLog
from matinee.events import END_OF_TIME, SCHEMA
from matinee.service.present import profile_out
from matinee.service.responses import ExportOut


def export(log: EventLog, user_id: str) -> ExportOut:
    """The stored profile, all events and all decisions of a member, oldest first. It reads long: give it a thread."""
    profile = log.profile(user_id)
    return {
        "user_id": user_id,
        "profile": None if profile is None else profile_out(profile),
        "events": _plain(log.read(END_OF_TIME, user_ids=[user_id])),
        "decisions": log.decisions.records_of(user_id),
    }


def _plain(events: pl.DataFrame) -> list[dict[str, Any]]:
    """Events as they were sent: what was left out is left out, times are ISO 8601."""
    times = pl.col("timestamp", "received").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    rows = events.select(SCHEMA.keys()).with_columns(times).to_dicts()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]

"""Rows of the event log: events, decisions and profiles as the values of its statements, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import polars as pl

from matinee.data.log.schema import SEQUENCED
from matinee.errors import BadData, LogDamaged
from matinee.events import REQUIRED, SCHEMA, TIME
from matinee.profile import Profile

TIMES = ("timestamp", "received")


def event_row(event: Mapping[str, Any], received: int) -> tuple[Any, ...]:
    """An event that arrived at `received` (microseconds) as the values of `insert_event`.

    Raises `BadData` where a required field is missing.
    """
    lacking = [name for name in REQUIRED if event.get(name) is None]
    if lacking:
        raise BadData(f"an event lacks {lacking}; it has {dict(event)!r:.200}; clean events before they are logged")
    arrived = {**event, "timestamp": _micros(event["timestamp"]), "received": received}
    return tuple(arrived.get(name) for name in SCHEMA)


def event_rows(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """A clean frame of events as values of `insert_event`."""
    return frame.select(SCHEMA.keys()).with_columns(pl.col(TIMES).cast(pl.Int64)).rows()


def event_frame(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Rows of `seq` and `events.SCHEMA` as a frame of `schema.SEQUENCED`."""
    stored = {**SEQUENCED, **dict.fromkeys(TIMES, pl.Int64())}
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ([] for _ in stored)
    series = [pl.Series(name, column, stored[name]) for name, column in zip(stored, columns, strict=True)]
    return pl.DataFrame(series).with_columns(pl.col(TIMES).cast(TIME))


def profile_row(profile: Profile) -> tuple[str, str, str]:
    """A profile as the values of `insert_profile`."""
    return profile.user_id, profile.name.casefold(), orjson.dumps(asdict(profile)).decode()


def record_of_text(text: str) -> dict[str, Any]:
    """The decision or profile that was stored as text. Raises `LogDamaged` where it is no longer one."""
    try:
        record: dict[str, Any] = orjson.loads(text)
    except ValueError as error:
        raise LogDamaged(
            f"a decision or profile in the log is not as it was written: {text!r:.80}; bring back a backup, or remove "
            "decisions up to that day with `matinee log --forget-decisions-before DAY`"
        ) from error
    return record


def profile_of(record: str) -> Profile:
    """The profile that `profile_row` stored."""
    return Profile.of(record_of_text(record))


def starting_with(prefix: str) -> str:
    """The pattern of LIKE for a prefix, with `!` as the escape."""
    return prefix.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"


def _micros(moment: int | datetime) -> int:
    if not isinstance(moment, datetime):
        return int(moment)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

"""Logged decisions in the situations that they were made in: each with the history as of what had arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.histories import histories_of
from matinee.data.log import EventLog
from matinee.decision import Company, Decisions
from matinee.errors import BadData
from matinee.history import Histories
from matinee.maths.arrays import Flags, Int64s

END_OF_TIME = int(np.iinfo(np.int64).max)
AT_ONCE = 5_000  # histories read at a time
Read: TypeAlias = Callable[[pl.Series, int], pl.DataFrame]  # events of members that had arrived by a place, with places


def as_asked(decisions: Decisions, log: EventLog, catalog: Catalog, events: pl.DataFrame | None = None) -> Decisions:
    """Decisions of the log with the histories that they saw; `catalog` is today's or an older one.

    `events` are all of their members' with their places, where these were read before. Raises `BadData` when the log no
    longer gives back such a history, or a decision does not say what had arrived.
    """
    asked = decisions.requests
    if asked.arrived is None:
        raise BadData(
            f"decision {decisions.ids[0]!r} does not say what had arrived when it was made; only decisions "
            "that a service logged can be asked again"
        )
    known = catalog.first(decisions.catalog)
    moments = np.stack([asked.arrived, asked.times], axis=1)
    read = _reading(log) if events is None else lambda user_ids, arrived: events
    found = _seen(read, known, asked.user_ids, moments)
    _require_same(found.digests() != asked.digests, np.arange(len(asked)), decisions)
    requests = replace(asked, histories=found, logged_digests=None)
    if asked.together is not None and len(asked.together.requests):
        requests = replace(requests, together=_company(asked.together, decisions, log, known))
    return replace(decisions, requests=requests)


def _company(company: Company, decisions: Decisions, log: EventLog, catalog: Catalog) -> Company:
    """Who else watched, with what had arrived of them."""
    asked, whose = decisions.requests, company.requests
    if company.arrived is None:
        raise BadData(f"decision {decisions.ids[0]!r} does not say what had arrived of those who watched along")
    user_ids = asked.people.user_ids.gather(company.people.values)
    found = _seen(_reading(log), catalog, user_ids, np.stack([company.arrived, asked.times[whose]], axis=1))
    _require_same(found.digests() != company.digests, whose, decisions)
    return replace(company, histories=found, logged_digests=None)


def _require_same(differs: Flags, whose: Int64s, decisions: Decisions) -> None:
    """Raise `BadData` where a history `differs` (histories,) from what decision `whose` (histories,) saw."""
    if differs.any():
        raise BadData(
            f"the history given for decision {decisions.ids[whose[differs][0]]!r} is not the one it saw; read the "
            "member's events as of what had arrived"
        )


def _reading(log: EventLog) -> Read:
    def read(user_ids: pl.Series, arrived: int) -> pl.DataFrame:
        return log.read(END_OF_TIME, user_ids=user_ids.unique().to_list(), arrived=arrived, places=True)

    return read


def _seen(read: Read, catalog: Catalog, user_ids: pl.Series, moments: Int64s) -> Histories:
    """What had arrived of each member at their moment (batch, 2): place in the order of arrival, and time."""
    some = (slice(start, start + AT_ONCE) for start in range(0, len(user_ids), AT_ONCE))
    return Histories.joined([_seen_at_once(read, catalog, user_ids[one], moments[one]) for one in some])


def _seen_at_once(read: Read, catalog: Catalog, user_ids: pl.Series, moments: Int64s) -> Histories:
    names, places = [str(b) for b in range(len(moments))], moments[:, 0]
    each = pl.DataFrame({"user_id": user_ids, "_name": names, "_arrived": places})
    events = read(user_ids, int(places.max()))
    theirs = events.join(each, on="user_id", maintain_order="left")
    arrived = theirs.filter(pl.col("seq").fill_null(0) <= pl.col("_arrived")).with_columns(user_id="_name")
    return histories_of(arrived, names, catalog, END_OF_TIME).by(moments[:, 1])

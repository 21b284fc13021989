"""A member and their situation as a batch of one: the only place where the service makes `Requests`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Context, Requests
from matinee.service.members import Member
from matinee.service.schemas import ContextIn


def request_of(
    catalog: Catalog, member: Member, asked: ContextIn, exclude: Sequence[str] = (), **fields: Any
) -> Requests:
    """What a policy is asked for `member` now. Titles to exclude that the catalogue does not know are ignored.

    `fields` are those of `Requests` that differ by surface: surface, layout, seeds, exploration.
    """
    now = time.time_ns() // 1_000
    excluded = (np.array([catalog.index[one] for one in exclude if one in catalog.index], np.int32),)
    return Requests(
        np.array([now], np.int64),
        (member.profile,),
        member.before(now),
        (_context(member, asked),),
        exclude=excluded if exclude else None,
        **fields,
    )


def _context(member: Member, asked: ContextIn) -> Context:
    """The situation as asked; the rest from the profile, the server's local clock, and the web as the device."""
    local = datetime.now()
    return Context(
        country=asked.country or member.profile.country,
        device=asked.device or "web",
        language=asked.language,
        hour=local.hour if asked.hour is None else asked.hour,
        weekday=local.weekday() if asked.weekday is None else asked.weekday,
    )

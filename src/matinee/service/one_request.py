"""A member and their situation as a batch of one: the only place where the service makes `Requests`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from matinee.catalog import Catalog
from matinee.clock import local_clock, zone_of
from matinee.data.tunings import Tuning
from matinee.decision import Company, Context, People, Requests
from matinee.experiment.allocate import in_cells, settings_of
from matinee.experiment.definition import Experiment
from matinee.history import Histories
from matinee.maths.arrays import Int32s
from matinee.maths.ragged import Ragged
from matinee.service.members import Member
from matinee.service.requests import AskIn, ContextIn, TunedIn
from matinee.situation import Situations


def request_of(
    catalog: Catalog,
    member: Member,
    asked: ContextIn,
    now: int,
    exclude: Sequence[str] = (),
    time_zone: str = "UTC",
) -> Requests:
    """Who asks, when and where: `member` at `now` (microseconds since 1970, UTC), knowing all that was acknowledged.

    Titles to exclude that the catalogue does not know are ignored. `time_zone`: the service's. What a surface is asked
    beside this, its entry in `surfaces.SURFACES` adds.
    """
    plain = Requests(
        np.array([now], np.int64),
        np.zeros(1, np.int32),
        People.of([member.profile]),
        member.history.by(now),
        Situations.of([_context(member, asked, now, time_zone)]),
        arrived=np.array([member.arrived], np.int64),
    )
    return without(plain, np.array([catalog.index[one] for one in exclude if one in catalog.index], np.int32))


def with_company(requests: Requests, company: Sequence[Member]) -> Requests:
    """A batch of one, watched by these members too."""
    if not company:
        return requests
    now = int(requests.times[0])
    people = People.of([requests.profile(0), *(one.profile for one in company)])
    histories = Histories.joined([one.history.by(now) for one in company])
    arrived = np.array([one.arrived for one in company], np.int64)
    watched_by = Ragged.of([range(1, 1 + len(company))])
    return replace(requests, people=people, together=Company(watched_by, histories, arrived))


def without(requests: Requests, titles: Int32s) -> Requests:
    """A batch of one with these titles excluded too."""
    if not len(titles):
        return requests
    before = np.empty(0, np.int32) if requests.exclude is None else requests.exclude[0]
    return replace(requests, exclude=Ragged.of([np.append(before, titles)]))


def in_experiments(requests: Requests, experiments: Sequence[Experiment]) -> Requests:
    """A batch of one with its arms, and with what they change where the request itself does not say it."""
    placed = in_cells(requests, experiments)
    for settings in settings_of(experiments, placed.cells, 0):
        if requests.exploration is None and settings.exploration is not None:
            placed = replace(placed, exploration=settings.exploration)
    return placed


def tuned(requests: Requests, asked: AskIn, stored: Tuning) -> Requests:
    """A batch of one with dials and exploration as asked, else as its arm has it, else as `stored`."""
    dials = asked.dials.over(stored.dials) if isinstance(asked, TunedIn) else requests.dials
    exploration = stored.exploration if requests.exploration is None else requests.exploration
    return replace(requests, dials=dials, exploration=exploration)


def asked_about(requests: Requests, catalog: Catalog) -> str:
    """What a batch of one is about: the id of a title, what was typed, its place in a chain, or who else
    watches; else empty.
    """
    if requests.episodes is not None:
        return f"{requests.episodes.chains[0]}:{requests.episodes.steps[0]}"
    if requests.about is not None:
        return catalog.item_ids[int(requests.about[0])]
    if requests.together is not None:
        return json.dumps(requests.people.user_ids.gather(requests.together.people.values).to_list())
    return "" if requests.queries is None else requests.queries[0]


def local_day(member: Member, asked: ContextIn, now: int, time_zone: str) -> date:
    """The date on the member's wall at `now` (microseconds since 1970, UTC)."""
    return datetime.fromtimestamp(now / 1e6, ZoneInfo(zone_of(member.profile, asked.country, time_zone))).date()


def _context(member: Member, asked: ContextIn, now: int, time_zone: str) -> Context:
    """The situation as asked; the rest from the profile, the clock on the member's wall, and the web as the device."""
    hours, weekdays = local_clock(np.array([now], np.int64), zone_of(member.profile, asked.country, time_zone))
    return Context(
        country=asked.country or member.profile.country,
        device=asked.device or "web",
        language=asked.language,
        hour=int(hours[0]) if asked.hour is None else asked.hour,
        weekday=int(weekdays[0]) if asked.weekday is None else asked.weekday,
    )

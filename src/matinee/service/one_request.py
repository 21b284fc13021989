"""A member and their situation as a batch of one, with all that may be asked beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from matinee.catalog import Catalog
from matinee.clock import zone_of
from matinee.data.tunings import Tuning
from matinee.decision import Company, People, Requests
from matinee.experiment.allocate import in_cells, settings_of
from matinee.experiment.definition import Experiment
from matinee.history import Histories
from matinee.maths.arrays import Int32s
from matinee.maths.ragged import Ragged
from matinee.service.many_requests import exploration_of, requests_of
from matinee.service.members import Member
from matinee.service.requests import AskIn, ContextIn, TunedIn


def request_of(
    catalog: Catalog,
    member: Member,
    asked: ContextIn,
    now: int,
    exclude: Sequence[str] = (),
    time_zone: str = "UTC",
) -> Requests:
    """Who asks, when and where: `member` at `now` (microseconds since 1970, UTC), knowing all that was acknowledged.

    See `requests_of`.
    """
    return requests_of(catalog, [member], [asked], now, [exclude], time_zone)


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
    settings = settings_of(experiments, placed.cells, 0)
    return replace(placed, exploration=exploration_of(requests.exploration, settings))


def tuned(requests: Requests, asked: AskIn, stored: Tuning) -> Requests:
    """A batch of one with dials and exploration as asked, else as its arm has it, else as `stored`."""
    dials = asked.dials.over(stored.dials) if isinstance(asked, TunedIn) else requests.dials
    return explored(replace(requests, dials=dials), stored)


def explored(requests: Requests, stored: Tuning) -> Requests:
    """A batch with the exploration that is `stored`, where nobody said another."""
    return replace(requests, exploration=stored.exploration) if requests.exploration is None else requests


def asked_about(requests: Requests, catalog: Catalog, b: int = 0) -> str:
    """What a request is about: the id of a title, what was typed, its place in a chain, or who else
    watches; else empty.
    """
    if requests.episodes is not None:
        return f"{requests.episodes.chains[b]}:{requests.episodes.steps[b]}"
    if requests.about is not None:
        return catalog.item_ids[int(requests.about[b])]
    if requests.together is not None:
        return json.dumps(requests.people.user_ids.gather(requests.together.people[b]).to_list())
    return "" if requests.queries is None else requests.queries[b]


def local_day(member: Member, asked: ContextIn, now: int, time_zone: str) -> date:
    """The date on the member's wall at `now` (microseconds since 1970, UTC)."""
    return datetime.fromtimestamp(now / 1e6, ZoneInfo(zone_of(member.profile, asked.country, time_zone))).date()

"""Members and their situations as one batch: the only place where the service makes `Requests`; what is asked alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from matinee.catalog import Catalog
from matinee.clock import local_clock, zone_of
from matinee.decision import Context, Control, Dials, Episodes, People, Requests
from matinee.experiment.allocate import in_cells, settings_of
from matinee.experiment.definition import Experiment, Settings
from matinee.history import Histories
from matinee.maths.ragged import Ragged
from matinee.page import Layout, Layouts
from matinee.service.members import Member
from matinee.service.requests import ContextIn, HomeIn, MemberIn
from matinee.situation import Situations

MINUTE = 60 * 1_000_000  # microseconds


class How(NamedTuple):
    """How a decision is asked for; `layout` None: that of the device, `exploration` None: as its arm has it."""

    control: Control
    dials: Dials
    exploration: float | None
    layout: Layout | None


class Asked(NamedTuple):
    """One decision of a batch as it is asked for; `episodes` is what it goes on after."""

    who: HomeIn | MemberIn
    how: How
    episodes: Episodes | None = None


def requests_of(
    catalog: Catalog,
    members: Sequence[Member],
    asked: Sequence[ContextIn],
    now: int,
    excludes: Sequence[Sequence[str]],
    time_zone: str,
) -> Requests:
    """Who asks, when and where: `members` at `now` (microseconds since 1970, UTC), knowing all that was acknowledged.

    Titles to exclude that the catalogue does not know are ignored. `time_zone`: the service's. What a surface is asked
    beside this, its entry in `surfaces.SURFACES` adds.
    """
    unwanted = [[catalog.index[one] for one in each if one in catalog.index] for each in excludes]
    histories = [one.history for one in members]
    return Requests(
        np.full(len(members), now, np.int64),
        np.arange(len(members), dtype=np.int32),
        People.of([one.profile for one in members]),
        (Histories.joined(histories) if len(histories) > 1 else histories[0]).by(now),
        Situations.of(_contexts(members, asked, now, time_zone)),
        exclude=Ragged.of(unwanted) if any(unwanted) else None,
        arrived=np.array([one.arrived for one in members], np.int64),
    )


def alike(
    requests: Requests,
    asked: Sequence[Asked],
    layouts: Layouts,
    experiments: Sequence[Experiment],
) -> Iterator[tuple[list[int], Requests]]:
    """The requests with their arms, in batches of those that are asked alike, and their places in the whole batch."""
    placed = in_cells(requests, experiments)
    places: dict[tuple[How, bool], list[int]] = {}
    for b, one in enumerate(asked):
        layout = layouts.of(one.who.context.device)
        own = _own(one.how, layout, settings_of(experiments, placed.cells, b))
        places.setdefault((own, one.episodes is None), []).append(b)
    for (how, _), at in places.items():
        some = placed if len(at) == len(placed) else placed.take(np.array(at))
        follows = [episodes for b in at if (episodes := asked[b].episodes) is not None]
        yield at, replace(some, episodes=Episodes.joined(follows) if follows else None, **how._asdict())


def exploration_of(asked: float | None, settings: Sequence[Settings]) -> float | None:
    """What a request itself says, else the last of its arms that says it."""
    told = [one.exploration for one in settings if one.exploration is not None]
    return told[-1] if asked is None and told else asked


def _own(how: How, layout: Layout, settings: Sequence[Settings]) -> How:
    """How it is asked for on this screen, in these arms."""
    return How(
        how.control,
        how.dials,
        exploration_of(how.exploration, settings),
        replace(how.layout, attention=layout.attention) if how.layout else layout,
    )


def _contexts(members: Sequence[Member], asked: Sequence[ContextIn], now: int, time_zone: str) -> list[Context]:
    """The situations as asked; the rest from profiles, the clocks on members' walls, and the web as the device."""
    zones = [zone_of(who.profile, one.country, time_zone) for who, one in zip(members, asked, strict=True)]
    clocks = [_clock(now // MINUTE, zone) for zone in zones]
    return [
        Context(
            country=one.country or who.profile.country,
            device=one.device or "web",
            language=one.language,
            hour=hour if one.hour is None else one.hour,
            weekday=weekday if one.weekday is None else one.weekday,
        )
        for who, one, (hour, weekday) in zip(members, asked, clocks, strict=True)
    ]


@lru_cache(1_024)
def _clock(minute: int, zone: str) -> tuple[int, int]:
    """The hour and weekday of a minute since 1970: no zone turns its clock within one."""
    hours, weekdays = local_clock(np.array([minute * MINUTE], np.int64), zone)
    return int(hours[0]), int(weekdays[0])

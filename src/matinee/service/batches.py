"""Home pages and billboards by the batch: decided as one, logged in one commit, each a decision of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from matinee.data.tunings import Tuning
from matinee.page import Attention, Layout
from matinee.service.chains import page_after
from matinee.service.core import Service
from matinee.service.edition import Edition
from matinee.service.many_requests import Asked, How, alike, requests_of
from matinee.service.members import Member
from matinee.service.one_request import asked_about, explored, local_day
from matinee.service.requests import BillboardsIn, HomeIn
from matinee.service.responses import BillboardOut, BillboardsOut, PageOut
from matinee.service.settling import Batch, Made

HOME = "home"
BILLBOARD = Layout(rows=1, columns=1, visible=1)


async def homes(service: Service, asked: Sequence[HomeIn]) -> list[PageOut]:
    """Home pages in the order asked."""
    started, stored, get = time.perf_counter(), _stored(service), service.deployment.log.decisions.get
    hows = [_how(one, one.layout.layout(Attention()) if one.layout else None, stored) for one in asked]
    before = [await page_after(one, HOME, get) for one in asked]
    pages: dict[int, PageOut] = {}
    for made in await decided(service, [Asked(*one) for one in zip(asked, hows, before, strict=True)]):
        for at, row in enumerate(made.rows):
            alone = made.served.decisions.take(np.array([at]))
            pages[row] = made.edition.presenter.page(alone, asked[row].explain, made.served.missed)
            pages[row]["timings"]["total"] = _milliseconds_since(started)
    return [pages[row] for row in range(len(asked))]


async def billboards(service: Service, asked: BillboardsIn) -> BillboardsOut:
    """A billboard for each member, in the order asked: the one that their home page would have now."""
    started, how = time.perf_counter(), _how(asked, BILLBOARD, _stored(service))
    parts = await decided(service, [Asked(one, how) for one in asked.members])
    found = await asyncio.to_thread(_in_order, parts, asked.explain)
    return {"billboards": found, "timings": {"total": _milliseconds_since(started)}}


async def decided(service: Service, asked: Sequence[Asked]) -> list[Made]:
    """The decisions for all that was asked, as batches of what is asked alike; they are on disk when it returns."""
    now = service.clock.now()

    def ask(edition: Edition, rows: Sequence[int], watchers: Sequence[Sequence[Member]]) -> list[Batch]:
        return list(_batches(service, edition, [asked[row] for row in rows], [one for (one,) in watchers], now))

    return await service.decide_all(HOME, [[one.who.user_id] for one in asked], ask)


def _batches(
    service: Service, edition: Edition, asked: Sequence[Asked], members: Sequence[Member], now: int
) -> Iterator[Batch]:
    """What is asked alike for these members."""
    deployment, stored = service.deployment, _stored(service)
    contexts, excludes = [one.who.context for one in asked], [one.who.exclude for one in asked]
    plain = requests_of(edition.catalog, members, contexts, now, excludes, deployment.time_zone)
    placed = replace(plain, surface=HOME)
    for at, requests in alike(placed, asked, edition.layouts, deployment.experiments()):
        seeds = []
        for k, b in enumerate(at):
            who, about = asked[b].who, asked_about(requests, edition.catalog, k)
            day = local_day(members[b], who.context, now, deployment.time_zone)
            seeds.append(service.draws.seed(who.user_id, day, HOME, about, who.draw))
        yield Batch(at, explored(requests, stored), seeds)


def _stored(service: Service) -> Tuning:
    return service.deployment.tunings().get(HOME, Tuning())


def _how(asked: HomeIn | BillboardsIn, layout: Layout | None, stored: Tuning) -> How:
    return How(asked.control, asked.dials.over(stored.dials), asked.exploration, layout)


def _in_order(parts: Sequence[Made], explain: bool) -> list[BillboardOut]:
    found: dict[int, BillboardOut] = {}
    for made in parts:
        told = made.edition.presenter.billboards(made.served.decisions, explain, made.served.missed)
        found.update(zip(made.rows, told, strict=True))
    return [found[row] for row in range(len(found))]


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1e3, 3)

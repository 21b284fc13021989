"""Decisions of a live service asked again: from its log and artifacts alone, each choice's log-probability and history.

    python benchmarks/bench_audit.py [MOVIELENS_FOLDER]

A service over MovieLens 100K (fetched where it is not there, or the folder given) answers `VISITORS` at once, on home,
similar and search, while their events arrive: a third of them late, by up to 200 hours. Profiles change, titles of new
genres are appended `GROWTHS` times, and half-way the model is trained anew and swapped. `run()` returns `decisions`,
`choices`, `events`, `late`, `profiles`, `titles` appended, `swapped` (reloads), `busy` (requests told to try again);
`asked`, `rebuilt` (histories equal by digest), `refused` (why others could not be asked), `within_1e-6`, `within_2e-6`
and `within_5e-6` (shares of the choices), `worst` (the largest difference of a log-probability; the log keeps them to
5e-7); `live_seconds`, `audit_seconds`, `machine`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from httpx import ASGITransport, AsyncClient
from machine import machine
from served import VAR, Progress

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.data.sources import movielens
from matinee.recipes.audit import Audit, audit
from matinee.recipes.demo import as_if_it_ended_now
from matinee.recipes.serving import SERVED, catalog_and_policies, catalog_and_policies_with
from matinee.recipes.training import train_into
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.workspace import Workspace

DECISIONS = 10_000
VISITORS = 8
GROWTHS = 8  # times that titles are appended, five each
KINDS = ("play", "thumbs_up", "thumbs_down", "dismiss", "list_add")
DEVICES = ("tv", "web", "phone", "tablet")
SHARES = {"home": 0.6, "similar": 0.2, "search": 0.2}  # of the decisions


def run(
    progress: Progress = lambda what, done: None, data: Dataset | None = None, decisions: int | None = None
) -> dict[str, Any]:
    """Let a service live, then ask its decisions again; see the top of this file for the keys."""
    wanted = decisions or DECISIONS
    with tempfile.TemporaryDirectory() as folder:
        place = Workspace(Path(folder))
        progress("bringing in the data and training", 0.0)
        place.bring_in(as_if_it_ended_now(data or movielens.read(movielens.fetch_100k(VAR / "data", print)))[0])
        for name in SERVED:
            train_into(place, name, np.random.default_rng(0))
        started = time.perf_counter()
        told = asyncio.run(live(place, wanted, progress))
        lived = time.perf_counter()
        progress("asking the decisions again", 0.5)
        found = audit(place, 2 * wanted)
        return {
            **told,
            **summary(found),
            "live_seconds": lived - started,
            "audit_seconds": time.perf_counter() - lived,
            "machine": machine(),
        }


def summary(found: Audit) -> dict[str, Any]:
    """What the audit found, choice by choice."""
    off = found.differences
    other = sum(times for why, times in found.refused.items() if "not the one it saw" in why)
    within = {f"within_{limit:.0e}".replace("e-0", "e-"): float((off <= limit).mean()) for limit in (1e-6, 2e-6, 5e-6)}
    return {
        "asked": found.asked,
        "rebuilt": found.asked - other,
        "refused": dict(found.refused),
        "choices": len(off),
        **within,
        "worst": found.worst,
    }


async def live(place: Workspace, wanted: int, progress: Progress) -> dict[str, int]:
    """Serve the workspace to visitors who come at once, until `wanted` decisions are made; counts of what happened."""
    with EventLog(place.log_path) as log:
        build = partial(catalog_and_policies, place, log)
        catalog, policies = build()
        grow = partial(catalog_and_policies_with, workspace=place, log=log)
        app = create_app(Deployment(log, catalog, policies, secret=b"audit", deadline=60.0, reload=build, grow=grow))
        await app.state.service.warm()
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                AsyncClient(transport=ASGITransport(app), base_url="http://localhost", timeout=120)
            )
            one = Life(client, catalog, [*log.read(2**62)["user_id"].unique().sort()], wanted, progress)
            await asyncio.gather(upkeep(one, place), *(visits(one, np.random.default_rng(k)) for k in range(VISITORS)))
    return {name: one.happened[name] for name in (*COUNTED, "busy")}


COUNTED = ("decisions", "events", "late", "profiles", "titles", "swapped")


@dataclass
class Life:
    """A service while it is asked: who may ask, and what has happened."""

    client: AsyncClient
    catalog: Catalog
    members: list[str]
    wanted: int
    progress: Progress
    happened: Counter[str] = field(default_factory=Counter)
    items: list[str] = field(init=False)
    numbers: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.items = list(self.catalog.index)

    @property
    def done(self) -> float:
        """The share of the decisions that are made."""
        return self.happened["decisions"] / self.wanted

    async def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer of a call, tried again while the service says that it is busy."""
        while True:
            answer = await self.client.request(method, f"/v1/{path}", json=body)
            if answer.status_code != 503:
                assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
                return dict(answer.json())
            self.happened["busy"] += 1
            await asyncio.sleep(0.05)


async def visits(one: Life, rng: np.random.Generator) -> None:
    """One visitor after the other: each is answered while their own events arrive."""
    while one.happened["decisions"] < one.wanted:
        one.happened["decisions"] += 1
        user = one.members[int(rng.integers(len(one.members)))]
        surface, body = asked(one, user, rng)
        await asyncio.gather(one.call("POST", surface, body), tell(one, user, rng))
        if rng.random() < 0.05:
            await change(one, user, rng)
        if one.happened["decisions"] % 100 == 0:
            one.progress("asking while events arrive", 0.1 + 0.4 * one.done)


def asked(one: Life, user: str, rng: np.random.Generator) -> tuple[str, dict[str, Any]]:
    """What a visitor asks: a surface and its body."""
    surface = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    context = {"device": str(rng.choice(DEVICES)), "country": str(rng.choice(["DK", "SE"]))}
    body: dict[str, Any] = {"user_id": user, "draw": int(rng.integers(1_000)), "context": context}
    if surface == "similar":
        body["item_id"] = some(one.items, rng)
    elif surface == "search":
        title = one.catalog.titles["title"][int(rng.integers(len(one.catalog)))]
        body["query"] = title[: int(rng.integers(0, 8))]
    if rng.random() < 0.2:
        body["exploration"] = float(rng.random())
    return surface, body


async def tell(one: Life, user: str, rng: np.random.Generator) -> None:
    """Three events of a member, a third of them late: an offline device tells of them only now."""
    events = []
    for number in (next(one.numbers) for _ in range(3)):
        event = {"event_id": f"live-{number}", "user_id": user, "item_id": some(one.items, rng), "value": 0.7}
        event["kind"] = str(rng.choice(KINDS))
        if late := rng.random() < 1 / 3:
            event["timestamp"] = (datetime.now(UTC) - timedelta(hours=float(rng.uniform(0, 200)))).isoformat()
        events.append(event)
        one.happened["late"] += bool(late)
    answer = await one.call("POST", "events", {"events": events})
    one.happened["events"] += answer["accepted"]


async def change(one: Life, user: str, rng: np.random.Generator) -> None:
    """A member's profile becomes another."""
    blocked = str(rng.choice(one.catalog.genres))
    body = {"blocked_genres": [blocked], "blocked_titles": [some(one.items, rng)], "country": "SE"}
    await one.call("PUT", f"profiles/{user}", body)
    one.happened["profiles"] += 1


async def upkeep(one: Life, place: Workspace) -> None:
    """Titles of new genres at even steps; the model trained anew and swapped when half of the decisions are made."""
    for step in range(1, GROWTHS + 1):
        while one.done < step / (GROWTHS + 1):
            await asyncio.sleep(0.02)
        ids = [f"new-{step}-{k}" for k in range(5)]
        titles = [{"item_id": new, "title": new, "genres": [f"A new genre {step}", "Drama"]} for new in ids]
        answer = await one.call("POST", "titles", {"titles": titles})
        one.happened["titles"] += answer["added"]
        one.items += ids
        if step == GROWTHS // 2:
            train_anew = partial(train_into, place, SERVED[0], np.random.default_rng(1), accept=True)
            await asyncio.to_thread(train_anew)  # visitors who like anything teach it little, so it is told to accept
            await one.call("POST", "artifacts/reload", {})
            one.happened["swapped"] += 1


def some(items: list[str], rng: np.random.Generator) -> str:
    """One of them, the newest a little more often."""
    return items[-1 - int(rng.integers(20))] if rng.random() < 0.1 else items[int(rng.integers(len(items)))]


if __name__ == "__main__":
    given = movielens.read(sys.argv[1]) if sys.argv[1:] else None
    for key, value in run(lambda what, done: print(f"{done:4.0%} {what}", flush=True), given).items():
        print(f"{key}: {value}")

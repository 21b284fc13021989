"""What the service does, without HTTP: decide and log, take events, keep members live, swap policies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np

from matinee.data.histories import histories_of
from matinee.decision import Decisions, Requests
from matinee.decision.record import record_of
from matinee.eligibility import check, eligible
from matinee.errors import ArtifactRefused, BadRequest, NotFound
from matinee.history import Histories
from matinee.maths.arrays import Flags
from matinee.page import Layout, layout_for
from matinee.profile import Profile
from matinee.service.answers import EventOut, EventsOut, ExportOut, PageOut, StateOut, TitleOut
from matinee.service.asking import request_of
from matinee.service.deployment import Deployment, Ladders
from matinee.service.export import export
from matinee.service.intake import Judged, answering, deeds_of, judge, rows_of
from matinee.service.ladder import Ladder
from matinee.service.members import Member, Members
from matinee.service.metrics import Metrics
from matinee.service.present import Presenter
from matinee.service.probe import probe
from matinee.service.profiles import understood
from matinee.service.schemas import ContextIn, HomeIn, SimilarIn
from matinee.service.search import TitleSearch
from matinee.service.shown import ShownLately
from matinee.service.state import states_of
from matinee.service.titles import narrowed

T = TypeVar("T")
END_OF_TIME = int(np.iinfo(np.int64).max)
NOBODY = Member(Profile(""), Histories.empty(1))  # an id that no client can send


class Service:
    """One running service. All methods belong to the event loop; policies and the log have threads of their own."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.metrics = Metrics()
        self.members = Members(self._load, deployment.max_members)
        self.unready = "the policies are being checked"
        self._ladders = self._started(deployment.ladders)
        self._presenter = Presenter(deployment.catalog)
        self._search = TitleSearch(deployment.catalog)
        self._shown = ShownLately(deployment.log.decision, deployment.max_members)
        self._reloading = asyncio.Lock()

    async def warm(self) -> None:
        """Check the policies once, which also compiles what they need; `unready` is empty afterwards if all is well."""
        try:
            await asyncio.to_thread(probe, self.deployment.ladders, self.deployment.catalog)
            self.unready = ""
        except ArtifactRefused as refused:
            self.unready = str(refused)

    async def trouble(self) -> str:
        """Why the log cannot be written just now; empty when all is well."""
        return await asyncio.to_thread(lambda: self.deployment.log.trouble)

    async def home(self, asked: HomeIn) -> PageOut:
        """Decide a home page, log it, and say why."""
        layout = asked.layout.layout() if asked.layout else layout_for(asked.context.device)
        return await self._decided(asked, asked.user_id, layout=layout, exploration=asked.exploration)

    async def homes(self, asked: Sequence[HomeIn]) -> list[PageOut]:
        """Home pages in the order asked, decided as many at a time as each policy has threads."""
        at_once = self.deployment.threads
        pages: list[PageOut] = []
        for start in range(0, len(asked), at_once):
            pages += await asyncio.gather(*map(self.home, asked[start : start + at_once]))
        return pages

    async def similar(self, asked: SimilarIn) -> PageOut:
        """Decide which titles go with one title, none that the member turned down, log it, and say why."""
        seed = np.array([self.item(asked.item_id)], np.int32)
        layout = Layout(rows=1, columns=asked.n, billboard=False)
        return await self._decided(
            asked, asked.user_id, surface="similar", layout=layout, about=seed, exploration=asked.exploration
        )

    async def take(self, events: Sequence[Any]) -> EventsOut:
        """Judge, log and apply a batch of events; what is accepted is on disk and counts for the next page.

        Events that get the server's time get one each, a microsecond apart, so that their order is kept.
        """
        now, catalog = datetime.now(UTC), self.deployment.catalog
        judged = [judge(raw, catalog, now + timedelta(microseconds=at)) for at, raw in enumerate(events)]
        named = {one.event.decision_id for one in judged if one.event and one.event.decision_id}
        judged = answering(judged, await self._shown.find(named), catalog)
        first: dict[tuple[str, str | None], Judged] = {}
        for one in judged:
            if one.event:
                first.setdefault((one.event.user_id, one.event_id), one)
        taken = list(first.values())
        users = {one.event.user_id for one in taken if one.event}
        async with self.members.visiting(users, writes=True):
            fresh = await self._stored(taken)
            self.members.extend(deeds_of(fresh, catalog))
        return self._counted(judged, {id(one) for one in fresh})

    async def decision(self, decision_id: str) -> dict[str, Any]:
        """A logged decision, as it was made."""
        return await asyncio.to_thread(self.deployment.log.decision, decision_id)

    async def profile(self, user_id: str) -> Profile:
        """A stored profile. Raises `NotFound`."""
        found = await asyncio.to_thread(self.deployment.log.profile, user_id)
        if found is None:
            raise NotFound(f"there is no profile {user_id[:100]!r}; create it with PUT /v1/profiles/{{user_id}}")
        return found

    async def profiles(self, prefix: str, n: int) -> list[Profile]:
        """At most `n` stored profiles whose name or id starts with `prefix`."""
        return await asyncio.to_thread(self.deployment.log.profiles, prefix, n)

    async def put_profile(self, profile: Profile) -> Profile:
        """Store a profile as the catalogue spells it and return it; it holds from the next page on.

        Raises `UnknownName` where a name in it cannot be understood.
        """
        async with self.members.visiting([profile.user_id], writes=True):
            stored = await asyncio.to_thread(self._put, profile)
            self.members.forget(profile.user_id)
        return stored

    async def delete(self, user_id: str) -> dict[str, int]:
        """Remove every trace of a member from log, sealed files and memory; counts what was removed."""
        async with self.members.deleting(user_id):
            self._shown.forget(user_id)
            return await asyncio.to_thread(self.deployment.log.delete_member, user_id)

    async def export(self, user_id: str) -> ExportOut:
        """Everything that the log holds about a member."""
        async with self.members.visiting([user_id]):
            return await asyncio.to_thread(export, self.deployment.log, user_id)

    async def titles(
        self, prefix: str, user_id: str | None, n: int, genre: str | None = None, after: str | None = None
    ) -> list[TitleOut]:
        """At most `n` titles that the member may see: those with words that start with `prefix`, without one all.

        Only those of `genre`, and those that come after the title `after` in the catalogue. Raises `NotFound`.
        """
        start = None if after is None else self.item(after)
        allowed = narrowed(self.deployment.catalog, await self._allowed(user_id), genre, start)
        found = self._search.find(prefix, n, allowed.__getitem__) if prefix else np.flatnonzero(allowed)[:n].tolist()
        return [self._presenter.title(item) for item in found]

    async def title_for(self, user_id: str | None, item_id: str) -> TitleOut:
        """What is shown of a title to a member. Raises `NotFound`, also for what they may not see."""
        if not (await self._allowed(user_id))[self.item(item_id)]:
            raise NotFound(f"this member may not see the title {item_id[:100]!r}; ask without user_id")
        return self.title(item_id)

    async def state(self, user_id: str) -> StateOut:
        """What stands of a member's thumbs, list, hidden titles and plays, of the titles that they may see."""
        member = await self._member(user_id)
        requests = request_of(self.deployment.catalog, member, ContextIn())
        allowed = eligible(self.deployment.catalog, requests)[0]
        stands = states_of(requests.histories)
        titles = [{**self._presenter.title(item), **asdict(state)} for item, state in stands.items() if allowed[item]]
        return {"user_id": user_id, "titles": titles}  # type: ignore[typeddict-item]

    async def reload(self) -> dict[str, list[str]]:
        """Build new ladders, check them, and let them serve from the next request on; else keep the old ones.

        Raises `ArtifactRefused` when they cannot be built or fail their check.
        """
        build = self.deployment.reload
        if build is None:
            raise BadRequest("this service has nothing to reload from; start it with a `reload` function")
        async with self._reloading:
            try:
                self._ladders = self._started(await asyncio.to_thread(self._checked, build))
            except Exception as error:
                self.metrics.reloads.labels("refused").inc()
                raise ArtifactRefused(f"the old policies stay: {error}") from error
        self.unready = ""
        self.metrics.reloads.labels("swapped").inc()
        return {surface: [step.name for step in ladder.steps] for surface, ladder in self._ladders.items()}

    def title(self, item_id: str) -> TitleOut:
        """What is shown of a title. Raises `NotFound`."""
        return self._presenter.title(self.item(item_id))

    def item(self, item_id: str) -> int:
        """The dense index of a title. Raises `NotFound`."""
        found = self.deployment.catalog.index.get(item_id)
        if found is None:
            raise NotFound(f"the title {item_id[:100]!r} is not in the catalogue; look it up with GET /v1/titles")
        return found

    async def _decided(self, asked: HomeIn | SimilarIn, user_id: str | None, **fields: Any) -> PageOut:
        """Member, decision, log, words: the road of every answer. It is logged before anyone sees it."""
        started = time.perf_counter()
        ladder = self._ladders[fields.get("surface", "home")]
        async with self.members.visiting([user_id] if user_id else []):
            member = await self._member(user_id)
            zone = self.deployment.time_zone
            requests = request_of(self.deployment.catalog, member, asked.context, asked.exclude, zone, **fields)
            rng = self.deployment.rng.spawn(1)[0]
            served = await ladder.decide(requests, rng, self.deployment.deadline, self._check)
            decided = time.perf_counter()
            await self._durable(self.deployment.log.submit_decisions([record_of(served.decisions, 0)]))
            self._shown.add(served.decisions)
        logged = time.perf_counter()
        for miss in served.missed:
            self.metrics.fallbacks.labels(requests.surface, miss.step, miss.reason).inc()
        page = self._presenter.page(served.decisions, asked.explain, served.missed)
        page["timings"]["log"] = round((logged - decided) * 1e3, 3)
        page["timings"]["total"] = round((time.perf_counter() - started) * 1e3, 3)
        return page

    async def _allowed(self, user_id: str | None) -> Flags:
        """(titles,) whether the member may see each."""
        catalog, zone = self.deployment.catalog, self.deployment.time_zone
        requests = request_of(catalog, await self._member(user_id), ContextIn(), time_zone=zone)
        allowed: Flags = eligible(catalog, requests)[0]
        return allowed

    async def _member(self, user_id: str | None) -> Member:
        return await self.members.get(user_id) if user_id else NOBODY

    async def _stored(self, taken: list[Judged]) -> list[Judged]:
        """The events of `taken` that the log had not seen before; all of them are durable on return."""
        if not taken:
            return []
        new = await self._durable(self.deployment.log.submit_events(rows_of(taken)))
        return [one for one, is_new in zip(taken, new, strict=True) if is_new]

    async def _durable(self, written: Future[T]) -> T:
        started = time.perf_counter()
        done = await asyncio.wrap_future(written)
        self.metrics.commit.observe(time.perf_counter() - started)
        return done

    def _counted(self, judged: list[Judged], fresh: set[int]) -> EventsOut:
        results = [_result(one, id(one) in fresh) for one in judged]
        counts = {"accepted": 0, "duplicate": 0, "rejected": 0}
        for result in results:
            counts[result["status"]] += 1
        for status, count in counts.items():
            self.metrics.events.labels(status).inc(count)
        return {"results": results, **counts}  # type: ignore[typeddict-item]

    def _check(self, requests: Requests, decisions: Decisions) -> None:
        check(self.deployment.catalog, decisions)

    def _started(self, ladders: Ladders) -> dict[str, Ladder]:
        return {surface: Ladder(steps, self.deployment.threads) for surface, steps in ladders.items()}

    def _checked(self, build: Any) -> Ladders:
        ladders: Ladders = build()
        probe(ladders, self.deployment.catalog)
        return ladders

    def _put(self, profile: Profile) -> Profile:
        log = self.deployment.log
        stored = understood(profile, self.deployment.catalog, log.profile(profile.user_id))
        log.put_profile(stored)
        return stored

    def _load(self, user_id: str) -> Member:
        """One member as the log knows them."""
        log = self.deployment.log
        profile = log.profile(user_id) or Profile(user_id)
        events = log.read(END_OF_TIME, user_ids=[user_id])
        return Member(profile, histories_of(events, [user_id], self.deployment.catalog, END_OF_TIME))


def _result(judged: Judged, fresh: bool) -> EventOut:
    if judged.reason:
        return {"event_id": judged.event_id, "status": "rejected", "reason": judged.reason}
    result: EventOut = {"event_id": judged.event_id, "status": "accepted" if fresh else "duplicate"}
    if judged.doubt is not None:
        result["decision"] = judged.doubt
    return result

"""What the service does, without HTTP: decide and log, take events, keep members live, swap policies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.histories import histories_of
from matinee.data.log import EventLog
from matinee.data.tunings import Tuning
from matinee.decision import Decisions, Requests
from matinee.decision.eligibility import eligible
from matinee.errors import ArtifactRefused, BadRequest, NotFound, Overloaded
from matinee.events import END_OF_TIME
from matinee.history import Histories
from matinee.maths.arrays import Flags
from matinee.profile import Profile
from matinee.service.chains import Chain, answered, following, page_after
from matinee.service.clock import Clock
from matinee.service.coming import coming, shares_watched
from matinee.service.deployment import Deployment, Offer
from matinee.service.draws import Draws
from matinee.service.edition import Edition, require_same_titles
from matinee.service.members import Member, Members
from matinee.service.metrics import Metrics
from matinee.service.one_request import asked_about, in_experiments, local_day, request_of, tuned, with_company
from matinee.service.probe import probe
from matinee.service.records import Records
from matinee.service.requests import AskIn, ContextIn, FollowIn, PageIn
from matinee.service.responses import EventOut, EventsOut, GrownOut, NextOut, StateOut, TitleOut
from matinee.service.settling import Ask, Batch, Made, Watching, settled
from matinee.service.shown import ShownLately
from matinee.service.state import states_of
from matinee.service.surfaces import Surface
from matinee.service.titles import item_of, narrowed
from matinee.service.validation import Validated, actions_of, after, answering, rows_of, validate
from matinee.service.visitors import is_visitor

T = TypeVar("T")
READ_AT_ONCE = 500  # members
NOBODY = Member(Profile(""), Histories.empty(1))  # an id that no client can send


class Service:
    """One running service. All methods belong to the event loop; policies and the log have threads of their own."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.metrics = Metrics()
        self.members = Members(self._load, deployment.max_members)
        self.records = Records(deployment.log, self.members, lambda: self.catalog)
        self.clock = Clock(deployment.clock, _last_event(deployment.log, round(deployment.clock() * 1e6)))
        self.unready = "the policies are being checked"
        self._edition = Edition.of(deployment.catalog, deployment.policies, deployment.threads)
        self._seen, _ = deployment.log.changes(0)
        self.draws = Draws(deployment.secret or deployment.log.id.encode())
        self._shown = ShownLately(deployment.log.decisions.get, deployment.max_members)
        self._reloading = asyncio.Lock()

    @property
    def catalog(self) -> Catalog:
        """The catalogue that serves now."""
        return self._edition.catalog

    async def warm(self) -> None:
        """Check the policies once, which also compiles what they need; `unready` is empty afterwards if all is well."""
        try:
            await asyncio.to_thread(probe, self.deployment.policies, self.deployment.catalog, self.clock.now())
            self.unready = ""
        except ArtifactRefused as refused:
            self.unready = str(refused)

    async def trouble(self) -> str:
        """Why the log cannot be written just now; empty when all is well."""
        return await asyncio.to_thread(lambda: self.deployment.log.trouble)

    async def decide(self, surface: Surface, asked: AskIn) -> dict[str, Any]:
        """Member, decision, log, words: the road of every answer. It is logged before anyone sees it.

        Raises `NotFound` where nothing serves this surface, or what is asked about is unknown.
        """
        started, now = time.perf_counter(), self.clock.now()
        user_id, zone, control = asked.user_id, self.deployment.time_zone, asked.control
        chain = await self._chain(surface, asked) if isinstance(asked, FollowIn) else None
        shown = None
        if isinstance(asked, PageIn):
            shown = await page_after(asked, surface.name, self.deployment.log.decisions.get)

        def ask(edition: Edition, _: Sequence[int], watchers: Sequence[Sequence[Member]]) -> list[Batch]:
            member, *company = watchers[0]
            plain = request_of(edition.catalog, member, asked.context, now, asked.exclude, zone)
            plain = with_company(plain, company)
            layout, exploration = edition.layouts.of(asked.context.device), asked.exploration
            episodes = shown if chain is None else chain.episodes(plain.histories)
            placed = replace(plain, surface=surface.name, layout=layout, episodes=episodes)
            named = replace(placed, exploration=exploration, control=control)
            armed = in_experiments(surface.ask(asked, named, edition.catalog), self.deployment.experiments())
            requests = tuned(armed, asked, self.deployment.tunings().get(surface.name, Tuning()))
            day, about = local_day(member, asked.context, now, zone), asked_about(requests, edition.catalog)
            return [Batch([0], requests, [self.draws.seed(user_id, day, surface.name, about, asked.draw)])]

        (made,) = await self.decide_all(surface.name, [[user_id, *asked.company]], ask)
        served = replace(made.served, watchers=tuple(one.profile for one in made.members[0]))
        answer = surface.answer(made.edition.presenter, served, asked)
        answer["timings"]["log"] = served.decisions.timings["log"]
        answer["timings"]["total"] = round((time.perf_counter() - started) * 1e3, 3)
        return answer

    async def _chain(self, surface: Surface, asked: FollowIn) -> Chain:
        """What the decision follows; the answer to that one is on disk when it returns."""
        chain = await following(asked, surface.name, self.deployment.log.decisions.get)
        taken = await self.take(answered(chain, asked, surface.name, self.catalog)) if chain.before else None
        if taken and taken["rejected"]:
            raise BadRequest(f"the answer cannot be taken: {taken['results'][0]['reason']}")
        return chain

    async def decide_all(self, surface: str, watching: Watching, ask: Ask) -> list[Made]:
        """Decisions for each of those who are `watching`, see `settled`; all of them are on disk when it returns."""
        async with self.members.visiting({one for each in watching for one in each if one}):
            made = await settled(surface, watching, ask, self._watchers, self.deployment.deadline)
            started = time.perf_counter()
            await asyncio.gather(*(self._kept(one.served.decisions) for one in made))
        for one in made:
            for miss in one.served.missed:
                self.metrics.fallbacks.labels(surface, miss.step, miss.reason).inc(len(one.rows))
        spent = round((time.perf_counter() - started) * 1e3, 3)
        return [one.logged(spent) for one in made]

    async def take(self, events: Sequence[Any]) -> EventsOut:
        """Judge, log and apply a batch of events; what is accepted is on disk and counts for the next page.

        Events that get the server's time get one each, a microsecond apart, so that their order is kept; also when the
        clock has jumped back they are later than what was acknowledged before.
        """
        now = self.clock.now()
        validated = [validate(raw, self.catalog, now + at, self.clock.latest) for at, raw in enumerate(events)]
        named = {one.event.decision_id for one in validated if one.event and one.event.decision_id}
        validated = answering(validated, await self._shown.find(named), self.catalog)
        users = {one.event.user_id for one in validated if one.event}
        async with self.members.visiting(users, writes=True):
            if self.clock.latest > now:
                validated = after(await self._last_times(validated), validated)
            fresh = await self._stored(_firsts(validated))
            self.members.extend(actions_of(fresh, self.catalog))
        return self._counted(validated, {id(one) for one, _ in fresh})

    async def delete(self, *user_ids: str) -> dict[str, int]:
        """Remove every trace of these members from log, sealed files and memory; counts what was removed."""
        removed = await self.records.delete(user_ids)
        for user_id in user_ids:
            self._shown.forget(user_id)
        return removed

    async def titles(
        self, prefix: str, user_id: str | None, n: int, genre: str | None = None, start: str | None = None
    ) -> list[TitleOut]:
        """At most `n` titles that the member may see: those with words that start with `prefix`, without one all.

        Only those of `genre`, and those that come after the title `start` in the catalogue. Raises `NotFound`.
        """
        edition, _, seen = await self.allowed(user_id)
        allowed = narrowed(edition.catalog, seen, genre, None if start is None else item_of(edition.catalog, start))
        find = edition.search.find
        found = find(prefix, n, allowed) if prefix else np.flatnonzero(allowed)[:n].tolist()
        return [edition.presenter.title(item) for item in found]

    async def state(self, user_id: str) -> StateOut:
        """What stands of a member's thumbs, list, hidden titles and plays, of the titles that they may see."""
        edition, requests, allowed = await self.allowed(user_id)
        show, stands = edition.presenter.title, states_of(requests.histories)
        up_next = coming(edition.catalog, requests, stands)
        watched = shares_watched(edition.catalog, requests)
        titles = [
            {**show(item), **asdict(state), **_of_series(item, watched, up_next)}
            for item, state in stands.items()
            if allowed[item]
        ]
        blocked = list(requests.profile(0).blocked_genres)
        return {"user_id": user_id, "blocked_genres": blocked, "titles": titles}  # type: ignore[typeddict-item]

    async def reload(self) -> dict[str, list[str]]:
        """Read the catalogue, build its policies and check them; they serve together from the next request on.

        What is under way ends on the old ones. Raises `ArtifactRefused`, and keeps the old ones, when the new ones
        cannot be built or fail their check, or when a title has another place in the catalogue.
        """
        build = self.deployment.reload
        if build is None:
            raise BadRequest("this service has nothing to reload from; start it with a `reload` function")
        return await self._swap(lambda: nullcontext(build()))

    async def put_titles(self, told: Sequence[Mapping[str, Any]]) -> GrownOut:
        """Bring new titles and changed ones into the catalogue; they are on disk and serve from the next request on.

        Raises `Overloaded` while others write to the catalogue, else what `reload` raises: all are taken or none.
        """
        grow = self.deployment.grow
        if grow is None:
            raise BadRequest("this service keeps no catalogue on disk; change it where it is made, then reload")
        told = [_dated(one, self.catalog, self.clock.now()) for one in told]
        named = {one["item_id"] for one in told}
        added = len(named - self.catalog.speaks_for.keys())
        policies = await self._swap(lambda: grow(told))
        return {"added": added, "changed": len(named) - added, "policies": policies}

    async def _swap(self, offer: Callable[[], AbstractContextManager[Offer]]) -> dict[str, list[str]]:
        """Let what is on offer serve, if it passes its check."""
        async with self._reloading:
            try:
                self._edition = await asyncio.to_thread(self._rebuilt, offer, self.clock.now())
            except Overloaded:
                raise
            except Exception as error:
                self.metrics.reloads.labels("refused").inc()
                raise ArtifactRefused(f"the old policies stay: {error}") from error
            self.members.forget_all()
        self.unready = ""
        self.metrics.reloads.labels("swapped").inc()
        return self._edition.steps

    async def title(self, item_id: str, user_id: str | None = None) -> TitleOut:
        """What is shown of a title to a member, else to anybody. Raises `NotFound` also where they may not see it."""
        edition, requests, allowed = await self.allowed(user_id)
        item = item_of(edition.catalog, item_id)
        if not allowed[item]:
            raise NotFound(f"the title {item_id[:100]!r} may not be shown here and now; see the profile and its dates")
        up_next = coming(edition.catalog, requests, [item])
        return {**edition.presenter.title(item), **_of_series(item, {}, up_next)}  # type: ignore[typeddict-item]

    async def liked(self, user_id: str, n: int) -> list[str]:
        """The names of the `n` titles that a member liked last, of those that they may see."""
        edition, requests, allowed = await self.allowed(user_id)
        latest = requests.histories.tastes.items[::-1]
        return [edition.catalog.names[item] for item in latest[allowed[latest]][:n].tolist()]

    async def _kept(self, decisions: Decisions) -> None:
        """Log decisions and know what they showed."""
        submit = self.deployment.log.decisions.submit
        queued = await asyncio.to_thread(submit, decisions) if len(decisions) > 1 else submit(decisions)
        await self._durable(queued)
        self._shown.add(decisions)
        await self.records.note_messages(decisions)

    async def _watchers(self, watching: Watching) -> tuple[list[list[Member]], Edition]:
        """The members who watch, and what serves now. Raises `NotFound` for company of whom nothing is known."""
        while True:
            edition = self._edition
            self._follow()
            known = await self.members.get_all({one for each in watching for one in each if one})
            if edition is self._edition:
                break
        members = [[known[one] if one else self._anybody() for one in each] for each in watching]
        for _, *company in members:
            for one in company:
                if one.profile == Profile(one.profile.user_id) and not len(one.history.items):
                    await self.records.profile(one.profile.user_id)
        return members, edition

    async def allowed(self, user_id: str | None) -> tuple[Edition, Requests, Flags]:
        """What serves now, the member's situation, and which titles may be named or pictured to them: (titles,)."""
        member, edition = await self.member(user_id), self._edition
        zone = self.deployment.time_zone
        requests = request_of(edition.catalog, member, ContextIn(), self.clock.now(), time_zone=zone)
        return edition, requests, eligible(edition.catalog, requests)[0]

    async def member(self, user_id: str | None) -> Member:
        """The member as the log knows them now, whoever wrote it."""
        self._follow()
        return await self.members.get(user_id) if user_id else NOBODY

    def _anybody(self) -> Member:
        """Whoever asks without a name: a visitor for one request."""
        return Member(self.deployment.visitors.profile("", None, self.catalog), Histories.empty(1))

    def _follow(self) -> None:
        """Forget the members about whom others have written to the log since the last look."""
        self._seen, changed = self.deployment.log.changes(self._seen)
        if changed is None:
            self.members.forget_all()
        else:
            for user_id in changed:
                self.members.forget(user_id)

    async def _last_times(self, validated: Sequence[Validated]) -> dict[str, int]:
        """The time of the last event of each member to whom the service gives a time."""
        users = {one.event.user_id for one in validated if one.event and one.stamped}
        times = {user_id: (await self.member(user_id)).history.times for user_id in users}
        return {user_id: int(known[-1]) for user_id, known in times.items() if len(known)}

    async def _stored(self, taken: list[Validated]) -> list[tuple[Validated, int]]:
        """The events of `taken` that the log had not seen before, and their places in the order of arrival.

        All of them are durable on return.
        """
        if not taken:
            return []
        places = await self._durable(self.deployment.log.submit_events(rows_of(taken), self.clock.now()))
        return [(one, place) for one, place in zip(taken, places, strict=True) if place]

    async def _durable(self, written: Future[T]) -> T:
        started = time.perf_counter()
        done = await asyncio.wrap_future(written)
        self.metrics.commit.observe(time.perf_counter() - started)
        return done

    def _counted(self, validated: list[Validated], fresh: set[int]) -> EventsOut:
        results = [_result(one, id(one) in fresh) for one in validated]
        counts = {"accepted": 0, "duplicate": 0, "rejected": 0}
        for result in results:
            counts[result["status"]] += 1
        for status, count in counts.items():
            self.metrics.events.labels(status).inc(count)
        return {"results": results, **counts}  # type: ignore[typeddict-item]

    def _rebuilt(self, offer: Callable[[], AbstractContextManager[Offer]], now: int) -> Edition:
        with offer() as (catalog, policies):
            require_same_titles(self.catalog, catalog)
            probe(policies, catalog, now)
        return Edition.of(catalog, policies, self.deployment.threads)

    def _load(self, user_ids: Sequence[str]) -> list[Member]:
        """Members as the log knows them."""
        log, found = self.deployment.log, list[Member]()
        for start in range(0, len(user_ids), READ_AT_ONCE):
            some = user_ids[start : start + READ_AT_ONCE]
            arrived = log.arrived
            events = log.read(END_OF_TIME, user_ids=some, arrived=arrived)
            histories = histories_of(events, some, self.catalog, END_OF_TIME)
            for b, user_id in enumerate(some):
                own = histories if len(some) == 1 else histories.take(np.array([b]))
                found.append(Member(self._profile(user_id), own, arrived))
        return found

    def _profile(self, user_id: str) -> Profile:
        """What is known of a member, by the rules for visitors where it is one."""
        profile = self.deployment.log.profile(user_id) or Profile(user_id)
        return self.deployment.visitors.profile(user_id, profile, self.catalog) if is_visitor(user_id) else profile


def _firsts(validated: Sequence[Validated]) -> list[Validated]:
    """The events to store: of those with one id and member the first."""
    first = {(one.event.user_id, one.event_id): one for one in reversed(validated) if one.event}
    return [one for one in validated if one.event and first[one.event.user_id, one.event_id] is one]


def _dated(told: Mapping[str, Any], catalog: Catalog, now: int) -> Mapping[str, Any]:
    """What is told of a title or an episode; a new episode of which no date is told arrives now."""
    if "series_id" not in told or "added" in told or told["item_id"] in catalog.speaks_for:
        return told
    return {**told, "added": datetime.fromtimestamp(now / 1e6, UTC)}


def _of_series(item: int, watched: Mapping[int, float], up_next: Mapping[int, NextOut]) -> dict[str, Any]:
    """What is told of a series beside a title."""
    shares = {"watched": watched[item]} if item in watched else {}
    return {**shares, "next": up_next[item]} if item in up_next else shares


def _last_event(log: EventLog, now: int) -> int:
    """The time of the last event in the log (microseconds since 1970, UTC), `now` where none is later."""
    last = log.read(END_OF_TIME, since=now)["timestamp"].cast(pl.Int64).max()
    return last if isinstance(last, int) else now


def _result(validated: Validated, fresh: bool) -> EventOut:
    if validated.reason:
        return {"event_id": validated.event_id, "status": "rejected", "reason": validated.reason}
    result: EventOut = {"event_id": validated.event_id, "status": "accepted" if fresh else "duplicate"}
    if validated.doubt is not None:
        result["decision"] = validated.doubt
    return result

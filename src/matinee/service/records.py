"""What the log keeps of members and decisions, as a service asks for it: profiles, exports, deletion, a decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from matinee.catalog import Catalog
from matinee.data.log import EventLog
from matinee.decision import Decisions
from matinee.decision.messages import ASKED, events_of, sent_by
from matinee.errors import NotFound, Overloaded
from matinee.profile import Profile
from matinee.service.export import export
from matinee.service.members import Members
from matinee.service.profiles import understood
from matinee.service.requests import GenreWishIn, TitleWishIn
from matinee.service.responses import ExportOut
from matinee.service.wishes import wished


class Records:
    """The log's records behind the event loop; `catalog` gives the one that serves now, `members` are kept in step."""

    def __init__(self, log: EventLog, members: Members, catalog: Callable[[], Catalog]) -> None:
        self._log, self._members, self._catalog = log, members, catalog

    async def decision(self, decision_id: str) -> dict[str, Any]:
        """A logged decision, as it was made."""
        return await asyncio.to_thread(self._log.decisions.record, decision_id)

    async def profile(self, user_id: str) -> Profile:
        """A stored profile. Raises `NotFound`."""
        found = await asyncio.to_thread(self._log.profile, user_id)
        if found is None:
            raise NotFound(f"there is no profile {user_id[:100]!r}; create it with PUT /v1/profiles/{{user_id}}")
        return found

    async def profiles(self, prefix: str, n: int) -> list[Profile]:
        """At most `n` stored profiles whose name or id starts with `prefix`."""
        return await asyncio.to_thread(self._log.profiles, prefix, n)

    async def recent_profiles(self, n: int) -> list[Profile]:
        """At most `n` stored profiles, those that something happened to last first."""
        return await asyncio.to_thread(self._log.recent_profiles, n)

    async def put_profile(self, profile: Profile) -> Profile:
        """Store a profile as the catalogue spells it and return it; it holds from the next page on.

        Raises `UnknownName` where a name in it cannot be understood.
        """
        async with self._members.visiting([profile.user_id], writes=True):
            stored = await asyncio.to_thread(self._put, profile)
            self._members.forget(profile.user_id)
        return stored

    async def wish(self, asked: GenreWishIn | TitleWishIn) -> Profile:
        """Change one wish of a profile and return it, whoever else changes it; it holds from the next page on.

        Raises `NotFound` where the catalogue knows nothing of that name.
        """
        async with self._members.visiting([asked.user_id], writes=True):
            stored = await asyncio.to_thread(
                self._log.change_profile, asked.user_id, lambda one: wished(one, asked, self._catalog())
            )
            self._members.forget(asked.user_id)
        return stored

    async def note_messages(self, decisions: Decisions) -> None:
        """Keep what a batch of one sends as an event, on disk on return: the member's next decision knows it.

        Raises `Overloaded` where another wrote to the member today.
        """
        if not len(sent_by(decisions)):
            return
        sends = events_of(decisions, self._catalog(), ASKED)
        places = await asyncio.wrap_future(self._log.submit_events(sends.to_dicts()))
        self._members.forget(sends["user_id"][0])
        if not all(places):
            raise Overloaded("the member was written to meanwhile; one message a day is all", retry_after=1.0)

    async def delete(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Remove every trace of members from log, sealed files and memory; counts what was removed."""
        async with AsyncExitStack() as alone:
            for user_id in user_ids:
                await alone.enter_async_context(self._members.deleting(user_id))
            return await asyncio.to_thread(self._log.delete_members, user_ids)

    async def export(self, user_id: str) -> ExportOut:
        """Everything that the log holds about a member."""
        async with self._members.visiting([user_id]):
            return await asyncio.to_thread(export, self._log, user_id)

    def _put(self, profile: Profile) -> Profile:
        stored = understood(profile, self._catalog(), self._log.profile(profile.user_id))
        self._log.put_profile(stored)
        return stored

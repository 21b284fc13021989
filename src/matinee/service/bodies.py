"""Bodies on their way in: bounded in size, time and number, so that slow ones cost nobody else anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Message, Receive, Scope

from matinee.service.problems import Problem

A_QUARTER = 4  # one address may have this share of the bodies that are awaited


class Bodies:
    """Reads whole bodies of at most `limit` bytes within `seconds`.

    At most `most` are awaited at a time, a quarter of them from one address; the one awaited longest gives way.
    A body that is here already waits for nobody.
    """

    def __init__(self, limit: int, seconds: float, most: int) -> None:
        self._limit = limit
        self._seconds = seconds
        self._most = most
        self._awaited: dict[asyncio.Timeout, str] = {}  # and the address of each, the oldest first

    async def whole(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body, or None where none is announced. Raises `Problem` 413 when it is too large, 408 when it is late."""
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if not length and b"transfer-encoding" not in headers:
            return None
        if length.isdigit() and int(length) > self._limit:
            raise self._too_large()
        try:
            async with self._waiting((scope.get("client") or ("",))[0]):
                return await self._read(receive)
        except TimeoutError:
            message = f"the body did not arrive within {self._seconds:g} s, or others came first"
            raise Problem(408, "refused", message, "send smaller batches", {"connection": "close"}) from None

    async def _read(self, receive: Receive) -> bytes:
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise TimeoutError
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._limit:
                raise self._too_large()
            more = message.get("more_body", False)
        return b"".join(parts)

    @asynccontextmanager
    async def _waiting(self, address: str) -> AsyncIterator[None]:
        """A place among those awaited; `TimeoutError` once the time is up or the place is given to a newer one."""
        theirs = [one for one, whose in self._awaited.items() if whose == address]
        if len(theirs) >= max(self._most // A_QUARTER, 1):
            self._give_up(theirs[0])
        elif len(self._awaited) >= self._most:
            self._give_up(next(iter(self._awaited)))
        async with asyncio.timeout(self._seconds) as place:
            self._awaited[place] = address
            try:
                yield
            finally:
                self._awaited.pop(place, None)

    def _give_up(self, place: asyncio.Timeout) -> None:
        del self._awaited[place]
        place.reschedule(asyncio.get_running_loop().time())

    def _too_large(self) -> Problem:
        message = f"the body is larger than {self._limit:,} bytes; send smaller batches"
        return Problem(413, "refused", message, "send smaller batches", {"connection": "close"})


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the whole `body` first."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again

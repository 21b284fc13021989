"""Connections at the door: nobody keeps one for nothing, and there are never more than the process has files for."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0  # for the line and the headers of a request
READ_SECONDS = 30.0  # for reading what of an answer was sent
HEAD_BYTES = 64 * 1024
SPARE_FILES = 256  # of the process, for the log, the models and the pages
MOST = 10_000


def most_connections() -> int:
    """How many connections the process may hold: its files, less those that it needs itself."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows counts no files
        return MOST
    files, _ = getrlimit(RLIMIT_NOFILE)
    return MOST if files == RLIM_INFINITY else max(min(MOST, files - SPARE_FILES), 16)


class Alarm:
    """Calls `ring` after some seconds, unless it is cleared."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._ring = ring
        self._timer: TimerHandle | None = None

    def set(self) -> None:
        """Start the time, unless it runs already."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._ring)

    def clear(self) -> None:
        """Stop the time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Connection(HttpToolsProtocol):
    """One connection, closed when a request's head does not arrive whole in time, or an answer is not read.

    When there are too many, the one that has waited longest for a request gives way to the new one.
    """

    _no_head: Alarm  # closes this connection unless a head comes first
    _no_reader: Alarm  # closes it unless the other side reads on
    _head = 0  # bytes of a head that is not whole
    _in_body = False
    _since = 0.0  # when it began to wait for a request

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, in the place of an idle one if need be."""
        super().connection_made(transport)
        self._no_head = Alarm(self.loop, HEAD_SECONDS, self.leave)
        self._no_reader = Alarm(self.loop, READ_SECONDS, self.leave)
        self._since = self.loop.time()
        self._no_head.set()
        if len(self.connections) > most_connections():
            idle = [one for one in self.connections if isinstance(one, Connection) and one.idle]
            min(idle, key=lambda one: one._since).leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._no_head.clear()
        self._no_reader.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; between two requests the next head must arrive whole in time."""
        super().data_received(data)
        if not self.idle:
            return
        self._head += 0 if self._in_body else len(data)
        if self._head > HEAD_BYTES:
            self.leave()
        else:
            self._no_head.set()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._no_head.clear()
        self._head, self._in_body = 0, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is sent; the wait for the next request begins."""
        self._since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The other side does not read."""
        super().pause_writing()
        self._no_reader.set()

    def resume_writing(self) -> None:
        """The other side has read on."""
        self._no_reader.clear()
        super().resume_writing()

    @property
    def idle(self) -> bool:
        """Whether no request is being answered here."""
        return self.cycle is None or self.cycle.response_complete

    def leave(self) -> None:
        """Close at once, whatever is under way."""
        self.connections.discard(self)
        self.transport.abort()

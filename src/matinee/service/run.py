"""Run the service in this process until it is told to stop, and say when it is ready."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from matinee.errors import BadRequest
from matinee.service.connections import Connection


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to `port` (0 = any free one) of `host`; raises `BadRequest` when a server listens there already.

    Whoever connects is refused until `run` begins to answer, so it can be bound before anything slow is done.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise BadRequest(f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port") from error
    return sock


def run(app: FastAPI, sock: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve `app` on what `listen` gave until told to stop; `ready(url)` is called once requests are answered."""
    host, port = sock.getsockname()[:2]
    url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    config = uvicorn.Config(
        app, http=Connection, ws="none", log_level="warning", access_log=False, timeout_graceful_shutdown=5
    )
    _Server(config, lambda: ready(url)).run(sockets=[sock])


class _Server(uvicorn.Server):
    """A server that says when it has started."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then say so."""
        await super().startup(sockets)
        if self.started:
            self._started()

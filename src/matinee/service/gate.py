"""The outermost layer: sheds load, bounds bodies, times answers, and sets the headers that keep a page safe."""

from __future__ import annotations

import asyncio
import time

import orjson
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matinee.service.metrics import Metrics

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
PAGES = ("/", "/home", "/docs", "/openapi.json", "/metrics", "/posters", "/static", "/health/live", "/health/ready")
API = ("home", "similar", "events", "decisions", "profiles", "titles", "artifacts")
PATHS = frozenset((*PAGES, *(f"/v1/{name}" for name in API)))
BOUNDED = ("/v1/", "/home")  # what counts as work and may be shed
RETRY_AFTER = 1


class Gate:
    """An ASGI middleware. Refusing costs almost nothing, so a flood is answered with 503 and not with a queue."""

    def __init__(self, app: ASGIApp, metrics: Metrics, max_in_flight: int, max_body: int, body_seconds: float) -> None:
        self._app = app
        self._metrics = metrics
        self._max_in_flight = max_in_flight
        self._max_body = max_body
        self._body_seconds = body_seconds
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif not scope["path"].startswith(BOUNDED):
            await self._timed(scope, receive, send)
        elif self._in_flight >= self._max_in_flight:
            self._metrics.shed.inc()
            await _refuse(send, self._in_flight)
        else:
            self._in_flight += 1
            self._metrics.in_flight.set(self._in_flight)
            try:
                await self._timed(scope, receive, send)
            finally:
                self._in_flight -= 1
                self._metrics.in_flight.set(self._in_flight)

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, path = time.perf_counter(), _label(scope["path"])

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(path, message["status"]).inc()
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            await send(message)

        await self._app(scope, _bounded(receive, self._max_body, self._body_seconds), send_safely)
        self._metrics.seconds.labels(path).observe(time.perf_counter() - started)


def _bounded(receive: Receive, limit: int, seconds: float) -> Receive:
    """`receive` that gives up with 413 on a body of more than `limit` bytes, with 408 on one not whole in `seconds`."""
    seen, end = 0, asyncio.get_running_loop().time() + seconds
    whole = False

    async def receive_bounded() -> Message:
        nonlocal seen, whole
        try:
            async with asyncio.timeout_at(None if whole else end):
                message = await receive()
        except TimeoutError:
            reason = f"the body did not arrive within {seconds:g} s; send smaller batches"
            raise HTTPException(408, reason, {"connection": "close"}) from None
        whole = not message.get("more_body", False)
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, f"the body is larger than {limit:,} bytes; send smaller batches")
        return message

    return receive_bounded


async def _refuse(send: Send, in_flight: int) -> None:
    body = {
        "error": "overloaded",
        "message": f"{in_flight} requests are being answered already",
        "remedy": f"try again after {RETRY_AFTER} second",
    }
    headers = [(b"content-type", b"application/json"), (b"retry-after", str(RETRY_AFTER).encode())]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})


def _label(path: str) -> str:
    """The path without what varies, so that the number of time series is bounded."""
    parts = path.split("/")
    short = "/".join(parts[:3] if parts[1:2] in (["v1"], ["health"]) else parts[:2])
    return short if short in PATHS else "other"

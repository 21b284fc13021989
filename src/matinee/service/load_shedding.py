"""The outermost layer: sheds load, looks at keys and origins, times answers, and keeps pages safe by their headers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matinee.service.bodies import Bodies, replayed
from matinee.service.deployment import Deployment
from matinee.service.keys import no_key
from matinee.service.metrics import Metrics
from matinee.service.origins import require_local_name, require_own_site
from matinee.service.problems import Problem, overloaded
from matinee.service.surfaces import SURFACES

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
MEMBER_PAGES = ("/home", "/list", "/start")
PAGES = ("/", "/docs", "/openapi.json", "/metrics", "/posters", "/static", "/health/live", "/health/ready")
API = (*SURFACES, "homes", "billboards", "events", "decisions", "profiles", "exports", "titles", "state", "artifacts")
PATHS = frozenset((*MEMBER_PAGES, *PAGES, *(f"/v1/{name}" for name in API)))
WORK = ("/v1/", *MEMBER_PAGES)
BATCHES = ("/v1/homes", "/v1/billboards")
FEWER = 8  # times fewer batches than single requests are in flight


class LoadShedding:
    """An ASGI middleware. Refusing costs almost nothing, so a flood is answered with 503 and not with a queue.

    Host, origin and key are judged from the headers, before a body is read; only whole bodies take one of the places of
    the requests in flight. What needs no key (`/docs`, `/metrics`, `/static`) has as many places of its own, so that it
    takes none from members' pages; batches have an eighth as many. `/health` needs no place.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, deployment: Deployment) -> None:
        self._app = app
        self._metrics = metrics
        self._keys = deployment.keys
        most = deployment.max_in_flight
        self._most = {"work": most, "public": most, "batches": max(1, most // FEWER)}
        self._bodies = Bodies(deployment.max_body, deployment.body_seconds, deployment.max_waiting)
        self._in_flight: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, path = time.perf_counter(), _label(scope["path"])
        send = self._safely(send, path)
        try:
            await self._admitted(scope, receive, send)
        except Problem as problem:
            await problem.answer(scope, receive, send)
        self._metrics.seconds.labels(path).observe(time.perf_counter() - started)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._judge(scope)
        if scope["path"].startswith("/health/"):
            await self._app(scope, receive, send)
            return
        lane = _lane(scope["path"])
        self._require_room(lane)
        body = await self._bodies.whole(scope, receive)
        with self._place(lane):
            await self._app(scope, receive if body is None else replayed(body, receive), send)

    def _judge(self, scope: Scope) -> None:
        """What the headers alone decide."""
        headers, path = scope["headers"], scope["path"]
        if self._keys.open:
            require_local_name(headers)
            require_own_site(headers, scope["method"], path)
        elif (
            path.startswith("/v1/") and self._keys.role(dict(headers).get(b"x-api-key", b"").decode("latin-1")) is None
        ):
            raise no_key()

    def _require_room(self, lane: str) -> None:
        if self._in_flight[lane] >= self._most[lane]:
            self._metrics.shed.inc()
            raise overloaded(f"{self._in_flight[lane]} requests are being answered already")

    @contextmanager
    def _place(self, lane: str) -> Iterator[None]:
        """One of the places of the requests in flight."""
        self._require_room(lane)
        self._count(lane, 1)
        try:
            yield
        finally:
            self._count(lane, -1)

    def _count(self, lane: str, step: int) -> None:
        self._in_flight[lane] += step
        self._metrics.in_flight.set(self._in_flight["work"] + self._in_flight["batches"])

    def _safely(self, send: Send, path: str) -> Send:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(path, message["status"]).inc()
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            await send(message)

        return send_safely


def _lane(path: str) -> str:
    """Whose places a request takes."""
    if path in BATCHES:
        return "batches"
    return "work" if path.startswith(WORK) else "public"


def _label(path: str) -> str:
    """The path without what varies, so that the number of time series is bounded."""
    parts = path.split("/")
    short = "/".join(parts[:3] if parts[1:2] in (["v1"], ["health"]) else parts[:2])
    return short if short in PATHS else "other"

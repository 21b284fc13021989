"""Errors for people: what a browser asked for and did not get, as a page; programs keep the JSON."""

from __future__ import annotations

import orjson
from jinja2 import Environment
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAID = {  # status: a heading, and what to do in a browser
    404: ("There is nothing here", "No page has this address, or what it showed is gone."),
    422: ("This address is not complete", "It does not say whose page it is, or says it in a way that cannot be read."),
    503: ("Matinee has too much to do", "Try again in a moment."),
}
FOR_PROGRAMS = ("/v1/", "/health/", "/metrics", "/openapi.json", "/static/", "/posters/")


class ErrorPages:
    """An ASGI middleware that turns a JSON error into a page where the request prefers HTML."""

    def __init__(self, app: ASGIApp, render: Environment) -> None:
        self.app = app
        self._page = render.get_template("error.html")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        wants_page = scope["type"] == "http" and _is_for_people(scope)
        await self.app(scope, receive, self._sending(send) if wants_page else send)

    def _sending(self, send: Send) -> Send:
        held: list[Message] = []

        async def send_page(message: Message) -> None:
            if not held and not _is_error(message):
                await send(message)
                return
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                for part in self._as_page(held[0], b"".join(one.get("body", b"") for one in held[1:])):
                    await send(part)

        return send_page

    def _as_page(self, start: Message, body: bytes) -> list[Message]:
        status, details = start["status"], orjson.loads(body)["message"]
        heading, advice = SAID.get(status, ("That did not work", "Try again, or choose who is watching."))
        page = self._page.render(heading=heading, advice=advice, status=status, details=details).encode()
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["content-type"] = "text/html; charset=utf-8"
        headers["content-length"] = str(len(page))
        return [{**start, "headers": headers.raw}, {"type": "http.response.body", "body": page}]


def _is_for_people(scope: Scope) -> bool:
    return not scope["path"].startswith(FOR_PROGRAMS) and "text/html" in Headers(scope=scope).get("accept", "")


def _is_error(message: Message) -> bool:
    """The start of an answer that holds a JSON error as plain text."""
    if message["type"] != "http.response.start" or message["status"] < 400:
        return False
    headers = Headers(raw=message["headers"])
    return headers.get("content-type", "").startswith("application/json") and "content-encoding" not in headers

"""Errors as typed JSON: what is wrong and what to do about it. Never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from matinee.errors import (
    ArtifactRefused,
    BadData,
    BadRequest,
    LogFull,
    LogReadOnly,
    MatineeError,
    NotFound,
    Overloaded,
    UnknownName,
)

log = logging.getLogger("matinee.service")

LONGEST = 2_000  # characters of a message
VERBS = ("GET", "POST", "PUT", "DELETE")
STATUS: dict[type[MatineeError], tuple[int, str]] = {
    UnknownName: (422, "invalid"),
    BadRequest: (400, "bad_request"),
    BadData: (400, "bad_data"),
    NotFound: (404, "not_found"),
    ArtifactRefused: (409, "artifact_refused"),
    Overloaded: (503, "overloaded"),
    LogReadOnly: (503, "log_read_only"),
    LogFull: (507, "log_full"),
}
REMEDIES = {
    400: "send a body of JSON; /docs shows the fields and their limits",
    404: "see /docs for the addresses",
    405: "use a verb of the header Allow",
}


class Json(JSONResponse):
    """JSON by orjson: numbers as they are, NaN never."""

    def render(self, content: Any) -> bytes:
        """Bytes of `content`."""
        return orjson.dumps(content)


class Problem(Exception):
    """A request that is refused, as the answer to it."""

    def __init__(
        self, status: int, error: str, message: str, remedy: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.answer = Json(problem_words(error, message, remedy), status, headers)


def overloaded(message: str, seconds: int = 1) -> Problem:
    """The refusal of a service that has enough to do."""
    return Problem(503, "overloaded", message, f"try again after {seconds} s", {"retry-after": str(seconds)})


async def answer_error(request: Request, error: Exception) -> Response:
    """Any error as typed JSON: what is wrong and the remedy."""
    if isinstance(error, Problem):
        return error.answer
    if isinstance(error, MatineeError):
        return _of_the_house(error)
    if isinstance(error, RequestValidationError):
        return Json(problem_words("invalid", *_invalid(request, error)), 422)
    if isinstance(error, HTTPException):
        return _of_the_framework(request, error)
    log.error("unexpected error at %s", request.url.path, exc_info=error)
    return Json(problem_words("internal", "the service failed to answer; its log says why"), 500)


def printable(text: str) -> str:
    """The text with what UTF-8 cannot carry (lone surrogates) written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _of_the_house(error: MatineeError) -> Response:
    status, name = next((known for kind, known in STATUS.items() if isinstance(error, kind)), (500, "internal"))
    headers = {"retry-after": f"{error.retry_after:.0f}"} if isinstance(error, Overloaded) else None
    return Json(problem_words(name, str(error), str(error).rpartition("; ")[2]), status, headers)


def _of_the_framework(request: Request, error: HTTPException) -> Response:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == 405:
        headers["allow"] = _allowed(request.app.routes, request.scope) or headers.get("allow", "GET")
    words = problem_words("refused", str(error.detail), REMEDIES.get(error.status_code, ""))
    return Json(words, error.status_code, headers)


def _allowed(routes: Iterable[BaseRoute], scope: Scope) -> str:
    """The verbs that an address answers to, whichever route they belong to."""
    asked = [{**scope, "method": verb} for verb in VERBS]
    return ", ".join(one["method"] for one in asked if any(route.matches(one)[0] is Match.FULL for route in routes))


def _invalid(request: Request, error: RequestValidationError) -> tuple[str, str]:
    """What a validation found, and the remedy: for a body that is no JSON or is not called so, that one."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        problem = f"the body is no JSON: {first['ctx']['error']} at character {first['loc'][-1]}"
        return problem, "send one JSON object, in UTF-8"
    kind = request.headers.get("content-type", "")
    if isinstance(error.body, bytes) and "json" not in kind:
        return f"the body is called {kind!r}, not JSON", "send the header content-type: application/json"
    return in_words(error.errors()), "see /docs for the fields and their limits"


def in_words(errors: Any) -> str:
    """The first things that a validation found, short whatever was sent."""
    found = [
        f"{'.'.join(str(part)[:60] for part in one['loc']) or 'body'}: {str(one['msg'])[:300]}" for one in errors[:3]
    ]
    return printable("; ".join(found))


def problem_words(error: str, message: str, remedy: str = "") -> dict[str, str]:
    """The body of an error."""
    words = {"error": error, "message": printable(message[:LONGEST])}
    return {**words, "remedy": printable(remedy[:LONGEST])} if remedy else words

"""The answers that a call may give beside its own, for the OpenAPI schema: every status that there is, and no other."""

from __future__ import annotations

from typing import Any

from matinee.service.responses import ErrorOut

WORDS = {
    400: "a body that is no JSON, or an argument that cannot be answered",
    401: "no valid key",
    403: "a key of the wrong role",
    404: "an unknown title, member, decision or genre",
    408: "the body did not arrive in time",
    409: "the new policies or titles failed their check",
    413: "the body is too large",
    421: "an open service was asked under another name than its machine's",
    422: "the body or a parameter is wrong",
    503: "too many requests, or the log may not be written; try again later",
    507: "the log's disk is full; nothing is stored",
}
FOREIGN = "a page of another site asked an open service"

Responses = dict[int | str, dict[str, Any]]


def statuses(*codes: int) -> Responses:
    """These statuses as FastAPI takes them."""
    return {code: {"model": ErrorOut, "description": WORDS[code]} for code in codes}


def common(is_open: bool) -> Responses:
    """What every call but those about health may answer: the doors of an open service, or of one with keys."""
    if not is_open:
        return statuses(401, 403, 408, 413, 503, 507)
    return {**statuses(408, 413, 421, 503, 507), 403: {"model": ErrorOut, "description": FOREIGN}}


BODY = statuses(400, 422)
FOUND = statuses(404, 422)
ASKED = statuses(422)

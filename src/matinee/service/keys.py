"""Who may do what: X-API-Key with a read and a write role, when keys are configured."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import Security
from fastapi.security import APIKeyHeader
from starlette.exceptions import HTTPException

from matinee.service.deployment import Deployment

Role = Literal["read", "write"]

_header = APIKeyHeader(name="X-API-Key", auto_error=False)


def needs(role: Role, deployment: Deployment) -> Callable[[str | None], Awaitable[None]]:
    """A dependency that lets only holders of a key with this role pass; a write key may also read.

    Without a valid key it answers 401, with a valid key of the wrong role 403.
    """
    accepted = deployment.write_keys | (deployment.read_keys if role == "read" else frozenset())

    async def allow(key: Annotated[str | None, Security(_header)] = None) -> None:
        if deployment.open or _among(key, accepted):
            return
        if _among(key, deployment.read_keys):
            raise HTTPException(403, f"this key may read; the call needs the {role} role")
        raise HTTPException(401, "give a valid key in the header X-API-Key")

    return allow


def _among(key: str | None, keys: frozenset[str]) -> bool:
    """Whether `key` is one of `keys`, in a time that does not tell how close it came."""
    given = (key or "").encode()
    return sum(hmac.compare_digest(given, one.encode()) for one in keys) > 0

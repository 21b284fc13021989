"""Who may do what: X-API-Key with a read and a write role, when keys are configured. Only hashes of keys are kept."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Literal, Self

from fastapi import Security
from fastapi.security import APIKeyHeader

from matinee.errors import BadRequest
from matinee.service.problems import Problem

Role = Literal["read", "write"]

SHORTEST = 16  # characters of a key

_header = APIKeyHeader(name="X-API-Key", auto_error=False)


@dataclass(frozen=True)
class Keys:
    """SHA-256 of the accepted values of X-API-Key by role. A write key may also read; without any key all may all."""

    read: frozenset[bytes] = frozenset()
    write: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, read: Iterable[str] = (), write: Iterable[str] = ()) -> Self:
        """The keys themselves. Raises `BadRequest` for one that is empty, short, unsendable, or in both roles."""
        reading, writing = set(read), set(write)
        for key in reading | writing:
            _require_strong(key)
        if reading & writing:
            raise BadRequest("a read key and a write key are equal; make one key for each role")
        return cls(frozenset(map(_hashed, reading)), frozenset(map(_hashed, writing)))

    @property
    def open(self) -> bool:
        """Whether anyone may read and write: no key is configured."""
        return not (self.read or self.write)

    def role(self, key: str | None) -> Role | None:
        """What the holder of `key` may do, found in a time that does not tell how close a wrong key came."""
        given = _hashed(key or "")
        writes, reads = _among(given, self.write), _among(given, self.read)
        return "write" if writes else "read" if reads else None


def needs(role: Role, keys: Keys) -> Callable[..., Awaitable[None]]:
    """A dependency that lets only holders of a key with this role pass: 401 without a key, 403 with the wrong one."""

    async def allow(key: Annotated[str | None, Security(_header)] = None) -> None:
        held = keys.role(key)
        if held is None:
            raise no_key()
        if role == "write" and held == "read":
            remedy = "send a write key, or make this call where one is kept"
            raise Problem(403, "refused", "this key may read; the call needs the write role", remedy)

    return allow


def no_key() -> Problem:
    """What a call without a valid key is told."""
    remedy = "send one of the keys that the service was started with in the header X-API-Key"
    return Problem(401, "refused", "the call has no valid key", remedy, {"www-authenticate": "X-API-Key"})


def _require_strong(key: str) -> None:
    remedy = "make one with `openssl rand -hex 24`"
    if len(key) < SHORTEST:
        raise BadRequest(f"a key has {len(key)} characters; give at least {SHORTEST}: {remedy}")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise BadRequest(f"a key holds a blank or a character that no header carries; {remedy}")


def _hashed(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogateescape")).digest()


def _among(given: bytes, hashes: frozenset[bytes]) -> bool:
    return sum(hmac.compare_digest(given, one) for one in hashes) > 0

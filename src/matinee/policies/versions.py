"""Versions of what a policy has learned, kept so that decisions can be asked again of the one that made them."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from matinee.errors import NotFound

KEPT = 32  # versions that stay in memory where nobody keeps them elsewhere


class Versioned(Protocol):
    """What was learned after `version` batches of rewards. Frozen: a batch makes a new one."""

    @property
    def version(self) -> int:
        """How many batches of rewards were learned."""
        ...


T = TypeVar("T", bound=Versioned)


class Versions(Protocol[T]):
    """Where versions are kept."""

    def keep(self, learned: T) -> None:
        """Keep it under its version; it is durable when this returns."""
        ...

    def find(self, version: int) -> T:
        """Raises `NotFound` where it is gone."""
        ...

    @property
    def latest(self) -> T | None:
        """The newest that was kept, by whomever; None before the first."""
        ...


class Latest(Generic[T]):
    """The latest `n` versions, in memory."""

    def __init__(self, *learned: T, n: int = KEPT) -> None:
        self._n = n
        self._found: dict[int, T] = {}
        for one in learned:
            self.keep(one)

    def keep(self, learned: T) -> None:
        """Keep it, and forget the oldest beyond `n`."""
        self._found[learned.version] = learned
        while len(self._found) > self._n:
            del self._found[min(self._found)]

    def find(self, version: int) -> T:
        """Raises `NotFound` where it was forgotten or never learned."""
        if version not in self._found:
            raise NotFound(f"version {version} is not among the latest {self._n}; replay the log to have it again")
        return self._found[version]

    @property
    def latest(self) -> T | None:
        """The newest, None before the first."""
        return self._found[max(self._found)] if self._found else None


def kept_from(start: T, new: bool, versions: Versions[T] | None, n: int = KEPT) -> Versions[T]:
    """Where the versions from `start` on are kept: in `versions`, else the latest `n` in memory. One that is `new`, not
    read from there, is kept at once.
    """
    if versions is None:
        return Latest(start, n=n)
    if new:
        versions.keep(start)
    return versions

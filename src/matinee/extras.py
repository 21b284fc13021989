"""Extras: packages that only some models need, and a clear word when one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from matinee.errors import MissingExtra


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Imports inside need the packages of an extra; raises `MissingExtra` with the command that installs them."""
    try:
        yield
    except ImportError as error:
        raise MissingExtra(f"{error.name or error} is not installed; run: pip install 'matinee[{extra}]'") from error


def installed(package: str) -> bool:
    """Whether a package can be imported, without importing it."""
    return find_spec(package) is not None

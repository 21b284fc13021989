"""Folders under construction, each held by the process that builds it: what a killed one left is told apart."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

NAME = re.compile(r"\..+-[0-9a-f]{8}")


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` to build it in; removed if the block fails. Abandoned ones are removed first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder.parent)
    draft = folder.with_name(f".{folder.name}-{uuid4().hex[:8]}")
    draft.mkdir()
    with _held(draft):
        try:
            yield draft
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise


def _remove_abandoned(parent: Path) -> None:
    """Remove what killed processes were building; an empty folder may be one that is just being begun."""
    for draft in parent.glob(".*"):
        if NAME.fullmatch(draft.name) and draft.is_dir() and any(draft.iterdir()):
            with _held(draft) as alone:
                if alone:
                    shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold a folder until the block or the process ends; whether nobody else does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)

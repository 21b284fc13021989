"""How much is read: regular files only, no more bytes than allowed, no line without an end. Asked before reading."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from matinee.errors import BadData

MAX_BYTES = 2 * 10**9  # of one file, unpacked
LINE = 32 * 2**20  # bytes; a longer line is no line of a table
CELL = 16  # bytes that a cell of a table takes in memory at least


def regular(path: Path, max_bytes: int = MAX_BYTES) -> Path:
    """The path, where it is a regular file within the bound. Raises `BadData` where it is anything else."""
    try:
        status = path.stat()
    except OSError as error:
        raise BadData(f"there is nothing at {path}: {error.strerror}; give an existing file, CSV or Parquet") from error
    if not stat.S_ISREG(status.st_mode):
        raise BadData(f"{path} is no regular file; give a file, not a folder, pipe or device")
    within(status.st_size, str(path), max_bytes)
    return path


def within(size: int, what: str, max_bytes: int = MAX_BYTES) -> None:
    """Raise `BadData` where this many bytes are more than allowed."""
    if size > max_bytes:
        raise BadData(
            f"{what} takes {size:,} bytes and {max_bytes:,} are allowed; give a part of it, or raise --max-bytes"
        )


def unpacked(packed: IO[bytes], what: str, max_bytes: int = MAX_BYTES) -> bytes:
    """All that a packed file holds, read no further than the bound, whatever it says of its own size."""
    found = packed.read(max_bytes + 1)
    if len(found) > max_bytes:
        raise BadData(f"{what} unpacks to more than {max_bytes:,} bytes; give a part of it, or raise --max-bytes")
    return found


def require_lines(text: Path | bytes, what: str) -> None:
    """Raise `BadData` where a text has a line of more than `LINE` bytes or two."""
    blocks = _blocks(text) if isinstance(text, Path) else (text[at : at + LINE] for at in range(0, len(text), LINE))
    for block in blocks:
        if len(block) == LINE and b"\n" not in block:
            raise BadData(
                f"{what} has a line of more than {LINE:,} bytes; it is no table, or its lines lack their ends"
            )


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as opened:
        while block := opened.read(LINE):
            yield block

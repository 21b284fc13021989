"""A live decision as one compact blob: its head as JSON and its choices byte plane by byte plane, compressed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import orjson
import polars as pl

from matinee.decision import Decisions
from matinee.decision.columns import HEADS, Columns, lines_of, sources_of, value_of
from matinee.decision.decisions import LINES
from matinee.errors import LogDamaged
from matinee.maths.arrays import Int32s

LEVEL = 6  # of zlib
_SIZES = struct.Struct("<II")  # bytes of the head, number of choices


def bodies_of(decisions: Decisions) -> Iterator[bytes]:
    """The blob of each decision of a batch."""
    sources, lines = sources_of(decisions), lines_of(decisions)
    offsets = decisions.choices.offsets
    for b in range(len(decisions)):
        head = orjson.dumps([value_of(sources[name], b) for name in HEADS])
        own = lines[:, offsets[b] : offsets[b + 1]]
        yield zlib.compress(_SIZES.pack(len(head), own.shape[1]) + head + _planes(own), LEVEL)


def columns_of_bodies(bodies: Sequence[bytes]) -> Columns:
    """The decisions of these blobs, in this order. Raises `LogDamaged` where one is not as it was written."""
    try:
        found = [_read(body) for body in bodies]
        heads = pl.DataFrame([head for head, _ in found], schema=HEADS, orient="row")
    except (zlib.error, struct.error, ValueError, TypeError, pl.exceptions.PolarsError) as error:
        raise LogDamaged(
            f"a decision in the log is not as it was written: {error!s:.100}; bring back a backup, or remove decisions "
            "up to that day with `matinee log --forget-decisions-before DAY`"
        ) from error
    lengths = [lines.shape[1] for _, lines in found]
    lines = np.concatenate([np.empty((len(LINES), 0), np.int32), *(lines for _, lines in found)], axis=1)
    return Columns(heads, np.append(0, np.cumsum(lengths)).astype(np.int64), lines)


def _read(body: bytes) -> tuple[list[object], Int32s]:
    data = zlib.decompress(body)
    size, lines = _SIZES.unpack_from(data)
    start = _SIZES.size
    planes = np.frombuffer(data, np.uint8, offset=start + size)
    bytes_of_each = planes.reshape(len(LINES), 4, lines).transpose(0, 2, 1)
    head = orjson.loads(data[start : start + size])
    lacking = [None] * (len(HEADS) - len(head))  # columns that came later
    return [*head, *lacking], np.ascontiguousarray(bytes_of_each).view("<i4")[:, :, 0]


def _planes(lines: Int32s) -> bytes:
    """First the lowest byte of every number of a column, then the next: equal neighbours, which compress well."""
    bytes_of_each = lines.astype("<i4").view(np.uint8).reshape(*lines.shape, 4)
    return bytes_of_each.transpose(0, 2, 1).tobytes()

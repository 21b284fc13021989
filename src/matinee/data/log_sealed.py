"""Sealed days: whole days of events as Parquet files with a recorded hash, replaced and never edited.

A day's file gets a new name at every change. The database names the file that counts, so one commit moves the rows:
before it the new file is a stray, after it the old one is; strays are swept. No crash loses or doubles a row.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import polars as pl

from matinee.data.log_schema import SEQUENCED
from matinee.errors import LogDamaged
from matinee.events import DAY, SCHEMA

ORDER = ("timestamp", "seq", "event_id")  # days sealed without `seq` come first at one time, by `event_id`


@dataclass(frozen=True, slots=True)
class SealedDay:
    """One day's file as the database knows it; `size` in bytes."""

    day: str
    file: str
    sha256: str
    size: int

    def overlaps(self, as_of: int, since: int | None) -> bool:
        """Whether the day holds a microsecond in [since, as_of)."""
        start = int(datetime.fromisoformat(self.day).replace(tzinfo=UTC).timestamp()) * 1_000_000
        return start < as_of and (since is None or start + DAY > since)


def day_name(number: int) -> str:
    """The ISO date of a day counted from 1970-01-01."""
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


def write_day(folder: Path, day: str, before: SealedDay | None, frame: pl.DataFrame) -> SealedDay:
    """Write the day's whole content under a name not used before; on disk when it returns."""
    folder.mkdir(parents=True, exist_ok=True)
    name = _unused_name(folder, day, before)
    buffer = io.BytesIO()
    frame.select(SEQUENCED.keys()).sort(ORDER).write_parquet(buffer)
    data = buffer.getvalue()
    draft = folder / f"{name}.draft"
    with draft.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(folder / name)
    _sync_folder(folder)
    return SealedDay(day, name, hashlib.sha256(data).hexdigest(), len(data))


def read_day(folder: Path, sealed: SealedDay) -> pl.DataFrame:
    """The day's events as `log_schema.SEQUENCED`; `seq` is null in days that were sealed without.

    Raises `LogDamaged` when the file is gone or is not what was sealed.
    """
    try:
        data = (folder / sealed.file).read_bytes()
    except OSError as error:
        raise _damaged(folder, sealed, str(error)) from error
    if hashlib.sha256(data).hexdigest() != sealed.sha256:
        raise _damaged(folder, sealed, f"its {len(data):,} bytes are not the {sealed.size:,} that were sealed")
    frame = pl.read_parquet(io.BytesIO(data), glob=False)
    return frame.select(pl.col("seq") if "seq" in frame.columns else pl.lit(None, pl.Int64).alias("seq"), *SCHEMA)


def check_sizes(folder: Path, days: Sequence[SealedDay]) -> None:
    """The quick look on opening: every file is there and as long as it was. Raises `LogDamaged`."""
    for sealed in days:
        place = folder / sealed.file
        size = place.stat().st_size if place.is_file() else None
        if size != sealed.size:
            seen = "the file is missing" if size is None else f"it has {size:,} bytes instead of {sealed.size:,}"
            raise _damaged(folder, sealed, seen)


def sweep(folder: Path, days: Sequence[SealedDay]) -> None:
    """Remove what the database does not name: drafts and replaced files."""
    kept = {sealed.file for sealed in days}
    for place in folder.glob("*.parquet*"):
        if place.name not in kept:
            place.unlink()


def _unused_name(folder: Path, day: str, before: SealedDay | None) -> str:
    """The day's next generation; a file that is there may still count for those who read what is committed."""
    generation = 1
    if before:
        generation = int(before.file.split(".")[1]) + 1 if before.file.count(".") == 2 else 2
    names = (f"{day}.{n}.parquet" if n > 1 else f"{day}.parquet" for n in count(generation))
    return next(name for name in names if not (folder / name).exists())


def _damaged(folder: Path, sealed: SealedDay, why: str) -> LogDamaged:
    return LogDamaged(
        f"the sealed day {folder / sealed.file} cannot be trusted: {why}; restore this file from a backup of the log"
    )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

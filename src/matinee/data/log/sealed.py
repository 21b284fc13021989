"""Sealed days: whole days of events as Parquet files with a recorded hash, replaced and never edited.

A day's file gets a new name at every change, and the database names the file that counts. A file is announced there as
spent before it is made, and again once another counts; only spent files and drafts are ever removed. A finished file of
which the database knows nothing is put aside in `strays/`. The folder and its database bear one id.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import polars as pl

from matinee.data.log.schema import SEQUENCED
from matinee.errors import LogDamaged
from matinee.events import DAY

ORDER = ("timestamp", "seq", "event_id")  # days sealed without `seq` come first at one time, by `event_id`
FILE = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.(\d+))?\.parquet")
log = logging.getLogger("matinee.log")


@dataclass(frozen=True, slots=True)
class SealedDay:
    """One day's file as the database knows it; `size` in bytes."""

    day: str
    file: str
    sha256: str
    size: int

    def overlaps(self, as_of: int, since: int | None) -> bool:
        """Whether the day holds a microsecond in [since, as_of)."""
        start = first_microsecond(self.day)
        return start < as_of and (since is None or start + DAY > since)


def day_name(number: int) -> str:
    """The ISO date of a day counted from 1970-01-01."""
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


def first_microsecond(day: str) -> int:
    """Where the day of this ISO date begins, in microseconds since 1970."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000


def unused_name(folder: Path, day: str, before: SealedDay | None) -> str:
    """The day's next generation; a file that is there may still count for those who read what is committed."""
    matched = FILE.fullmatch(before.file) if before else None
    names = (f"{day}.{n}.parquet" if n > 1 else f"{day}.parquet" for n in count(_generation(matched) + 1))
    return next(name for name in names if not (folder / name).exists())


def write_day(folder: Path, day: str, name: str, frame: pl.DataFrame) -> SealedDay:
    """Write the day's whole content under a name not used before; on disk when it returns."""
    data = bytes_of(frame)
    write_durably(folder / name, data)
    return described(day, name, data)


def described(day: str, name: str, data: bytes) -> SealedDay:
    """A day's file of these bytes."""
    return SealedDay(day, name, hashlib.sha256(data).hexdigest(), len(data))


def read_day(folder: Path, sealed: SealedDay) -> pl.DataFrame:
    """The day's events as `schema.SEQUENCED`; `seq`, `source`, `received` are null in days sealed without.

    Raises `LogDamaged` when the file is gone or is not what was sealed.
    """
    try:
        data = (folder / sealed.file).read_bytes()
    except OSError as error:
        raise _damaged(folder, sealed, str(error)) from error
    if hashlib.sha256(data).hexdigest() != sealed.sha256:
        raise _damaged(folder, sealed, f"its {len(data):,} bytes are not the {sealed.size:,} that were sealed")
    return frame_of(data)


def bytes_of(frame: pl.DataFrame) -> bytes:
    """A frame of `schema.SEQUENCED` as a sealed file."""
    buffer = io.BytesIO()
    frame.select(SEQUENCED.keys()).sort(ORDER).write_parquet(buffer)
    return buffer.getvalue()


def frame_of(data: bytes) -> pl.DataFrame:
    """The bytes of a sealed file as `schema.SEQUENCED`; null in columns that it was sealed without."""
    frame = pl.read_parquet(io.BytesIO(data), glob=False)
    lacking = [pl.lit(None, dtype).alias(name) for name, dtype in SEQUENCED.items() if name not in frame.columns]
    return frame.with_columns(lacking).select(SEQUENCED.keys())


def check_sizes(folder: Path, days: Sequence[SealedDay]) -> None:
    """The quick look on opening: every file is there and as long as it was. Raises `LogDamaged`."""
    for sealed in days:
        place = folder / sealed.file
        size = place.stat().st_size if place.is_file() else None
        if size != sealed.size:
            seen = "the file is missing" if size is None else f"it has {size:,} bytes instead of {sealed.size:,}"
            raise _damaged(folder, sealed, seen)


def finished(folder: Path) -> list[str]:
    """The names of finished days in the folder, oldest day and generation first."""
    found = [match for place in folder.glob("*.parquet") if (match := FILE.fullmatch(place.name))]
    return [match[0] for match in sorted(found, key=lambda match: (match[1], _generation(match)))]


def put_aside(folder: Path, strays: Collection[str]) -> None:
    """Move finished files that no log knows into `strays/`, and say so in one line."""
    if not strays:
        return
    (folder / "strays").mkdir(exist_ok=True)
    for name in strays:
        with suppress(FileNotFoundError):
            (folder / name).rename(folder / "strays" / name)
    log.warning(
        "%s: %d sealed file(s) of which the log knows nothing lie in strays/ now (%s); `matinee log --rebuild` takes "
        "them in",
        folder,
        len(strays),
        ", ".join(sorted(strays)[:5]),
    )


def remove_drafts(folder: Path) -> None:
    """Remove what was never finished."""
    for place in folder.glob("*.draft"):
        place.unlink(missing_ok=True)


def mark(folder: Path, log_id: str) -> None:
    """Make the folder that of the log with this id."""
    folder.mkdir(parents=True, exist_ok=True)
    if owner(folder) != log_id:
        write_durably(folder / "log.id", log_id.encode())


def owner(folder: Path) -> str | None:
    """The id of the log that the folder belongs to; None when it does not say."""
    place = folder / "log.id"
    return place.read_text().strip() if place.is_file() else None


def foreign(path: Path, folder: Path, what: str) -> LogDamaged:
    """The error for sealed days beside a database that is not theirs."""
    days = finished(folder)
    return LogDamaged(
        f"{what} {path}, but {folder} holds {len(days):,} sealed file(s) of a log, {days[0][:10]} to {days[-1][:10]}; "
        "put the database that belongs to them back, or run `matinee log --rebuild` to make it again from them"
    )


def write_durably(place: Path, data: bytes) -> None:
    """Write a whole file, under a draft's name first; on disk under its own when it returns."""
    draft = place.with_name(f"{place.name}.draft")
    with draft.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(place)
    handle = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _generation(matched: re.Match[str] | None) -> int:
    """Of a day's file; 0 where there is none."""
    return int(matched[2] or 1) if matched else 0


def _damaged(folder: Path, sealed: SealedDay, why: str) -> LogDamaged:
    return LogDamaged(
        f"the sealed day {folder / sealed.file} cannot be trusted: {why}; restore this file from a backup of the log, "
        "or run `matinee log --rebuild` where the database is older than its sealed days"
    )

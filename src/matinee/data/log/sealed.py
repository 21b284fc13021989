"""Sealed days: whole days of events and of decisions as Parquet files with a recorded hash, replaced, never edited.

Many decisions at once make a part of their day, a file beside the day's own, until they are sealed. A day's file gets a
new name at every change, and the database names the files that count. A file is announced there as spent before it is
made, and again once another counts; only spent files and drafts are ever removed. A finished file of which the database
knows nothing is put aside in `strays/`. The folder and its database bear one id.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import polars as pl

from matinee.data.log.schema import BOOKS, DECISIONS, EVENTS, Book
from matinee.errors import LogDamaged
from matinee.events import DAY
from matinee.files import synced

FILE = re.compile(r"(decisions-)?(\d{4}-\d\d-\d\d)(?:\.(\d+))?(-part)?\.parquet")
LEVEL = 6  # of compression; parts, which are soon made one, have the lowest
log = logging.getLogger("matinee.log")


@dataclass(frozen=True, slots=True)
class SealedDay:
    """One day's file as the database knows it; `size` in bytes."""

    book: str
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


def day_number(day: str) -> int:
    """The day of this ISO date counted from 1970-01-01: the inverse of `day_name`."""
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


def first_microsecond(day: str) -> int:
    """Where the day of this ISO date begins, in microseconds since 1970."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000


def names_of(book: Book, day: str, before: Sequence[SealedDay], part: bool = False) -> Iterator[str]:
    """Names for the day's next file, the next generation first: behind all files `before`, and any that is there."""
    latest = max((generation_of(sealed.file) for sealed in before), default=0)
    kind = "-part" if part else ""
    for n in count(latest + 1):
        yield f"{book.prefix}{day}{f'.{n}' if n > 1 else ''}{kind}.parquet"


def write_day(folder: Path, book: Book, day: str, name: str, frame: pl.DataFrame) -> SealedDay:
    """Write a file's whole content under a name not used before; on disk when it returns."""
    data = bytes_of(book, frame, 1 if is_part(name) else LEVEL)
    write_durably(folder / name, data)
    return described(book, day, name, data)


def described(book: Book, day: str, name: str, data: bytes) -> SealedDay:
    """A day's file of these bytes."""
    return SealedDay(book.table, day, name, hashlib.sha256(data).hexdigest(), len(data))


def read_day(folder: Path, sealed: SealedDay, where: pl.Expr | None = None) -> pl.DataFrame:
    """What the file holds, as its book's columns; null in those that it was sealed without. `where` chooses rows.

    Raises `LogDamaged` when the file is gone or is not what was sealed.
    """
    try:
        data = (folder / sealed.file).read_bytes()
    except OSError as error:
        raise _damaged(folder, sealed, str(error)) from error
    if hashlib.sha256(data).hexdigest() != sealed.sha256:
        raise _damaged(folder, sealed, f"its {len(data):,} bytes are not the {sealed.size:,} that were sealed")
    return frame_of(BOOKS[sealed.book], data, where)


def bytes_of(book: Book, frame: pl.DataFrame, level: int = LEVEL) -> bytes:
    """A frame of a book's columns as a sealed file."""
    buffer = io.BytesIO()
    ordered = frame.select(book.columns.keys()).sort(book.order)
    ordered.write_parquet(buffer, compression="zstd", compression_level=level)
    return buffer.getvalue()


def frame_of(book: Book, data: bytes, where: pl.Expr | None = None) -> pl.DataFrame:
    """The bytes of a sealed file as its book's columns; null in those that it was sealed without."""
    found = pl.scan_parquet(io.BytesIO(data), glob=False)
    frame = (found if where is None else found.filter(where)).collect()
    lacking = [pl.lit(None, dtype).alias(name) for name, dtype in book.columns.items() if name not in frame.columns]
    return frame.with_columns(lacking).select(book.columns.keys())


def book_of(name: str) -> Book:
    """The book that a file of this name belongs to."""
    return DECISIONS if name.startswith(DECISIONS.prefix) else EVENTS


def check_sizes(folder: Path, days: Sequence[SealedDay]) -> None:
    """The quick look on opening: every file is there and as long as it was. Raises `LogDamaged`."""
    for sealed in days:
        place = folder / sealed.file
        size = place.stat().st_size if place.is_file() else None
        if size != sealed.size:
            seen = "the file is missing" if size is None else f"it has {size:,} bytes instead of {sealed.size:,}"
            raise _damaged(folder, sealed, seen)


def finished(folder: Path) -> list[str]:
    """The names of finished files in the folder, oldest day and generation first."""
    found = [place.name for place in folder.glob("*.parquet") if FILE.fullmatch(place.name)]
    return sorted(found, key=lambda name: (day_of(name), generation_of(name), name))


def day_of(name: str) -> str:
    """The day of a sealed file of this name."""
    matched = FILE.fullmatch(name)
    return matched[2] if matched else ""


def generation_of(name: str) -> int:
    """The generation of a sealed file of this name, from 1."""
    matched = FILE.fullmatch(name)
    return int(matched[3] or 1) if matched else 0


def is_part(name: str) -> bool:
    """Whether the file holds a part of its day's decisions, not all of them."""
    return name.endswith("-part.parquet")


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
        f"{what} {path}, but {folder} holds {len(days):,} sealed file(s) of a log, "
        f"{day_of(days[0])} to {day_of(days[-1])}; "
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
    synced(place.parent)


def _damaged(folder: Path, sealed: SealedDay, why: str) -> LogDamaged:
    return LogDamaged(
        f"the sealed day {folder / sealed.file} cannot be trusted: {why}; restore this file from a backup of the log, "
        "or run `matinee log --rebuild` where the database is older than its sealed days"
    )

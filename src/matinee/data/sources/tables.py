"""One table from one file: separated text, also packed, JSON lines, or Parquet; bounded, every line accounted for."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from matinee.data.sources.bounds import CELL, MAX_BYTES, regular, require_lines, unpacked, within
from matinee.data.sources.values import known
from matinee.errors import BadData
from matinee.events import Rejections

JSON_LINES = (".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")
BEYOND = "\x00beyond"  # holds the first cell that a line has beyond the columns
WIDER = "with more cells than the table has columns"


@dataclass(frozen=True)
class Table:
    """`frame` (rows): the good rows as `values.known` has them, text formats as text only, so that one bad cell spoils
    no column; `rows` (rows,): each one's number in the file, from 1; `rejections`: what is no row.
    """

    frame: pl.DataFrame
    rows: pl.Series
    rejections: Rejections = field(default_factory=Rejections)
    notes: tuple[str, ...] = ()


def table_of(path: Path, max_bytes: int = MAX_BYTES) -> Table:
    """Read a file by its ending. Raises `BadData` where it is no table, too large, or repeats the name of a column."""
    regular(path, max_bytes)
    try:
        if path.suffix.lower() in PARQUET:
            return _parquet(path, max_bytes)
        text = _text(path, max_bytes)
        require_lines(text, str(path))
        if is_json_lines(path):
            return _json_lines(text, path)
        return _separated(text, path)
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        raise unreadable(path, error) from error


def is_json_lines(path: Path) -> bool:
    """Whether a file is JSON lines by its name, packed or not."""
    return Path(path.name.lower().removesuffix(".gz")).suffix in JSON_LINES


def unreadable(path: Path, error: object) -> BadData:
    """The one error for a file that is no table."""
    if "could not parse" in str(error):  # text is never parsed into anything but text: a quote swallowed the rest
        return BadData(f"{path} has a quote that is not closed; close it, or save the file again as CSV")
    return BadData(f"cannot read {path} as a table: {error!s:.300}; give CSV, TSV, JSON lines or Parquet")


def head_of(path: Path) -> str:
    """The first line of a text, packed or not, up to a million bytes."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as text:
        return text.readline(1_000_000).decode("utf-8-sig", errors="replace")


def numbered(frame: pl.DataFrame, notes: tuple[str, ...] = ()) -> Table:
    """A frame as a table, its rows counted from 1."""
    return Table(known(frame), pl.int_range(1, frame.height + 1, eager=True), notes=notes)


def _parquet(path: Path, max_bytes: int) -> Table:
    schema = pl.read_parquet_schema(path)
    rows = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
    within(rows * max(len(schema), 1) * CELL, f"{path} with {rows:,} rows of {len(schema)} columns", max_bytes)
    return numbered(pl.read_parquet(path, glob=False))


def _text(path: Path, max_bytes: int) -> Path | bytes:
    if path.suffix.lower() != ".gz":
        return path
    with gzip.open(path) as packed:
        return unpacked(packed, str(path), max_bytes)  # type: ignore[arg-type]


def _separated(text: Path | bytes, path: Path) -> Table:
    """A separated text; Latin-1 where it is no UTF-8: every byte is a character there, so two ids never become one."""
    head = head_of(path).encode()
    refuse_utf16(_first_bytes(text), str(path))
    if b"\r" in head.rstrip(b"\r\n"):
        raise BadData(f"{path} ends its lines as old Macs did, with CR alone; save it with LF or CRLF")
    separator = max("\t,;|", key=head.decode().count)
    try:
        return _split(text, separator, path)
    except pl.exceptions.ComputeError:
        data = text.read_bytes() if isinstance(text, Path) else text
        try:
            data.decode()
        except UnicodeDecodeError:
            note = f"{path.name} is not UTF-8 and is read as Latin-1"
            return _split(data.decode("latin-1").encode(), separator, path, (note,))
        raise


def _first_bytes(text: Path | bytes) -> bytes:
    if isinstance(text, bytes):
        return text[:1_000]
    with text.open("rb") as opened:
        return opened.read(1_000)


def _split(text: Path | bytes, separator: str, path: Path, notes: tuple[str, ...] = ()) -> Table:
    """The columns of a text, all strings; a line with more cells than there are columns is counted as rejected."""
    lines = partial(
        pl.read_csv,
        text,
        separator=separator,
        quote_char=_quote(text, separator),
        has_header=False,
        truncate_ragged_lines=True,
        glob=False,
    )
    names = _names(lines(n_rows=1, infer_schema=False).row(0))
    refuse_repeated(names, path)
    schema = {**dict.fromkeys(names, pl.String), BEYOND: pl.String}
    frame = known(lines(skip_rows=1, schema=schema, missing_columns="insert")).with_row_index("\x00row", offset=1)
    wider = frame.filter(pl.col(BEYOND).is_not_null())
    found = frame.filter(pl.col(BEYOND).is_null())
    examples = tuple(f"row {row}" for row in wider["\x00row"].head(3))
    rejected = Rejections({WIDER: wider.height}, {WIDER: examples}) if wider.height else Rejections()
    return Table(found.drop(BEYOND, "\x00row"), found["\x00row"].cast(pl.Int64), rejected, notes)


def _names(header: tuple[str | None, ...]) -> list[str]:
    return [name.strip() if name is not None else f"column {at + 1}" for at, name in enumerate(header)]


def refuse_repeated(names: list[str], path: Path | str) -> None:
    """Raise `BadData` where two columns have one name."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        some = repeated[:8]
        raise BadData(f"{path} repeats the column(s) {some}; give each a name of its own, or drop all but one")


def refuse_utf16(head: bytes, name: str) -> None:
    """Raise `BadData` where a text that begins so is in UTF-16, which nothing here reads."""
    marked = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if marked or {0} in (set(head[0:20:2]), set(head[1:20:2])):
        raise BadData(f"{name} is encoded in UTF-16; save it as UTF-8")


def _quote(text: Path | bytes, separator: str) -> str | None:
    """The quote of a text. Between tabs and bars it is one only where all quotes close as a writer closes them."""
    if separator in ",;":
        return '"'
    data = text.read_bytes() if isinstance(text, Path) else text
    mark = separator.encode()
    if not any(start + b'"' in data for start in (mark, b"\n")) and not data.startswith(b'"'):
        return None
    try:
        cells = csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""), delimiter=separator, strict=True)
        swallowed = any(separator in cell and "\n" in cell for line in cells for cell in line)
    except csv.Error:
        return None
    return None if swallowed else '"'


def _json_lines(text: Path | bytes, path: Path) -> Table:
    """One JSON object a line; lists and objects in it stay JSON, for `values.names`. Other lines are counted."""
    data = text.read_bytes() if isinstance(text, Path) else text
    found, rows, broken = [], [], []
    for number, line in _lines(data):
        try:
            one = orjson.loads(line)
        except ValueError:
            one = None
        if isinstance(one, dict):
            found.append({name: _cell(value) for name, value in one.items()})
            rows.append(number)
        else:
            broken.append(f"line {number}")
    refuse_repeated(keys_of(data), path)
    names = list(dict.fromkeys(name for one in found for name in one))
    frame = pl.DataFrame({name: [one.get(name) for one in found] for name in names}, dict.fromkeys(names, pl.String))
    reason = "that are no JSON object"
    rejected = Rejections({reason: len(broken)}, {reason: tuple(broken[:3])}) if broken else Rejections()
    return Table(known(frame), pl.Series(rows, dtype=pl.Int64), rejected)


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    lines = enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
    return ((number, line) for number, line in lines if line.strip())


def keys_of(data: bytes) -> list[str]:
    """The names in the first line, repeated ones too."""
    first = next((line for _, line in _lines(data)), b"{}")
    try:
        pairs = json.loads(first, object_pairs_hook=lambda found: found)
    except ValueError:
        return []
    return [str(name) for name, *_ in pairs] if isinstance(pairs, list) and first.lstrip()[:1] == b"{" else []


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()

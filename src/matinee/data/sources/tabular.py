"""Tables of your own: interactions, and titles if you have them, as CSV, TSV, JSON lines or Parquet.

Columns are recognised by the names that common libraries and services give them (`columns.py`), or mapped. Only
recognised columns are read: age, gender, occupation and the like never enter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee import events
from matinee.catalog import Catalog
from matinee.data.dataset import Column, Dataset, columns_of, only_known_titles, profiles_of
from matinee.data.sources.bounds import MAX_BYTES, regular
from matinee.data.sources.columns import INTERACTIONS, RATIOS, UNCLEAR, plain, recognise
from matinee.data.sources.frames import as_polars, is_pandas
from matinee.data.sources.kinds import CLICKS, IGNORE, kinds_of
from matinee.data.sources.scales import best_of, require_best, require_fit, share_scale
from matinee.data.sources.tables import Table, head_of, is_json_lines, keys_of, numbered, table_of, unreadable
from matinee.data.sources.times import moments
from matinee.data.sources.titles import Titles, titles_of
from matinee.data.sources.values import ids, numbers
from matinee.data.units import Units
from matinee.errors import BadData
from matinee.events import Rejections
from matinee.maths.arrays import Doubles

NEEDED = ("user_id", "item_id", "timestamp")
IDS = ("user_id", "item_id", "event_id", "decision_id")
DECIDING = ("click", "value", "share", "watched")  # without kinds, each says what a row is; one may
LOOKED_AT = 1_000  # lines of a text without known column names
ONE_UNIT = (0.01, 3.0)  # shares watched lie in here where seconds are divided by seconds


def read(
    interactions: Any,
    titles: Any = None,
    columns: Mapping[str, str] | None = None,
    title_columns: Mapping[str, str] | None = None,
    best: float | None = None,
    time_format: str | None = None,
    kinds: Mapping[str, str] | None = None,
    units: Units = Units(),
    max_bytes: int = MAX_BYTES,
    name: str = "",
    licence: str = "not stated",
) -> Dataset:
    """Read interactions and titles: paths, or frames of polars or pandas. Without titles the catalogue is the ids.

    `columns` and `title_columns` map our names to yours (to "": leave out), `kinds` yours to ours. `best` is the best
    rating (5 for stars), `time_format` one of `times.FORMATS` or of strptime; where they are None, `units` counts, and
    else what the file tells surely. Bad rows are counted, with an example of each kind.

    Raises `BadData` when a file cannot be read, is larger than `max_bytes`, has no row, lacks a needed column, or says
    something that can be understood in two ways; the message names what decides it.
    """
    table = _rows_of(interactions, max_bytes)
    found = _deciding(recognise(table.frame.columns, INTERACTIONS, columns or {}, NEEDED), table.frame)
    require_best(best)
    known = units if best is None else replace(units, best=best)
    file = _name_of(interactions)
    prepared, written, notes, known = _prepared(table, found, known, time_format, kinds or {})
    clean, rejected = events.clean(prepared, written=written)
    described = _catalog(titles, title_columns or {}, clean, known, time_format, max_bytes)
    clean, strangers, unknown = only_known_titles(clean.sort("timestamp", maintain_order=True), described.catalog)
    return Dataset(
        name=name or Path(file).stem,
        licence=licence,
        catalog=described.catalog,
        profiles=profiles_of(clean),
        events=clean,
        rejections=table.rejections + rejected + described.rejections + unknown,
        notes=(*notes, *table.notes, *described.notes),
        strangers=strangers,
        columns=(*_columns(file, table.frame, found), *described.columns),
        units=known,
        numeric_ids=_numeric(clean, table.frame.schema, found),
        pandas=is_pandas(interactions),
    )


def _name_of(source: Any) -> str:
    return Path(source).name if isinstance(source, str | Path) else "frame"


def _numeric(clean: pl.DataFrame, schema: pl.Schema, found: Mapping[str, str]) -> frozenset[str]:
    """Which ids came as numbers and are whole ones."""
    numeric = [name for name in ("user_id", "item_id") if schema[found[name]].is_numeric()]
    whole = clean.select(pl.col(numeric).cast(pl.Int64, strict=False))
    return frozenset(name for name in numeric if whole[name].null_count() == clean[name].null_count())


def holds(path: Path) -> bool:
    """Whether a file has column names of which one is a time in Parquet, a member in text: sequences have neither."""
    if path.suffix == ".parquet":
        return any(plain(name) in INTERACTIONS["timestamp"] for name in _parquet_names(path))
    head = head_of(regular(path))
    if is_json_lines(path):
        return any(plain(name) in INTERACTIONS["user_id"] for name in keys_of(head.encode())) and '"event"' not in head
    return any(plain(name.strip("\"' ")) in INTERACTIONS["user_id"] for name in re.split(r"[\t,;|]", head))


def is_laid_out(path: Path) -> bool:
    """Whether a text is a table whose columns have other names, or none: its lines are equally wide and begin alike.

    A line of sequences has as many titles as its member, who has that line alone; pairs are two wide.
    """
    if path.suffix == ".parquet":
        return False
    with path.open(encoding="latin-1") as text:
        lines = [re.split(r"[\t,;|]", line) for line in islice(text, LOOKED_AT) if line.strip()]
    widths, first = {len(cells) for cells in lines}, [cells[0] for cells in lines[1:]]
    return len(widths) == 1 and widths.pop() > 2 and len(set(first)) < len(first)


def _parquet_names(path: Path) -> list[str]:
    try:
        return list(pl.read_parquet_schema(regular(path)))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise unreadable(path, error) from error


def _rows_of(source: Any, max_bytes: int) -> Table:
    is_path = isinstance(source, str | Path)
    table = table_of(Path(source), max_bytes) if is_path else numbered(as_polars(source))
    if table.frame.is_empty():
        what = source if is_path else "the frame"
        raise BadData(f"{what} has no row that can be read; {table.rejections}; give one with rows below its header")
    return table


def _deciding(found: Mapping[str, str], frame: pl.DataFrame) -> dict[str, str]:
    """The columns that are read: a column of kinds, or one that says what a row is. Raises `BadData` on several."""
    unclear = [one for one in frame.columns if plain(one) in UNCLEAR and one not in found.values()]
    several = [ours for ours in DECIDING if ours in found]
    if found["user_id"] == found["item_id"]:
        raise BadData(f"the column {found['user_id']!r} is mapped to user_id and to item_id; map each to its own")
    if "watched" in found and "duration" not in found:
        raise BadData(
            f"{found['watched']!r} is no share without how long the title is; add a column of durations in the same "
            "unit (--map duration=NAME), or leave it out with --map watched="
        )
    if "kind" in found:
        return {ours: theirs for ours, theirs in found.items() if ours != "click"}
    if len(several) > 1:
        theirs = [found[ours] for ours in several]
        raise BadData(
            f"the columns {theirs} each say what a row is; leave all but one out, for example --map {several[0]}="
        )
    if unclear and not several:
        raise BadData(
            f"the column {unclear[0]!r} may be a click, a play or a rating; say which: --map kind={unclear[0]} "
            f"--kinds 1=open,0=impression, or --map value={unclear[0]}; or drop it, and each row is a play"
        )
    return dict(found)


def _prepared(
    table: Table, found: Mapping[str, str], units: Units, form: str | None, told: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame, list[str], Units]:
    """The rows as a frame that `events.clean` takes, as they were written, what was assumed, and the units."""
    named = table.frame.select([pl.col(theirs).alias(ours) for ours, theirs in found.items()])
    try:
        kind, notes = _kind(named, told)
        timed = moments(named["timestamp"], units, form)
        received = [moments(named[one], timed.units, form).times for one in named.columns if one == "received"]
        value, best, more = _values(named, kind, timed.units.best, found)
        texts = [
            ids(named[one]) if one in IDS else named[one].cast(pl.String) for one in named.columns if one not in _TYPED
        ]
    except pl.exceptions.PolarsError as error:
        raise BadData(f"a column has a type that cannot be read: {error!s:.300}; give text or numbers") from error
    frame = pl.DataFrame([timed.times.alias("timestamp"), value.alias("value"), kind.alias("kind"), *texts, *received])
    if "event_id" not in named.columns:
        frame = frame.with_columns(_made_id())
    written = named.select(one for one in ("timestamp", "kind", "value") if one in named.columns)
    for column in ("share", "watched"):
        written = written.with_columns(named[column].alias("value")) if column in named.columns else written
    taken = (kind != IGNORE).fill_null(True)
    units = replace(timed.units, best=best)
    notes = [*_time_note(timed.units, named["timestamp"]), *notes, *more]
    return frame.filter(taken), written.with_columns(table.rows.alias("row")).filter(taken), notes, units


_TYPED = ("timestamp", "received", "kind", "value", "share", "watched", "duration", "click")


def _time_note(units: Units, column: pl.Series) -> list[str]:
    if column.dtype == pl.String and units.date_order is not None:
        return [f"dates are read {units.date_order}"]
    counted = units.time_unit is not None and numbers(column).count() > 0 and not column.dtype.is_temporal()
    return [f"times are read as {units.time_unit} since 1970"] if counted else []


def _kind(named: pl.DataFrame, told: Mapping[str, str]) -> tuple[pl.Series, list[str]]:
    """What each row is, and what was assumed where the words are others'."""
    if "kind" not in named.columns and "click" not in named.columns:
        every = "rating" if "value" in named.columns else "play"
        return pl.select(pl.repeat(every, named.height)).to_series(), []
    column = named["kind"] if "kind" in named.columns else named["click"]
    kind = kinds_of(column, told, None if "kind" in named.columns else CLICKS)
    pairs = pl.DataFrame({"theirs": ids(column), "ours": kind}).drop_nulls().group_by("theirs", "ours").len()
    words = [
        f"{theirs} as {ours} ({n:,})"
        for theirs, ours, n in pairs.sort("len", "theirs", descending=True).iter_rows()
        if theirs != ours
    ]
    return kind, [f"kinds are read: {', '.join(words[:20])}"] if words else []


def _values(
    named: pl.DataFrame, kind: pl.Series, best: float | None, found: Mapping[str, str]
) -> tuple[pl.Series, float | None, list[str]]:
    """Values as shares of the best for ratings and plays, the best rating, and what was assumed."""
    nothing = pl.repeat(None, named.height, dtype=pl.Float64, eager=True)
    value = numbers(named["value"]) if "value" in named.columns else nothing
    values, notes = value.fill_null(np.nan).to_numpy().copy(), []
    rated, played = ((kind == one).fill_null(False).to_numpy() for one in ("rating", "play"))
    ratings = values[rated & np.isfinite(values) & (values >= 0)]
    if len(ratings):
        best = best_of(ratings) if best is None else best
        require_fit(ratings, best)
        values[rated] /= best
        notes.append(f"rating values are read as shares of {best:g}")
    shares, more = _shares(named, values, played, found)
    values[played] = shares[played]
    return pl.Series(values).fill_nan(None), best, [*notes, *more]


def _shares(
    named: pl.DataFrame, values: Doubles, played: NDArray[np.bool_], found: Mapping[str, str]
) -> tuple[Doubles, list[str]]:
    """The share watched of each row that is a play; NaN where it cannot be told."""
    if "watched" in named.columns:
        shares = _of_durations(named, played, found)
        return shares, [f"plays are read as {found['watched']} over {found['duration']}"]
    if "share" in named.columns:
        shares = numbers(named["share"]).fill_null(np.nan).to_numpy().copy()
        seen = shares[played & np.isfinite(shares)]
        scales = (1.0,) if plain(found["share"]) in RATIOS else (1.0, 100.0)
        top = share_scale(seen, scales) if len(seen) else 1.0
        shares = np.where(np.isfinite(shares), np.minimum(shares, top) / top, np.nan)  # above it: watched again
        return shares, [f"play values are read as shares of {top:g}"] if len(seen) else []
    seen = values[played & np.isfinite(values)]
    if len(seen) and (seen > 1).mean() > 0.1:
        raise BadData(
            f"play values such as {seen[seen > 1][0]:g} are no shares watched; where they are percentages, say so with "
            f"--map share={found['value']}, else leave the column out with --map value="
        )
    notes = ["play values are read as shares of 1"] if len(seen) else []
    bare = played & named["value"].is_null().to_numpy() if "value" in named.columns else played
    if bare.any():
        notes.append("plays without a value are read as watched to the end")
    return np.where(bare, 1.0, values), notes


def _of_durations(named: pl.DataFrame, played: NDArray[np.bool_], found: Mapping[str, str]) -> Doubles:
    """Time watched over the title's duration, at most 1. Raises `BadData` where they are of two units."""
    watched, duration = (numbers(named[one]).fill_null(np.nan).to_numpy() for one in ("watched", "duration"))
    shares = np.divide(watched, duration, out=np.full(len(watched), np.nan), where=duration > 0)
    seen = shares[played & np.isfinite(shares) & (shares > 0)]
    if len(seen) and not (ONE_UNIT[0] <= seen.max() and np.median(seen) <= ONE_UNIT[1]):
        raise BadData(
            f"{found['watched']!r} over {found['duration']!r} gives shares such as {seen[0]:.3g}; give both in one unit"
        )
    return np.asarray(np.minimum(shares, 1.0), np.float64)


def _made_id() -> pl.Expr:
    user, item = (
        pl.col(name).str.replace_all("%", "%25").str.replace_all("-", "%2D") for name in ("user_id", "item_id")
    )
    made = pl.format("{}-{}-{}-{}", user, item.fill_null(""), "kind", pl.col("timestamp").cast(pl.Int64))
    return made.alias("event_id")


def _catalog(
    source: Any, mapping: Mapping[str, str], clean: pl.DataFrame, units: Units, form: str | None, max_bytes: int
) -> Titles:
    """The titles of a file or frame, or bare ones of the ids that occur."""
    if source is not None:
        return titles_of(_rows_of(source, max_bytes), _name_of(source), mapping, units, form)
    found = Catalog.from_frame(clean.select(pl.col("item_id").drop_nulls().unique().sort()))
    return Titles(found, Rejections(), (), ())


def _columns(file: str, frame: pl.DataFrame, found: Mapping[str, str]) -> tuple[Column, ...]:
    """What became of each column of the interactions."""
    return columns_of(file, frame.columns, {theirs: ours for ours, theirs in found.items()})

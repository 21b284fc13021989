"""Tables of your own: interactions, and titles if you have them, as CSV, TSV or Parquet.

Columns are recognised by the names that common libraries and services give them (`columns.py`), or mapped. Only
recognised columns are read: age, gender, occupation and the like never enter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee import catalog as nouns
from matinee import events
from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, only_known_titles, profiles_of
from matinee.data.sources.columns import INTERACTIONS, KINDS, SHARES, TITLES, moments, names, plain, recognise
from matinee.data.sources.files import refuse_utf16
from matinee.data.sources.frames import as_polars, is_pandas
from matinee.errors import BadData
from matinee.events import MAX_TEXT, Rejections
from matinee.maturity import age_of

SCALES = (1.0, 5.0, 10.0, 100.0)  # what values are taken to be out of, by their size
LONGEST = 20_000  # characters of a title's text that are kept


def read(
    interactions: Any,
    titles: Any = None,
    columns: Mapping[str, str] | None = None,
    title_columns: Mapping[str, str] | None = None,
    best: float | None = None,
    name: str = "",
    licence: str = "not stated",
) -> Dataset:
    """Read interactions and titles: paths, or frames of polars or pandas.

    `columns` and `title_columns` map our names to yours where they are not known. Without titles
    the catalogue is made of the ids. Without a column of kinds all rows are ratings where there is a column of values,
    and plays where there is none or it holds shares watched (`columns.SHARES`). Ratings are divided by `best` (5 for
    stars), or by the scale that they fit, plays by theirs; the notes say which. Bad rows are counted, never fatal; a
    rating without a value is one. Raises `BadData` when a file cannot be read or lacks a needed column.
    """
    raw, encoding = _table(interactions)
    found = recognise(raw.columns, INTERACTIONS, columns or {}, ("user_id", "item_id", "timestamp"))
    shares = SHARES.get(plain(found.get("value", "")), ())
    named = raw.select([pl.col(theirs).alias(ours) for ours, theirs in found.items()])
    prepared, notes = _prepared(named, best, shares)
    clean, rejected = events.clean(prepared)
    catalog, bad_titles, encoding_of_titles = _catalog(titles, title_columns or {}, clean)
    clean, strangers, unknown = only_known_titles(clean.sort("timestamp", maintain_order=True), catalog)
    return Dataset(
        name=name or (Path(interactions).stem if isinstance(interactions, str | Path) else "frame"),
        licence=licence,
        catalog=catalog,
        profiles=profiles_of(clean),
        events=clean,
        rejections=rejected + bad_titles + unknown,
        strangers=strangers,
        notes=(_read_as(found), *notes, *encoding, *encoding_of_titles),
        numeric_ids=_numeric(clean, raw.schema, found),
        pandas=is_pandas(interactions),
    )


def _numeric(clean: pl.DataFrame, schema: pl.Schema, found: Mapping[str, str]) -> frozenset[str]:
    """Which ids came as numbers and are whole ones."""
    numbers = [name for name in ("user_id", "item_id") if schema[found[name]].is_numeric()]
    whole = clean.select(pl.col(numbers).cast(pl.Int64, strict=False))
    return frozenset(name for name in numbers if whole[name].null_count() == clean[name].null_count())


def holds(path: Path) -> bool:
    """Whether a file has column names of which one is a time in Parquet, a member in text: sequences have neither."""
    if path.suffix == ".parquet":
        return any(plain(name) in INTERACTIONS["timestamp"] for name in _parquet_names(path))
    with path.open(encoding="utf-8-sig", errors="replace") as text:
        return any(plain(name) in INTERACTIONS["user_id"] for name in re.split(r"[\t,;|]", text.readline(LONGEST)))


def _parquet_names(path: Path) -> list[str]:
    try:
        return list(pl.read_parquet_schema(path))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> BadData:
    return BadData(f"cannot read {path} as a table: {error!s:.300}; give a CSV, TSV or Parquet file")


def _table(source: Any) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """A frame as it is, a file as a frame, and a note where it is Latin-1.

    Text formats are read as strings only, so that one bad cell spoils no column. Text that is not UTF-8 is read as
    Latin-1: every byte is a character there, so two ids never become one.
    """
    if not isinstance(source, str | Path):
        return as_polars(source), ()
    path = Path(source)
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pl.read_parquet(path, glob=False), ()
        with path.open("rb") as opened:
            head = opened.readline(1_000_000)
        refuse_utf16(head, str(path))
        try:
            return _separated(path, head.decode()), ()
        except (UnicodeDecodeError, pl.exceptions.ComputeError):
            text = path.read_text("latin-1")
        found = _separated(text.encode(), text.partition("\n")[0])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(path, error) from error
    return found, (f"{path.name} is not UTF-8 and is read as Latin-1",)


def _separated(text: Path | bytes, head: str) -> pl.DataFrame:
    """The columns of a text in UTF-8, all strings, split at what is in its first line most often."""
    separator = max("\t,;|", key=head.count)
    return pl.read_csv(
        text,
        separator=separator,
        quote_char='"' if separator in ",;" else None,
        infer_schema=False,
        truncate_ragged_lines=True,
        glob=False,
    )


def _prepared(frame: pl.DataFrame, best: float | None, shares: Sequence[float]) -> tuple[pl.DataFrame, list[str]]:
    """The recognised columns as a frame that `events.clean` takes, and what was assumed.

    `shares`: what the values may be out of where their column holds shares watched, else empty.
    """
    present = frame.columns
    default = "rating" if "value" in present and not shares else "play"
    value = pl.col("value").cast(pl.Float64, strict=False) if "value" in present else pl.lit(None, pl.Float64)
    texts = [pl.col(one).cast(pl.String) for one in present if one not in ("timestamp", "value", "kind")]
    try:
        kind = _kinds(frame["kind"]) if "kind" in present else pl.lit(default)
        typed = frame.select(moments(frame["timestamp"]), value.alias("value"), kind.alias("kind"), *texts)
    except pl.exceptions.PolarsError as error:
        raise BadData(f"a column has a type that cannot be read: {error!s:.300}; give text or numbers") from error
    scaled, notes = _scaled(typed, best, shares)
    if "event_id" in present:
        return scaled, notes
    user, item = (
        pl.col(name).str.replace_all("%", "%25").str.replace_all("-", "%2D") for name in ("user_id", "item_id")
    )
    made = pl.format("{}-{}-{}-{}", user, item.fill_null(""), "kind", pl.col("timestamp").cast(pl.Int64))
    return scaled.with_columns(made.alias("event_id")), notes


def _kinds(column: pl.Series) -> pl.Series:
    """The kinds as ours; what is not known stays as it is and is counted as rejected."""
    ours = {synonym: kind for kind, synonyms in KINDS.items() for synonym in synonyms}
    seen = column.cast(pl.String)
    known = {one: ours[plain(one)] for one in seen.unique().drop_nulls() if plain(one) in ours}
    return seen.replace(known)


def _scaled(typed: pl.DataFrame, best: float | None, shares: Sequence[float]) -> tuple[pl.DataFrame, list[str]]:
    """Values as shares of the best, for each kind that has them, and what was taken as the best."""
    notes, values = [], typed["value"].cast(pl.Float64).to_numpy().copy()
    for kind in sorted(events.NEEDS_VALUE):
        mine = (typed["kind"] == kind).fill_null(False).to_numpy()
        seen = values[mine & np.isfinite(values)]
        if not len(seen):
            continue
        if kind == "play" and shares:
            top = next((scale for scale in shares if _nearly_all(seen) <= scale), shares[-1])
            values[mine & (values > top) & np.isfinite(values)] = top  # watched again
        else:
            top = best if best is not None and kind == "rating" else _scale(seen, kind)
        values[mine] /= top
        notes.append(f"{kind} values are read as shares of {top:g}")
    bare = ((typed["kind"] == "play") & typed["value"].is_null()).fill_null(False).to_numpy()
    if bare.any():
        values[bare] = 1.0
        notes.append("plays without a value are read as watched to the end")
    return typed.with_columns(pl.Series("value", values)), notes


def _scale(values: NDArray[np.float64], kind: str) -> float:
    """The smallest of `SCALES` that holds 99.9 % of the values: a few wild ones must not stretch it."""
    top = _nearly_all(values)
    fitting = [scale for scale in SCALES if top <= scale]
    if not fitting:
        raise BadData(
            f"{kind} values reach {top:g}, which is no scale of {SCALES}; give the best value, or drop the column"
        )
    return fitting[0]


def _nearly_all(values: NDArray[np.float64]) -> float:
    """What 99.9 % of the values do not exceed."""
    return float(np.quantile(values, 0.999, method="nearest"))


def _catalog(
    source: Any, mapping: Mapping[str, str], clean: pl.DataFrame
) -> tuple[Catalog, Rejections, tuple[str, ...]]:
    """The catalogue, what of it was rejected, and a note where its file is not UTF-8."""
    if source is None:
        return Catalog.from_frame(clean.select(pl.col("item_id").drop_nulls().unique().sort())), Rejections(), ()
    raw, encoding = _table(source)
    found = recognise(raw.columns, TITLES, mapping, ("item_id",))
    try:
        frame = pl.DataFrame([_title_column(ours, raw[theirs]) for ours, theirs in found.items()])
    except pl.exceptions.PolarsError as error:
        raise BadData(f"the titles have a column of a type that cannot be read: {error!s:.300}") from error
    return *_only_good(frame), encoding


def _only_good(frame: pl.DataFrame) -> tuple[Catalog, Rejections]:
    """The catalogue of titles with a usable id, the first of each, and a count of the others."""
    item = pl.col("item_id").fill_null("")
    checks = {
        "titles without an item_id": item == "",
        "titles with an item_id that is too long": item.str.len_chars() > MAX_TEXT,
        "titles repeating an item_id": ~pl.col("item_id").is_first_distinct(),
    }
    reason = pl.coalesce(*[pl.when(bad).then(pl.lit(text)) for text, bad in checks.items()])
    marked = frame.with_columns(reason.alias("_reason")).with_row_index("_at", offset=1)
    bad = marked.filter(pl.col("_reason").is_not_null())
    counts = dict(bad["_reason"].value_counts().iter_rows())
    examples = {text: tuple(f"row {at}" for at in bad.filter(_reason=text)["_at"].head(3)) for text in counts}
    return Catalog.from_frame(marked.filter(pl.col("_reason").is_null())), Rejections(counts, examples)


def _title_column(name: str, column: pl.Series) -> pl.Series:
    """One column of the titles as the catalogue wants it; null where it cannot be read."""
    dtype = nouns.SCHEMA[name]
    if dtype == nouns.NAMES:
        return names(column, " " if column.name.endswith(":token_seq") else None).alias(name)
    if dtype == nouns.TIME:
        return _dates(column).alias(name)
    if name == "maturity":
        ages = {rating: age_of(rating) for rating in column.cast(pl.String).unique().drop_nulls()}
        return column.cast(pl.String).replace_strict(ages, default=None, return_dtype=pl.Int16).alias(name)
    if dtype == pl.String:
        return column.cast(pl.String).str.slice(0, LONGEST if name == "text" else None).alias(name)
    return column.cast(pl.Float64, strict=False).cast(dtype, strict=False).alias(name)


def _dates(column: pl.Series) -> pl.Series:
    """Moments; a number of four digits is a year."""
    years = column.cast(pl.String).str.extract(r"^((?:18|19|20)\d\d)(?:\.0)?$").cast(pl.Int32)
    first_days = pl.select(pl.datetime(years, 1, 1, time_zone="UTC")).to_series()
    return pl.select(pl.coalesce(first_days, moments(column))).to_series()


def _read_as(found: Mapping[str, str]) -> str:
    return "columns read: " + ", ".join(f"{theirs} as {ours}" for ours, theirs in found.items())

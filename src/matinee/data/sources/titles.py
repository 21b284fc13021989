"""A table of titles as a catalogue: every column read, understood or ignored, every value that is not read counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from matinee import catalog as nouns
from matinee.catalog import Catalog
from matinee.data.dataset import Column, Use
from matinee.data.sources.columns import ORIGINS, TITLES, plain, recognise
from matinee.data.sources.episodes import COLUMNS as EPISODE_COLUMNS
from matinee.data.sources.episodes import parted, sifted, with_episodes
from matinee.data.sources.tables import Table
from matinee.data.sources.times import UNITS, moments
from matinee.data.sources.values import ids, names, numbers
from matinee.data.units import Units
from matinee.errors import BadData
from matinee.events import MAX_TEXT, Rejections
from matinee.maturity import age_of

LONGEST = 20_000  # characters of a title's text that are kept
PROMISES = ("available_from", "available_until", "countries")  # what they hold back must not be shown
ORIGIN = "where a title was made; it restricts nothing"


@dataclass(frozen=True)
class Titles:
    """The catalogue that a table makes, what of it was rejected, and what became of its columns."""

    catalog: Catalog
    rejections: Rejections
    columns: tuple[Column, ...]
    notes: tuple[str, ...]


def titles_of(table: Table, file: str, mapping: Mapping[str, str], units: Units, form: str | None = None) -> Titles:
    """Read the columns of `columns.TITLES`; `mapping`: ours to theirs. `units` and `form` are those of `moments`.

    Times that count since 1970 are of the unit that they show: titles and interactions may come from two systems.

    Raises `BadData` where a column that holds titles back (`PROMISES`) has a value that cannot be read.
    """
    units, form = replace(units, time_unit=None), None if form in UNITS else form
    found = recognise(table.frame.columns, TITLES, mapping, ("item_id",))
    origins = {
        ours for ours, theirs in found.items() if ours == "countries" and not _is_availability(table.frame[theirs])
    }
    partly = () if found.keys() >= set(EPISODE_COLUMNS) else EPISODE_COLUMNS  # a series alone may be anything
    read = {ours: theirs for ours, theirs in found.items() if ours not in origins and ours not in partly}
    try:
        columns = {ours: _column(ours, table.frame[theirs], units, form) for ours, theirs in read.items()}
    except pl.exceptions.PolarsError as error:
        raise BadData(f"{file} has a column of a type that cannot be read: {error!s:.300}") from error
    notes = [_unread(ours, table.frame[read[ours]], column) for ours, column in columns.items()]
    titles, episodes = parted(pl.DataFrame([*columns.values(), table.rows.alias("row")]))
    catalog, rejected = _only_good(titles)
    catalog, unfit = with_episodes(catalog, episodes)
    return Titles(
        catalog,
        table.rejections + rejected + unfit,
        _columns(file, table.frame, read),
        (*table.notes, *(note for note in notes if note)),
    )


def _is_availability(column: pl.Series) -> bool:
    """Whether a column says where titles may be shown: two-letter codes do, names say where titles were made.

    Raises `BadData` where it has both, or names under a name that can only mean availability.
    """
    every = names(column).explode().drop_nulls()
    codes = every.str.contains(r"^[A-Za-z]{2}$")
    if codes.all():
        return True
    if codes.any() or plain(column.name) != "countries":
        raise BadData(
            f"{column.name!r} holds {every.filter(~codes)[0]!r}, which is no two-letter code of a country; write "
            "codes, or call the column production_countries if it says where titles were made"
        )
    return False


def _column(name: str, column: pl.Series, units: Units, form: str | None) -> pl.Series:
    """One column of the titles as the catalogue wants it; null where it cannot be read."""
    dtype = nouns.SCHEMA.get(name, pl.Int32())
    if name in ("item_id", "series_id"):
        return ids(column).alias(name)
    if dtype == nouns.NAMES:
        lists = names(column, _separator(name, column.name))
        return (lists.list.eval(pl.element().str.to_uppercase()) if name == "countries" else lists).alias(name)
    if dtype == nouns.TIME:
        return moments(column, units, form, years=True).times.alias(name)
    if name == "maturity":
        ages = {rating: age_of(rating) for rating in ids(column).unique().drop_nulls()}
        return ids(column).replace_strict(ages, default=None, return_dtype=pl.Int16).alias(name)
    if dtype == pl.String:
        return column.cast(pl.String).str.slice(0, LONGEST if name == "text" else None).alias(name)
    return numbers(column).cast(dtype, strict=False).alias(name)


def _separator(name: str, written: str) -> str | None:
    """What stands between names in a text; None where it is to be found out. Names of titles hold commas."""
    if written.endswith(":token_seq"):
        return " "
    return "|" if name == "other_names" else None


def _unread(name: str, written: pl.Series, read: pl.Series) -> str:
    """How many values of a column could not be read, with an example; "" where all could."""
    bad = written.filter(written.is_not_null() & read.is_null())
    if bad.is_empty():
        return ""
    if name in PROMISES:
        raise BadData(
            f"{len(bad):,} values of {written.name!r} cannot be read as {name}, first {bad[0]!r}; what it holds back "
            "would be shown: correct it, or say --time-format"
        )
    return f"{len(bad):,} values of {written.name} cannot be read as {name} (for example {str(bad[0])[:40]!r})"


def _only_good(frame: pl.DataFrame) -> tuple[Catalog, Rejections]:
    """The catalogue of titles with a usable id, the first of each, and a count of the others."""
    item = pl.col("item_id").fill_null("")
    checks = {
        "titles without an item_id": item == "",
        "titles with an item_id that is too long": item.str.len_chars() > MAX_TEXT,
        "titles repeating an item_id": ~pl.col("item_id").is_first_distinct(),
    }
    good, rejected = sifted(frame, checks)
    return Catalog.from_frame(good), rejected


def _columns(file: str, frame: pl.DataFrame, read: Mapping[str, str]) -> tuple[Column, ...]:
    """What became of each column of the table."""
    ours = {theirs: name for name, theirs in read.items()}
    return tuple(
        Column(file, name, Use.READ, ours[name])
        if name in ours
        else Column(file, name, Use.UNDERSTOOD, ORIGIN)
        if plain(name) in (*ORIGINS, "countries")
        else Column(file, name, Use.IGNORED)
        for name in frame.columns
    )

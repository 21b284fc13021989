"""Cells of a table as values: what says nothing, ids, numbers, and lists of names in whatever form they stand."""

from __future__ import annotations

import ast
import re
from typing import Any

import orjson
import polars as pl
import polars.selectors as cs

from matinee.errors import BadData

NOTHING = (
    *("", "\\N", "nan", "NaN", "NAN", "NaT", "None", "none", "NONE", "null", "Null", "NULL", "<NA>"),
    "(no genres listed)",
)
EXACT = 2**53  # above it not every whole number is a float
LONGEST_LIST = 1_000_000  # characters of a list in a cell
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_NAMED = ("name", "title", "value")  # what a structure in a list is called by


def known(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with null in every cell that says nothing (`NOTHING`, NaN), text without blanks around it."""
    bare = cs.string().str.strip_chars()
    return frame.with_columns(pl.when(~bare.is_in(NOTHING)).then(bare), cs.float().fill_nan(None))


def text_of(value: Any) -> str | None:
    """One value of JSON as `known` and `ids` would have it: text, or None where it says nothing."""
    if value is None:
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    return None if text in NOTHING else text


def ids(column: pl.Series) -> pl.Series:
    """A column of ids as text: " 10" is "10", and where all are whole numbers 1.0 is "1", as a null beside makes it.

    Raises `BadData` where numbers are too large for the floats they are stored as, so that two ids may have become one.
    """
    if column.dtype.is_float():
        if (column.abs() >= EXACT).any():
            raise BadData(f"the ids {column.name!r} are decimals beyond {EXACT:,}; write them as whole numbers or text")
        whole = (column == column.round()).all()
        return (column.cast(pl.Int64) if whole else column).cast(pl.String)
    text = column.cast(pl.String).str.strip_chars()
    text = pl.select(pl.when(~text.is_in(NOTHING)).then(text)).to_series().alias(column.name)
    if not text.str.contains(r"^-?\d+\.0+$").any() or not text.str.contains(r"^-?\d+(\.0+)?$").all():
        return text
    return text.str.replace(r"\.0+$", "")


def numbers(column: pl.Series) -> pl.Series:
    """A column as floats, also with a decimal comma ("3,5"; "1,234" may be a thousand and is unreadable); else null."""
    if column.dtype != pl.String:
        return column.cast(pl.Float64, strict=False)
    pointed = column.str.replace(r"^([+-]?\d+),(\d{1,2}|\d{4,})$", "$1.$2")
    return pointed.cast(pl.Float64, strict=False)


def names(column: pl.Series, separator: str | None = None) -> pl.Series:
    """A column as lists of names; null where a list in it cannot be read.

    Lists as they are, structures by their name, text that holds a list of Python or JSON by what it lists, other text
    split at the first of | ; , that occurs in the column.
    """
    if isinstance(column.dtype, pl.List | pl.Array):
        return _told(_of_lists(column))
    if column.dtype != pl.String:
        return _told(column.cast(pl.String).reshape((-1, 1)).cast(pl.List(pl.String)))
    listed = column.str.contains(r"^\s*[\[{]").fill_null(False)
    plain = column.zip_with(~listed, pl.Series([None], dtype=pl.String))
    mark = separator or next((mark for mark in "|;," if plain.str.contains(mark, literal=True).any()), "|")
    parts = plain.str.split(mark)
    if listed.any():
        read = {one: _listed(one) for one in column.filter(listed).unique()}
        lists = pl.Series([read.get(one) for one in column], dtype=pl.List(pl.String))
        parts = parts.zip_with(~listed, lists)
    return _told(parts)


def _told(lists: pl.Series) -> pl.Series:
    bare = pl.element().str.strip_chars(" \t'\"")
    return lists.list.eval(pl.when(~bare.is_in(NOTHING)).then(bare).drop_nulls())


def _of_lists(column: pl.Series) -> pl.Series:
    column = column.cast(pl.List(column.dtype.inner)) if isinstance(column.dtype, pl.Array) else column
    inner = column.dtype.inner  # type: ignore[attr-defined]
    if not isinstance(inner, pl.Struct):
        return column.cast(pl.List(pl.String))
    fields = [field.name for field in inner.fields if field.name in _NAMED]
    if not fields:
        raise BadData(
            f"{column.name!r} lists structures of {[field.name for field in inner.fields]}; give each one of {_NAMED}"
        )
    return column.list.eval(pl.element().struct.field(fields[0]).cast(pl.String))


def _listed(text: str) -> list[str] | None:
    """The names that a list of Python or JSON in a cell holds; None where it is none."""
    if len(text) > LONGEST_LIST:
        return None
    if "{" not in text:
        quoted = [first or second for first, second in _QUOTED.findall(text)]
        return quoted or text.strip("[] ").split(",")
    try:
        found = orjson.loads(text)
    except ValueError:
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    entries = found if isinstance(found, list) else [found]
    each = [_name_of(entry) for entry in entries]
    return None if None in each else [str(one) for one in each]


def _name_of(entry: Any) -> str | None:
    if isinstance(entry, dict):
        return next((str(entry[key]) for key in _NAMED if entry.get(key) is not None), None)
    return str(entry) if isinstance(entry, str | int | float) else None

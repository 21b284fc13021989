"""Frames in memory as polars frames: polars as it is, pandas column by column, without needing either's friends."""

from __future__ import annotations

from typing import Any

import polars as pl

from matinee.data.sources.tables import refuse_repeated
from matinee.errors import BadData


def is_pandas(frame: Any) -> bool:
    """Whether this is a frame of pandas, which need not be installed."""
    return type(frame).__module__.partition(".")[0] == "pandas"


def as_polars(frame: Any) -> pl.DataFrame:
    """A polars frame of what is given: a `polars.DataFrame` or `LazyFrame`, or a `pandas.DataFrame` without its index.

    What pandas leaves out (NaN, NaT, NA, None) is null. Raises `BadData` for anything else.
    """
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if is_pandas(frame) and hasattr(frame, "columns"):
        refuse_repeated([str(name) for name in frame.columns], "the frame")
        return pl.DataFrame([_column(str(name), frame[name]) for name in frame.columns])
    raise BadData(f"cannot read a {type(frame).__name__} as a table; give a polars or pandas frame, or a path")


def to_pandas(frame: pl.DataFrame) -> Any:
    """The same as a frame of pandas, which is imported here: whoever gave one has it."""
    import pandas

    return pandas.DataFrame({name: frame[name].to_numpy() for name in frame.columns})


def _column(name: str, column: Any) -> pl.Series:
    """Numbers and times without a zone as arrays, everything else value by value."""
    if getattr(column.dtype, "kind", "O") in "biufM" and not hasattr(column.dtype, "tz") and not _masked(column):
        return pl.Series(name, column.to_numpy(), nan_to_null=True)
    values = column.astype(object)
    return pl.Series(name, values.where(column.notna(), None).tolist(), strict=False)


def _masked(column: Any) -> bool:
    """Whether a column holds its gaps beside its values, as the nullable types of pandas do."""
    return not type(column.dtype).__module__.startswith("numpy")

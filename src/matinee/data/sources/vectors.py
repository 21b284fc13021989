"""Vectors of titles, of images, sound, video or anything else that a model saw in them: a Parquet file of lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.sources.tables import table_of
from matinee.data.sources.values import ids
from matinee.errors import BadData
from matinee.maths.arrays import Floats, Int32s

LARGEST = np.finfo(np.float32).max


@dataclass(frozen=True)
class GivenVectors:
    """`arrays`: column -> (titles, dimensions) float32 in the order of the catalogue, zeros where a title has none.

    `missing`: column -> number of titles without a vector. `unknown`: rows whose `item_id` the catalogue lacks.
    """

    arrays: Mapping[str, Floats]
    missing: Mapping[str, int]
    unknown: int


def with_vectors(dataset: Dataset, path: Path) -> Dataset:
    """The data set whose titles have the vectors of this file too, with a note on what was missing and unknown."""
    found = read_vectors(path, dataset.catalog)
    notes = [
        f"{name}: vectors of {len(array) - found.missing[name]:,} titles, {array.shape[1]:,} numbers each"
        for name, array in found.arrays.items()
    ]
    if found.unknown:
        notes.append(f"{found.unknown:,} rows of {path.name} are about titles that are not in the catalogue")
    catalog = dataset.catalog.with_vectors(found.arrays)
    return replace(dataset, catalog=catalog, notes=(*dataset.notes, *notes))


def read_vectors(path: Path, catalog: Catalog) -> GivenVectors:
    """Read a Parquet file with `item_id` and one or more columns of lists of numbers, one vector a title and column.

    An absent or null vector is missing and counts as nothing known; other columns are passed over. Raises `BadData`
    when the file cannot be read, has no such column, repeats an `item_id`, or a vector has another number of
    dimensions than the first of its column, or holds null, NaN or infinity.
    """
    frame = _read(path)
    items = catalog.indexes_of(frame["item_id"])
    arrays = {name: _array(path, frame, name, items, len(catalog)) for name in _vector_columns(frame)}
    missing = {name: int((~array.any(axis=1)).sum()) for name, array in arrays.items()}
    return GivenVectors(arrays, missing, int((items < 0).sum()))


def _read(path: Path) -> pl.DataFrame:
    try:
        frame = table_of(path).frame
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadData(f"cannot read {path}: {error}; give a Parquet file") from error
    if "item_id" not in frame.columns or not _vector_columns(frame):
        raise BadData(f"{path} has the columns {dict(frame.schema)}; give 'item_id' and columns of lists of numbers")
    try:
        frame = frame.with_columns(ids(frame["item_id"]))
    except pl.exceptions.PolarsError as error:
        raise BadData(f"{path} has an item_id of type {frame.schema['item_id']}; give text or numbers") from error
    repeated = frame.filter(pl.col("item_id").is_duplicated())["item_id"]
    if len(repeated):
        raise BadData(f"{path} repeats item_id {repeated[0]!r} ({repeated.n_unique():,} such ids); keep one row each")
    return frame


def _vector_columns(frame: pl.DataFrame) -> list[str]:
    types = frame.schema.items()
    return [name for name, of in types if isinstance(of, pl.List | pl.Array) and of.inner.is_numeric()]


def _array(path: Path, frame: pl.DataFrame, name: str, items: Int32s, titles: int) -> Floats:
    """The vectors of one column at their titles."""
    given = frame.with_columns(pl.col(name).cast(pl.List(pl.Float64)), pl.Series("item", items)).drop_nulls(name)
    lengths = given[name].list.len()
    size = int(lengths[0]) if given.height else 0
    _refuse(path, given.filter(lengths != size), name, f"not {size} dimensions as the first")
    if not size:
        raise BadData(f"{path} has no vector in the column {name!r}; drop the column")
    numbers = given[name].explode().fill_null(np.nan).to_numpy().reshape(-1, size)
    finite = (np.abs(numbers) <= LARGEST).all(axis=1)
    _refuse(path, given.filter(~pl.Series(finite)), name, "a number that is null, NaN or too large")
    known = given["item"].to_numpy() >= 0
    out: NDArray[np.float32] = np.zeros((titles, size), np.float32)
    out[given["item"].to_numpy()[known]] = numbers[known]
    return out


def _refuse(path: Path, bad: pl.DataFrame, name: str, why: str) -> None:
    if bad.height:
        raise BadData(
            f"{path}: {bad.height:,} vectors of the column {name!r} have {why}, first of title "
            f"{bad['item_id'][0]!r}; make them anew or leave them null"
        )

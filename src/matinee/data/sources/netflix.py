"""The Netflix Prize: stars that members gave on a day, as Netflix handed them out in 2006.

    mv_0000001.txt ...  or  combined_data_1.txt ...     "1:" (a title), then lines of member,stars,YYYY-MM-DD
    movie_titles.txt  or  movie_titles.csv              title,year,name; may be absent

A folder, its subfolders too, or a zip.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from matinee import events
from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, columns_of_layout, profiles_of
from matinee.data.sources.bounds import MAX_BYTES
from matinee.data.sources.files import Files, split, table
from matinee.errors import BadData

LICENCE = "Netflix Prize rules: research only, not to be passed on, no longer handed out"
NOTE = "ratings have a day and no hour: hours and the order within a day mean nothing"
KINDS = ("mv_", "combined_data_")
RATING, TITLE = ("member stars day", ""), ("title year name", "")  # columns that are read, and that are not
_TITLES = ("movie_titles.txt", "movie_titles.csv")


def read(path: str | Path, max_bytes: int = MAX_BYTES) -> Dataset:
    """Read the ratings; one becomes an event of kind `rating` at the start of its day, with value stars / 5.

    Raises `BadData` when there are no such files, or when lines do not stand below a title.
    """
    path = Path(path)
    files = Files.of(path, max_bytes)
    names = _ratings_in(files)
    if not names:
        raise BadData(f"{path} holds no mv_*.txt or combined_data_*.txt; give the folder of the Netflix Prize")
    cleaned = [events.clean(_ratings(files, name)) for name in names]
    clean, rejected = pl.concat([good for good, _ in cleaned]), sum((bad for _, bad in cleaned), events.Rejections())
    if clean.is_empty():
        raise BadData(f"{path} holds no readable rating; {rejected}; get the files again")
    return Dataset(
        name="Netflix Prize",
        licence=LICENCE,
        catalog=_catalog(files, clean["item_id"]),
        profiles=profiles_of(clean),
        events=clean.sort("timestamp", maintain_order=True),
        rejections=rejected,
        notes=(NOTE,),
        columns=columns_of_layout([*names, *files.places], {names[0]: RATING, **dict.fromkeys(_TITLES, TITLE)}),
    )


def holds(path: Path) -> bool:
    """Whether a folder or zip holds the files of the Netflix Prize, told by their names."""
    return (path.is_dir() or path.suffix == ".zip") and bool(_ratings_in(Files.of(path)))


def _ratings_in(files: Files) -> list[str]:
    """One file a title, or else the files of several, which say the same."""
    single, several = ([one for one in files.ending(".txt") if one.startswith(kind)] for kind in KINDS)
    return single or several


def _ratings(files: Files, name: str) -> pl.DataFrame:
    lines = table(files.raw(name), name, "\x1f", ["line"]).filter(pl.col("line") != "")["line"]
    fields = split(lines, ",", ["user_id", "stars", "day"])
    headed = pl.col("user_id").str.ends_with(":") & pl.col("stars").is_null()
    below = pl.when(headed).then(pl.col("user_id").str.strip_suffix(":")).forward_fill()
    ratings = fields.with_columns(below.alias("item_id")).filter(~headed)
    if ratings["item_id"].null_count():
        raise BadData(f'{name} has ratings before the first title, a line such as "1:"; get the file again')
    stars = ratings["stars"].cast(pl.Float64, strict=False).to_numpy() / np.float64(5)
    return ratings.select(
        pl.format("{}-{}", "user_id", "item_id").alias("event_id"),
        "user_id",
        "item_id",
        pl.lit("rating").alias("kind"),
        pl.col("day").str.to_datetime("%Y-%m-%d", time_unit="us", time_zone="UTC", strict=False).alias("timestamp"),
        pl.Series("value", stars).fill_nan(None),
    )


def _catalog(files: Files, rated: pl.Series) -> Catalog:
    """The titles that were rated, by number, with name and year where the titles' file knows them."""
    ids = rated.unique().to_frame().sort(pl.col("item_id").cast(pl.Int64, strict=False), "item_id")
    named = next((name for name in _TITLES if name in files), None)
    if named is None:
        return Catalog.from_frame(ids)
    lines = pl.Series("line", files.text(named).splitlines(), pl.String).str.strip_chars()
    year = pl.col("year").cast(pl.Int32, strict=False)
    known = split(lines.filter(lines != ""), ",", ["item_id", "year", "title"]).select(
        "item_id",
        "title",
        pl.lit("movie").alias("kind"),
        pl.datetime(year, 1, 1, time_zone="UTC").alias("released"),
    )
    known = known.unique("item_id", keep="first", maintain_order=True)
    return Catalog.from_frame(ids.join(known, on="item_id", how="left", maintain_order="left"))

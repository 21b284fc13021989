"""The Echo Nest Taste Profile of the Million Song Dataset: how often members played songs, without times.

    train_triplets.txt      member, song and number of plays, separated by tabs
    unique_tracks.txt       track<SEP>song<SEP>artist<SEP>title; may be absent

The file itself, or a folder or zip that holds it. (Bertin-Mahieux et al. 2011; McFee et al. 2012.)
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from matinee import events
from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, columns_of_layout, profiles_of
from matinee.data.sources.files import Files, split, table
from matinee.errors import BadData

LICENCE = "Echo Nest Taste Profile subset: research only, not to be passed on for money"
NOTE = "plays have no times and no order; how often a song was played is not kept"
TRIPLETS, TRACKS = "train_triplets.txt", "unique_tracks.txt"
LAYOUT = {TRIPLETS: ("member song plays", ""), TRACKS: ("song artist title", "track")}  # read, and not
LARGEST = 4 * 10**9  # bytes; the triplets as published are 2.9 GB


def read(path: str | Path, max_bytes: int = LARGEST) -> Dataset:
    """Read the triplets: each becomes one play to the end. The data set is not `timed`.

    Raises `BadData` when there is no such file or nothing in it can be read; lines with less than one play are counted
    as rejections.
    """
    path = Path(path)
    files = Files.of(path.parent if path.is_file() and path.name == TRIPLETS else path, max_bytes)
    if TRIPLETS not in files:
        raise BadData(f"{path} holds no {TRIPLETS}; give the folder of the Taste Profile")
    triplets = table(files.raw(TRIPLETS), TRIPLETS, "\t", ["user_id", "item_id", "plays"])
    played = pl.col("plays").cast(pl.Int64, strict=False) >= 1
    clean, rejected = events.clean(
        triplets.select(
            pl.format("{}-{}", "user_id", "item_id").alias("event_id"),
            "user_id",
            "item_id",
            pl.lit("play").alias("kind"),
            pl.lit(0).alias("timestamp"),
            pl.when(played).then(1.0).alias("value"),
        )
    )
    if clean.is_empty():
        raise BadData(f"{path} holds no readable play; {rejected}; get the files again")
    return Dataset(
        name="Taste Profile (MSD)",
        licence=LICENCE,
        catalog=_catalog(files, clean["item_id"]),
        profiles=profiles_of(clean),
        events=clean,
        rejections=rejected,
        notes=(NOTE,),
        columns=columns_of_layout(files.places, LAYOUT),
        timed=False,
    )


def holds(path: Path) -> bool:
    """Whether this is the file of triplets, or a folder or zip with it, told by its name."""
    return path.name == TRIPLETS or ((path.is_dir() or path.suffix == ".zip") and TRIPLETS in Files.of(path))


def _catalog(files: Files, played: pl.Series) -> Catalog:
    """The songs that were played, with title and artist where the tracks' file knows them."""
    ids = played.unique().sort().to_frame()
    if TRACKS not in files:
        return Catalog.from_frame(ids)
    lines = pl.Series("line", files.text(TRACKS).splitlines(), pl.String)
    known = split(lines.filter(lines != ""), "<SEP>", ["track", "item_id", "artist", "title"]).select(
        "item_id", "title", pl.lit("song").alias("kind"), pl.concat_list("artist").alias("people")
    )
    known = known.drop_nulls("item_id").unique("item_id", keep="first", maintain_order=True)
    return Catalog.from_frame(ids.join(known, on="item_id", how="left", maintain_order="left"))

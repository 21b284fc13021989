"""Sequences: who turned to which titles, in which order, without times. Text, Parquet, or a folder of such files.

    *.txt, *.csv, *.tsv, *.inter    one line a member: an id, then titles in order, separated by spaces, tabs or commas
    *.parquet                       user_id, item_id and order, or without order as the rows stand
    *.train.rating, *.test.rating, *.test.negative      He et al. 2017 (NCF): pairs, test titles, 99 others of each

A folder may hold several: `sequences.*` (ordered), `pairs.*` (every pair, in no order that means anything), a published
test `ncf_test.parquet` (user_id, item_id, negatives), and what is told of titles: `movies.dat` (id::Title
(1999)::Genre|Genre) or `*2attributes.json` (item_id -> attributes), which become tags.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from matinee import events
from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, Questions, profiles_of
from matinee.data.sources.bounds import MAX_BYTES, regular
from matinee.data.sources.files import Files, table
from matinee.data.sources.movielens import readable_titles
from matinee.data.sources.tables import table_of
from matinee.data.sources.values import ids, known
from matinee.errors import BadData
from matinee.maths.ragged import Ragged

NOTE = "times only count positions: hours, weekdays and ages mean nothing"
TEXTS = (".txt", ".csv", ".tsv", ".inter", ".dat")
ATTRIBUTES = "2attributes.json"
_HEADERS = ("user_id", "user_id:token", "userid", "user")
_RATING = ["user_id", "item_id", "rating", "time"]


def read(
    path: str | Path, pairs: bool = False, name: str = "", licence: str = "not stated", max_bytes: int = MAX_BYTES
) -> Dataset:
    """Read a file or a folder; of a folder that holds both, the pairs where `pairs` asks for them, else the sequences.

    Every entry becomes a play to the end; its time is its position in seconds since 1970, and the data set is not
    `timed`. A member on several lines goes on where the line before ended, so one pair a line is read too. Lines
    without a title are counted as rejections. Raises `BadData` when nothing can be read.
    """
    path = Path(path)
    found, questions = _found(path, pairs, max_bytes)
    clean, rejected = events.clean(_plays(found))
    if clean.is_empty():
        raise BadData(f"{path} holds no member with a title; {rejected}; give lines of an id and titles in order")
    catalog = _catalog(path, clean, questions)
    return Dataset(
        name=name or (path.stem if path.is_file() else path.name),
        licence=licence,
        catalog=catalog,
        profiles=profiles_of(clean),
        events=clean.sort("timestamp", maintain_order=True),
        rejections=rejected,
        notes=(NOTE,),
        timed=False,
        questions=None if questions is None else _questions(questions, catalog),
    )


def holds(path: Path) -> bool:
    """Whether a folder holds files that this source recognises by their names, or one text, with or without attributes
    beside it, and nothing else.
    """
    names = [one.name for one in path.iterdir()] if path.is_dir() else []
    others = [one for one in names if not one.endswith(ATTRIBUTES)]
    alone = len(others) == 1 and others[0].endswith(".txt")
    return alone or any(one.endswith(".train.rating") or Path(one).stem in ("sequences", "pairs") for one in names)


def _found(path: Path, pairs: bool, max_bytes: int) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """(user_id, item_id) in order within each member, and the published questions (user_id, item_id, negatives)."""
    if not path.is_dir():
        return _entries(regular(path, max_bytes), max_bytes), None
    rated = sorted(path.glob("*.train.rating"))
    if rated:
        return _of_ncf(Files.of(path, max_bytes), rated[0].name.removesuffix(".train.rating"))
    kinds = ("pairs", "sequences") if pairs else ("sequences", "pairs")
    every = sorted(one for one in path.iterdir() if one.suffix in (*TEXTS, ".parquet"))
    chosen = next((one for kind in kinds for one in every if one.stem == kind), None)
    others = [one for one in every if one.name not in ("ncf_test.parquet", "movies.dat")]
    if chosen is None and len(others) != 1:
        raise BadData(
            f"{path} holds no sequences.* or pairs.* and not exactly one file of sequences (it has "
            f"{[one.name for one in others][:8]}); give the file itself"
        )
    asked = path / "ncf_test.parquet"
    questions = _parquet(asked, ("user_id", "item_id", "negatives"), max_bytes) if pairs and asked.is_file() else None
    return _entries(regular(chosen or others[0], max_bytes), max_bytes), questions


def _entries(path: Path, max_bytes: int) -> pl.DataFrame:
    if path.suffix == ".parquet":
        frame = _parquet(path, ("user_id", "item_id"), max_bytes)
        ordered = frame.sort("order", maintain_order=True) if "order" in frame.columns else frame
        return ordered.select("user_id", "item_id")
    text = Files(path.parent, {path.name: path.name}, max_bytes).text(path.name)
    if "\0" in text:
        raise BadData(f"{path} is no text, for it holds NUL bytes; give text, Parquet, or a packed table named .gz")
    lines = pl.Series("line", text.splitlines(), pl.String).str.strip_chars(" \t,;\r")
    fields = lines.filter(lines != "").str.replace_all(r"[\s,;]+", " ").str.split(" ")
    if len(fields) and fields[0][0].lower() in _HEADERS:
        raise BadData(
            f"{path} begins with the column names {fields[0].to_list()[:4]}; it is a table: read it as tabular"
        )
    if len(fields) and len(fields[0]) == 1 and fields[0][0].endswith(":"):
        raise BadData(f"{path} begins with {lines[0]!r}, a title above its ratings; read it as netflix")
    members = pl.DataFrame({"user_id": fields.list.first(), "item_id": fields.list.slice(1)})
    bare = pl.when(pl.col("item_id").list.len() == 0).then(pl.lit([None], pl.List(pl.String))).otherwise("item_id")
    return known(members.with_columns(bare.alias("item_id")).explode("item_id"))


def _parquet(path: Path, needed: Sequence[str], max_bytes: int) -> pl.DataFrame:
    try:
        frame = table_of(path, max_bytes).frame
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadData(f"cannot read {path}: {error!s:.300}; get the file again") from error
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise BadData(f"{path} lacks the column(s) {missing}; it has {frame.columns}; rename the columns")
    if "negatives" in needed and not isinstance(frame.schema["negatives"], pl.List | pl.Array):
        raise BadData(f"{path} has negatives of type {frame.schema['negatives']}; give a list of item_id for each row")
    try:
        return frame.with_columns(ids(frame["user_id"]), ids(frame["item_id"]))
    except pl.exceptions.PolarsError as error:
        types = [str(frame.schema[name]) for name in ("user_id", "item_id")]
        raise BadData(f"{path} has a user_id and item_id of types {types}; give text or numbers") from error


def _of_ncf(files: Files, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The original files: pairs with times, the test titles, and a line (user,item) with 99 others for each."""
    wanted = [f"{name}.{part}" for part in ("train.rating", "test.rating", "test.negative")]
    missing = [one for one in wanted if one not in files]
    if missing:
        raise BadData(f"{files.path} lacks {missing}; the published test needs all of {wanted}")
    learned, tested = (table(files.text(one), one, "\t", _RATING) for one in wanted[:2])
    lines = pl.Series(files.text(wanted[2]).splitlines(), dtype=pl.String)
    fields = lines.filter(lines != "").str.split("\t")
    owner = fields.list.first().str.extract_groups(r"^\((\w+),(\w+)\)$").struct.rename_fields(["user_id", "item_id"])
    asked = owner.struct.unnest().with_columns(fields.list.slice(1).alias("negatives"))
    if asked["user_id"].null_count():
        raise BadData(f"{wanted[2]} has lines that do not begin with (user,item); get the file again")
    in_time = learned.sort(pl.col("time").cast(pl.Int64, strict=False), maintain_order=True)
    return pl.concat([one.select("user_id", "item_id") for one in (in_time, tested)]), asked


def _plays(found: pl.DataFrame) -> pl.DataFrame:
    position = pl.int_range(pl.len()).over("user_id")
    return found.with_columns(
        pl.format("{}-{}", "user_id", position).alias("event_id"),
        pl.lit("play").alias("kind"),
        position.alias("timestamp"),
        pl.lit(1.0).alias("value"),
    )


def _catalog(path: Path, clean: pl.DataFrame, asked: pl.DataFrame | None) -> Catalog:
    """The titles that occur or are asked about, by number and then by name, with what `movies.dat` says of them."""
    occurring = [clean["item_id"]] + ([] if asked is None else [_candidates(asked).explode()])
    ids = pl.concat(occurring).unique().to_frame()
    ids = ids.sort(pl.col("item_id").cast(pl.Int64, strict=False), "item_id")
    if any(path.glob(f"*{ATTRIBUTES}")):
        return Catalog.from_frame(ids.join(_attributes(path), on="item_id", how="left", maintain_order="left"))
    if not (path / "movies.dat").is_file() or any(path.glob("*.train.rating")):  # NCF's ids are of its own
        return Catalog.from_frame(ids)
    text = Files.of(path).text("movies.dat").replace("::", "\x1f")
    known = readable_titles(table(text, "movies.dat", "\x1f", ["item", "name", "genres"]))
    return Catalog.from_frame(ids.join(known, on="item_id", how="left", maintain_order="left"))


def _attributes(path: Path) -> pl.DataFrame:
    """item_id and tags, of S3-Rec's `*2attributes.json`: an object of item_id -> list of numbers or names."""
    (name, *_) = Files.of(path).ending(ATTRIBUTES)
    try:
        told = json.loads(Files.of(path).text(name))
        tags = [[str(one) for one in attributes] for attributes in told.values()]
    except (ValueError, AttributeError, TypeError) as error:
        raise BadData(f"{name} is no object of lists: {error!s:.200}; give item_id -> attributes") from error
    return pl.DataFrame({"item_id": list(told), "tags": tags}, {"item_id": pl.String, "tags": pl.List(pl.String)})


def _candidates(asked: pl.DataFrame) -> pl.Series:
    """The titles to choose from in each question, as text."""
    every = pl.concat_list(pl.col("negatives").cast(pl.List(pl.String)), pl.col("item_id").cast(pl.String))
    return asked.select(every.list.unique(maintain_order=True).alias("item_id"))["item_id"]


def _questions(asked: pl.DataFrame, catalog: Catalog) -> Questions:
    lists = _candidates(asked)
    ends = np.cumsum(lists.list.len().to_numpy(), dtype=np.int64)
    return Questions(
        asked["user_id"].cast(pl.String).to_list(),
        asked["item_id"].cast(pl.String).to_list(),
        Ragged(np.append(0, ends), catalog.indexes_of(lists.explode())),
    )

"""Ratings that are missing not at random: what members chose to rate, and beside it what chance had them rate.

    *train*.ascii, *test*.ascii     a line a member, a number a title, 0 where there is no rating (Coat)
    *train*.txt, *test*.txt         a line a rating: member, title, stars (Yahoo! R3); .csv and .tsv too

A folder or zip with one of each. Numbers are separated by blanks, tabs or commas.
(Schnabel et al. 2016; Marlin and Zemel 2009.)
"""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from matinee import events
from matinee.catalog import Catalog
from matinee.data.dataset import Column, Dataset, Use, profiles_of
from matinee.data.sources.bounds import MAX_BYTES
from matinee.data.sources.files import Files
from matinee.errors import BadData
from matinee.events import Rejections
from matinee.maths.arrays import Int32s
from matinee.maths.rating_factors import Ratings

SUFFIXES = (".ascii", ".txt", ".csv", ".tsv")
COLUMNS = ["user_id", "item_id", "stars"]
LICENCE = "not stated; Yahoo! R3 may not be passed on"
NOTE = "ratings that chance asked for are the test, and stand in no log"
_NO_RATING, _AGAIN = "without a finite number of at least 0", "rating a title again"


@dataclass(frozen=True)
class Pair:
    """What members chose to rate, and what chance had them rate; of the same members and titles."""

    name: str
    chosen: Ratings
    at_random: Ratings
    user_ids: list[str]
    item_ids: list[str]
    rejections: Rejections

    def describe(self) -> str:
        """Sizes, for the terminal."""
        members, titles = self.chosen.shape
        sizes = f"{members:,} members, {titles:,} titles, {len(self.chosen.values):,} ratings that members chose"
        means = f"mean {self.chosen.values.mean():.3f}, where chance chose {self.at_random.values.mean():.3f}"
        return f"{self.name}: {sizes}, {len(self.at_random.values):,} at random\n  {means}\n  {self.rejections}"


def read(path: str | Path, max_bytes: int = MAX_BYTES) -> Dataset:
    """The ratings that members chose, each a share of the best of both files; not `timed`.

    Raises `BadData` where there is no such pair of files, or one of them cannot be read.
    """
    pair = read_pair(path, max_bytes)
    users = pl.Series("user_id", pair.user_ids, pl.String).gather(pair.chosen.members)
    items = pl.Series("item_id", pair.item_ids, pl.String).gather(pair.chosen.titles)
    best = max(pair.chosen.values.max(), pair.at_random.values.max())
    frame = pl.DataFrame([users, items, pl.Series("value", pair.chosen.values / best)])
    told, _ = events.clean(
        frame.select(
            pl.format("{}-{}", "user_id", "item_id").alias("event_id"),
            pl.all(),
            pl.lit("rating").alias("kind"),
            pl.lit(0).alias("timestamp"),
        )
    )
    return Dataset(
        name=pair.name,
        licence=LICENCE,
        catalog=Catalog.from_frame(pl.DataFrame({"item_id": pair.item_ids})),
        profiles=profiles_of(told),
        events=told,
        rejections=pair.rejections,
        notes=(NOTE,),
        columns=tuple(Column("train", name, Use.READ) for name in COLUMNS),
        timed=False,
    )


def read_pair(path: str | Path, max_bytes: int = MAX_BYTES) -> Pair:
    """Both files of a folder or zip. Raises `BadData` as `read` does."""
    path = Path(path)
    files = Files.of(path, max_bytes)
    train, test = (_told(files, name) for name in _names(files, path))
    users = _by_number(pl.concat([train.users, test.users]).unique().sort())
    items = _by_number(pl.concat([train.items, test.items]).unique().sort())
    chosen, at_random = (_ratings(one.frame, users, items) for one in (train, test))
    rejected = train.rejections + test.rejections
    for which, ratings in (("train", chosen), ("test", at_random)):
        if not len(ratings.values):
            raise BadData(f"{path} holds no readable rating in its {which} file; {rejected}; get the files again")
    return Pair(path.stem, chosen, at_random, users.to_list(), items.to_list(), rejected)


def holds(path: Path) -> bool:
    """Whether this is a folder or zip with such a pair, as Coat or Yahoo! R3 name theirs."""
    if not (path.is_dir() or path.suffix == ".zip"):
        return False
    found = [_called(Files.of(path), which) for which in ("train", "test")]
    published = all(
        name.endswith(".ascii") or name.startswith("ydata-ymusic-rating") for some in found for name in some
    )
    return published and [len(some) for some in found] == [1, 1]


def _called(files: Files, which: str) -> list[str]:
    return [name for name in sorted(files.places) if name.endswith(SUFFIXES) and which in name.lower()]


def _names(files: Files, path: Path) -> tuple[str, str]:
    train, test = (_called(files, which) for which in ("train", "test"))
    if len(train) != 1 or len(test) != 1:
        raise BadData(
            f"{path} holds {train or 'no file'} to train on and {test or 'no file'} to test on; give a folder with one "
            f"file whose name says train, one whose name says test, ending in {', '.join(SUFFIXES)}"
        )
    return train[0], test[0]


class _Told(NamedTuple):
    """user_id, item_id and stars of a file, the ids that it knows, and what was not taken."""

    frame: pl.DataFrame
    users: pl.Series
    items: pl.Series
    rejections: Rejections


def _told(files: Files, name: str) -> _Told:
    text = files.text(name).replace(",", " ")
    cells = text.partition("\n")[0].split()
    if len(cells) < 3:
        raise BadData(
            f"{name} begins with {' '.join(cells)[:40]!r}; give a matrix of stars, or member, title and stars"
        )
    return _triplets(text, name) if len(cells) == 3 else _dense(text, name)


def _dense(text: str, name: str) -> _Told:
    try:
        matrix = np.loadtxt(StringIO(text), comments=None, ndmin=2)
    except ValueError as error:
        raise BadData(f"{name} is no matrix of numbers: {error}; get the file again") from error
    good = np.isfinite(matrix) & (matrix >= 0)
    members, titles = np.nonzero(good & (matrix > 0))
    found = {"user_id": members, "item_id": titles, "stars": matrix[members, titles]}
    wrong = [f"line {row + 1}, place {column + 1}" for row, column in np.argwhere(~good)]
    frame = pl.DataFrame(found).with_columns(pl.col(COLUMNS[:2]).cast(pl.String))
    users, items = (pl.Series(np.arange(n)).cast(pl.String) for n in matrix.shape)
    return _Told(frame, users, items, _rejected({_NO_RATING: wrong}))


def _triplets(text: str, name: str) -> _Told:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    wrong = [str(at + 1) for at, line in enumerate(lines) if len(line) != 3]
    if wrong:
        raise BadData(f"{name} has no member, title and stars on line {wrong[0]}; get the file again")
    frame = pl.DataFrame(lines, COLUMNS, orient="row").with_row_index("line", 1)
    frame = frame.with_columns(pl.col("stars").cast(pl.Float64, strict=False))
    good = (pl.col("stars").is_finite() & (pl.col("stars") >= 0)).fill_null(False)
    again = good & ~pl.struct("user_id", "item_id", good.alias("good")).is_first_distinct()
    heading = pl.col("line") == 1  # names of columns, where it holds no rating
    bad = {_NO_RATING: frame.filter(~good & ~heading), _AGAIN: frame.filter(again)}
    named = {reason: [f"line {at}" for at in rows["line"]] for reason, rows in bad.items()}
    taken = frame.filter(good & ~again).drop("line")
    return _Told(taken, taken["user_id"], taken["item_id"], _rejected(named))


def _rejected(bad: dict[str, list[str]]) -> Rejections:
    some = {reason: lines for reason, lines in bad.items() if lines}
    return Rejections({one: len(lines) for one, lines in some.items()}, {one: tuple(some[one][:3]) for one in some})


def _by_number(ids: pl.Series) -> pl.Series:
    """Ids in the order of their numbers where all are numbers, else of their letters."""
    numbers = ids.cast(pl.Int64, strict=False)
    return ids if numbers.null_count() else ids.gather(numbers.arg_sort())


def _ratings(frame: pl.DataFrame, users: pl.Series, items: pl.Series) -> Ratings:
    return Ratings(
        _places(frame["user_id"], users),
        _places(frame["item_id"], items),
        frame["stars"].to_numpy(),
        (len(users), len(items)),
    )


def _places(ids: pl.Series, known: pl.Series) -> Int32s:
    return ids.replace_strict(known, np.arange(len(known)), return_dtype=pl.Int32).to_numpy()

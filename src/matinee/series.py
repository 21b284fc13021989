"""Series: the episodes of series, a table beside the titles. A series is one title, for which its episodes speak."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from matinee.errors import BadData
from matinee.maths.arrays import Int32s, Int64s
from matinee.maths.ragged import offsets_of

TIME = pl.Datetime("us", "UTC")
SCHEMA: Mapping[str, pl.DataType] = {
    "item_id": pl.String(),
    "series_id": pl.String(),  # item_id of the series
    "season": pl.Int32(),
    "episode": pl.Int32(),  # its number in the season
    "name": pl.String(),
    "minutes": pl.Int32(),
    "added": TIME,  # from when on it may be played; null = always
}
ALWAYS = np.iinfo(np.int64).min


def misfits(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    """What is wrong with a row of episodes -> where it is so; `frame` holds at least the ids and the numbers."""
    item, series = pl.col("item_id").fill_null(""), pl.col("series_id").fill_null("")
    unnumbered = pl.any_horizontal(pl.col("season", "episode").is_null() | (pl.col("season", "episode") < 0))
    place = pl.struct("series_id", "season", "episode")
    return {
        "episodes without an item_id": item == "",
        "episodes without a series": series == "",
        "episodes without a season and a number": unnumbered,
        "episodes of an episode": series.is_in(frame["item_id"].drop_nulls().implode()),
        "episodes repeating an item_id": ~pl.col("item_id").is_first_distinct(),
        "episodes repeating the season and number of another": ~place.is_first_distinct(),
    }


@dataclass(frozen=True, repr=False)
class Series:
    """All episodes ever known. Row `e` of `frame` (`SCHEMA`) is the episode with index `e`, today and for ever."""

    frame: pl.DataFrame

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        return f"Series({len(self):,} episodes)"

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Series:
        """Bring a frame to `SCHEMA`; `name`, `minutes` and `added` are optional. Raises `BadData` on a bad row."""
        missing = [name for name in ("item_id", "series_id", "season", "episode") if name not in frame.columns]
        if missing:
            raise BadData(f"episodes lack the column(s) {missing}; the frame has {frame.columns[:20]}; add them")
        present = [name in frame.columns for name in SCHEMA]
        columns = [
            (pl.col(name) if there else pl.lit(None)).cast(kind).alias(name)
            for (name, kind), there in zip(SCHEMA.items(), present, strict=True)
        ]
        try:
            whole = frame.select(columns) if frame.height else pl.DataFrame(schema=SCHEMA)
        except pl.exceptions.PolarsError as error:
            raise BadData(f"the episodes have a column of the wrong type: {error}") from error
        for problem, where in misfits(whole).items():
            if (bad := whole.filter(where)).height:
                raise BadData(f"{bad.height:,} {problem}, first {bad.row(0)[:4]}; correct or leave out")
        return cls(whole)

    def put(self, told: Iterable[Mapping[str, Any]]) -> Series:
        """The table with what is `told` of episodes (columns of `SCHEMA`, others stay): known ones keep their index."""
        rows = {row["item_id"]: row for row in self.frame.iter_rows(named=True)}
        for one in told:
            rows[one["item_id"]] = {**rows.get(one["item_id"], {}), **one}
        return Series.from_frame(pl.DataFrame(list(rows.values()), SCHEMA))

    def grown(self, new: Series) -> Series:
        """The table with all of `new`: known episodes are as `new` says and keep their index, others follow."""
        known = pl.col("item_id").is_in(self.frame["item_id"].implode())
        kept = self.frame.update(new.frame, on="item_id", include_nulls=True)
        return Series.from_frame(pl.concat([kept, new.frame.filter(~known)]))


@dataclass(frozen=True)
class Guide:
    """The episodes of a catalogue as arrays along their index, and each series' in the order to watch them.

    `titles` (episodes,) the dense title of the series, -1 where the catalogue lacks it; `seasons`, `numbers`;
    `added` microseconds since 1970, `ALWAYS` where unsaid. Title `t` owns `order[offsets[t]:offsets[t + 1]]`, by season
    and number; `places` (episodes,) says where in `order` an episode stands.
    """

    titles: Int32s
    seasons: Int32s
    numbers: Int32s
    added: Int64s
    offsets: Int64s
    order: Int32s
    places: Int64s

    @classmethod
    def of(cls, series: Series, titles: Int32s, n_titles: int) -> Guide:
        """The guide to `series`, whose episodes are of these dense `titles` (episodes,)."""
        frame = series.frame
        seasons, numbers = frame["season"].to_numpy(), frame["episode"].to_numpy()
        order = np.lexsort((numbers, seasons, titles)).astype(np.int32)
        order = order[titles[order] >= 0]
        places = np.full(len(titles), -1, np.int64)
        places[order] = np.arange(len(order))
        counts = np.bincount(titles[order], minlength=n_titles)
        added = frame["added"].cast(pl.Int64).fill_null(ALWAYS).to_numpy()
        return cls(titles, seasons, numbers, added, offsets_of(counts), order, places)

    @cached_property
    def n_episodes(self) -> Int64s:
        """(titles,) how many episodes each title has; 0 for what is no series."""
        return np.diff(self.offsets)

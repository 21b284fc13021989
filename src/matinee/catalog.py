"""The catalogue: titles with a stable dense index, and the arrays that eligibility, rows and evidence read."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.errors import BadData
from matinee.files import require_file, write_whole
from matinee.maths.ragged import Ragged, transpose
from matinee.series import SCHEMA as EPISODE_SCHEMA
from matinee.series import Guide, Series
from matinee.situation import country_code

TIME = pl.Datetime("us", "UTC")
NAMES = pl.List(pl.String())
SCHEMA: Mapping[str, pl.DataType] = {
    "item_id": pl.String(),
    "title": pl.String(),
    "other_names": NAMES,  # in other languages, before it was renamed, ...; it is found by each
    "kind": pl.String(),
    "genres": NAMES,
    "people": NAMES,
    "tags": NAMES,
    "text": pl.String(),
    "maturity": pl.Int16(),  # minimum age; null = unknown
    "languages": NAMES,  # spoken or subtitled; empty = unknown
    "countries": NAMES,  # where it may be shown; empty = everywhere
    "released": TIME,
    "available_from": TIME,
    "available_until": TIME,
    "minutes": pl.Int32(),
    "image_url": pl.String(),
    "artworks": NAMES,  # addresses of wide pictures to choose among; empty: it is drawn in `DRAWN` ways
    "closed": pl.Boolean(),
}

VECTOR_PREFIX = "vectors."  # begins the names of the columns in which a saved catalogue holds vectors
EPISODES = "episodes"  # the column in which a saved catalogue holds the episodes of each title, each with its place
Vectors = Mapping[str, NDArray[np.float32]]  # name -> (titles, dimensions), rows of zeros where unknown

MOST_TITLES = 20_000_000  # a few bytes of Parquet can say that they hold any number
FOREVER = np.iinfo(np.int64).max
UNRATED = -1
DRAWN = 3  # ways to draw a title that brings no pictures


@dataclass(frozen=True)
class NameSets:
    """Lists of names grouped by equal sets, so that a rule on names is decided once per set, not once per title.

    `of_title` (titles,): each title's set; `members`: set -> name numbers; `number`: `folded` name -> its number.
    """

    of_title: NDArray[np.int32]
    members: Ragged
    number: dict[str, int]

    @classmethod
    def of(cls, lists: Sequence[Sequence[str]]) -> NameSets:
        """Group the name lists of all titles."""
        sets: dict[frozenset[str], int] = {}
        number: dict[str, int] = {}
        of_title = np.fromiter((sets.setdefault(frozenset(one), len(sets)) for one in lists), np.int32, len(lists))
        members = Ragged.of([[number.setdefault(folded(name), len(number)) for name in sorted(one)] for one in sets])
        return cls(of_title, members, number)

    @cached_property
    def empty(self) -> NDArray[np.bool_]:
        """Which sets have no name, (sets,)."""
        return np.asarray(np.diff(self.members.offsets) == 0)

    def touching(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Which sets have at least one of `names`, however they are spelt, (sets,)."""
        known = [self.number[name] for name in map(folded, names) if name in self.number]
        if not known:
            return np.zeros(len(self.members), np.bool_)
        hit = np.zeros(len(self.number) + 1, np.int64)
        hit[known] = 1
        running = np.append(0, np.cumsum(hit[self.members.values])).astype(np.int64)
        return np.asarray(running[self.members.offsets[1:]] > running[self.members.offsets[:-1]])


@dataclass(frozen=True, repr=False, eq=False)
class Catalog:
    """All titles ever known. Row `i` of `titles` is the title with dense index `i`, today and for ever.

    New titles are appended, removed ones are closed, so an array indexed by title keeps its meaning.
    `unrated_age` is the age assumed for titles without a maturity rating; None (the default) means that
    a profile with a limit never sees them. `vectors`: what models of images, sound, video or text see in the titles;
    they are content, as genres are, to every scorer that reads content. See `with_vectors`. `series`: the episodes of
    the titles that are series. `version` counts how often what was known of its titles changed; new titles alone
    change nothing, see `Catalog.first`.
    """

    titles: pl.DataFrame
    unrated_age: int | None = None
    vectors: Vectors = field(default_factory=dict)
    series: Series = field(default_factory=lambda: Series(pl.DataFrame(schema=EPISODE_SCHEMA)))
    version: int = 0

    @classmethod
    def from_frame(cls, frame: pl.DataFrame, unrated_age: int | None = None) -> Catalog:
        """Bring a frame with at least `item_id` to `SCHEMA`; other columns of the schema are optional.

        Raises `BadData` on a missing, empty or repeated `item_id`, a column of a type that cannot be read, or a country
        that is no two-letter code.
        """
        if "item_id" not in frame.columns:
            raise BadData(
                f"a catalogue needs the column 'item_id'; this frame has {frame.columns[:20]}; rename or map it"
            )
        try:
            titles = frame.select([_column(name, dtype, frame.columns) for name, dtype in SCHEMA.items()])
        except pl.exceptions.PolarsError as error:
            raise BadData(f"the catalogue has a column of the wrong type: {error}") from error
        if titles["item_id"].fill_null("").eq("").any():
            raise BadData("the catalogue has a title without an item_id; give every title one")
        repeated = titles.filter(pl.col("item_id").is_duplicated())["item_id"]
        if len(repeated):
            raise BadData(
                f"the catalogue repeats item_id {repeated[0]!r} ({repeated.n_unique():,} such ids); keep one row each"
            )
        return cls(titles.with_columns(_country_codes(titles)), unrated_age)

    def __len__(self) -> int:
        return self.titles.height

    def __repr__(self) -> str:
        return f"Catalog({len(self):,} titles)"

    def append(self, frame: pl.DataFrame) -> Catalog:
        """The catalogue with new titles at the end, without vectors. Known ids are refused: an index never changes."""
        new = Catalog.from_frame(frame).titles
        vectors = {name: np.pad(one, ((0, new.height), (0, 0))) for name, one in self.vectors.items()}
        return replace(self, titles=Catalog.from_frame(pl.concat([self.titles, new])).titles, vectors=vectors)

    def put(self, told: Iterable[Mapping[str, Any]]) -> Catalog:
        """The catalogue with what is `told` of titles: their `item_id` and any columns of `SCHEMA`, others stay; and of
        episodes, which name their `series_id`: columns of `series.SCHEMA`.

        Known titles keep their index, new ones come at the end. Raises `BadData` as `from_frame` and `with_series` do.
        """
        everything = list(told)
        told = [one for one in everything if "series_id" not in one]
        episodes = [one for one in everything if "series_id" in one]
        known = self.titles[sorted({self.index[one["item_id"]] for one in told if one["item_id"] in self.index})]
        rows = {row["item_id"]: row for row in known.iter_rows(named=True)}
        for one in told:
            rows[one["item_id"]] = {**rows.get(one["item_id"], {}), **one}
        put = Catalog.from_frame(pl.DataFrame(list(rows.values()), SCHEMA)).titles
        titles = self.titles.update(put, on="item_id", include_nulls=True)
        grown = replace(self, titles=titles).append(put.slice(known.height))
        return grown.with_series(self.series.put(episodes)) if episodes or len(self.series) else grown

    def with_series(self, series: Series) -> Catalog:
        """The catalogue with these episodes. Raises `BadData` where one has the id of a title or of no title's series.

        Their indexes never change either: give all that were known, new ones at the end.
        """
        ids, parents = (series.frame[name] for name in ("item_id", "series_id"))
        taken, strange = ids.filter(self.indexes_of(ids) >= 0), parents.filter(self.indexes_of(parents) < 0)
        if len(taken):
            raise BadData(f"{len(taken):,} episodes have the item_id of a title, first {taken[0]!r}; give each its own")
        if len(strange):
            raise BadData(f"{len(strange):,} episodes are of no known title, first of {strange[0]!r}; add the series")
        return replace(self, series=series)

    def take(self, items: NDArray[np.int32]) -> Catalog:
        """A catalogue of these titles alone, in this order."""
        return replace(
            self, titles=self.titles[items], vectors={name: one[items] for name, one in self.vectors.items()}
        )

    def first(self, n: int) -> Catalog:
        """The catalogue when it had `n` titles; as it is where it has no more."""
        return self if n >= len(self) else self.take(np.arange(n, dtype=np.int32))

    def otherwise(self, later: Catalog) -> Catalog:
        """Those of its titles of which `later`, which begins with the same ones, says something else."""
        now = later.titles.head(len(self))
        differs = pl.any_horizontal(self.titles[name].ne_missing(now[name]) for name in SCHEMA)
        return self.take(np.flatnonzero(self.titles.select(differs).to_series()).astype(np.int32))

    def with_vectors(self, vectors: Vectors) -> Catalog:
        """The catalogue with these vectors too: name -> (titles, dimensions), zeros where nothing is known of a title.

        Vectors of a name that it has are replaced. Raises `BadData` on other shapes and on numbers that are not finite.
        """
        given = {name: np.asarray(one, np.float32) for name, one in vectors.items()}
        for name, one in given.items():
            if one.ndim != 2 or len(one) != len(self) or not one.shape[1] or not np.isfinite(one).all():
                raise BadData(
                    f"the vectors {name!r} have the shape {one.shape} for {len(self):,} titles, or numbers that are "
                    "not finite; give one finite row a title, zeros where unknown"
                )
        return replace(self, vectors={**self.vectors, **given})

    def close(self, item_ids: Sequence[str]) -> Catalog:
        """The catalogue with these titles never to be shown again; their indexes stay taken."""
        unknown = [item for item in item_ids if item not in self.index]
        if unknown:
            raise BadData(f"cannot close unknown title(s) {unknown[:5]}; check the item_id")
        closed = pl.col("closed") | pl.col("item_id").is_in(list(item_ids))
        return replace(self, titles=self.titles.with_columns(closed.alias("closed")))

    @property
    def versioned(self) -> tuple[str, ...]:
        """What a policy's digest takes in of the catalogue: its version; the first goes without saying."""
        return (f"catalog {self.version}",) if self.version else ()

    @cached_property
    def index(self) -> dict[str, int]:
        """item_id -> dense index."""
        return {item: i for i, item in enumerate(self.titles["item_id"].to_list())}

    def titles_named(self, item_id: str) -> list[int]:
        """The dense index of a title; where no title has this very id, of those whose id differs in spelling alone."""
        found = self.index.get(item_id)
        return self._by_folded_id.get(folded(item_id), []) if found is None else [found]

    @cached_property
    def _by_folded_id(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for item_id, item in self.index.items():
            found.setdefault(folded(item_id), []).append(item)
        return found

    @cached_property
    def item_ids(self) -> list[str]:
        """Dense index -> item_id."""
        return self.titles["item_id"].to_list()

    @cached_property
    def names(self) -> list[str]:
        """Dense index -> the name a person reads."""
        return self.titles.select(pl.coalesce("title", "item_id")).to_series().to_list()

    def name_of(self, item_id: str) -> str:
        """The name that a person reads of one title; its id where it is not known."""
        return self.names[self.index[item_id]] if item_id in self.index else item_id

    def indexes_of(self, item_ids: pl.Series) -> NDArray[np.int32]:
        """Dense indexes of a column of ids, -1 where unknown."""
        if len(item_ids) < len(self) // 8:  # looking up a few costs less than hashing all titles again
            return np.array([self.index.get(item, -1) for item in item_ids.cast(pl.String)], np.int32)
        known = pl.DataFrame({"item_id": self.titles["item_id"]}).with_row_index("item")
        found = pl.DataFrame({"item_id": item_ids.cast(pl.String)}).join(
            known, on="item_id", how="left", maintain_order="left"
        )
        return found["item"].cast(pl.Int32).fill_null(-1).to_numpy()

    @cached_property
    def speaks_for(self) -> dict[str, int]:
        """The id of a title or episode -> the dense title that its events speak for: a series for its episodes."""
        return {**self._episode_titles, **self.index} if len(self.series) else self.index

    @cached_property
    def _episode_titles(self) -> dict[str, int]:
        titles = zip(self.series.frame["item_id"].to_list(), self.guide.titles.tolist(), strict=True)
        return {item_id: title for item_id, title in titles if title >= 0}

    @cached_property
    def episode_index(self) -> dict[str, int]:
        """The item_id of an episode -> its index."""
        return {item_id: e for e, item_id in enumerate(self.series.frame["item_id"].to_list())}

    @cached_property
    def guide(self) -> Guide:
        """The episodes as arrays, and in the order to watch them."""
        return Guide.of(self.series, self.indexes_of(self.series.frame["series_id"]), len(self))

    def spoken_for(self, item_ids: pl.Series) -> NDArray[np.int32]:
        """Dense indexes of the titles that events of these ids speak for, -1 where unknown: a series for an episode."""
        titles = self.indexes_of(item_ids)
        if not len(self.series):
            return titles
        episodes = self.episodes_of(item_ids)
        return np.where(episodes >= 0, np.append(self.guide.titles, np.int32(-1))[episodes], titles)

    def episodes_of(self, item_ids: pl.Series) -> NDArray[np.int32]:
        """Indexes of the episodes that these ids name, -1 for what is none."""
        if not len(self.series):
            return np.full(len(item_ids), -1, np.int32)
        return item_ids.replace_strict(self.episode_index, default=-1, return_dtype=pl.Int32).to_numpy()

    @cached_property
    def genres(self) -> tuple[str, ...]:
        """The genre vocabulary, sorted; position = genre number."""
        return self._vocabulary("genres")

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The tag vocabulary, sorted; position = tag number."""
        return self._vocabulary("tags")

    @cached_property
    def people(self) -> tuple[str, ...]:
        """The people of all titles, sorted; position = person number."""
        return self._vocabulary("people")

    @cached_property
    def title_people(self) -> Ragged:
        """Title -> its person numbers, in its own order."""
        return self._numbers("people", self.people)

    @cached_property
    def title_genres(self) -> Ragged:
        """Title -> its genre numbers."""
        return self._numbers("genres", self.genres)

    @cached_property
    def title_tags(self) -> Ragged:
        """Title -> its tag numbers."""
        return self._numbers("tags", self.tags)

    @cached_property
    def genre_titles(self) -> Ragged:
        """Genre number -> its titles."""
        return transpose(self.title_genres, len(self.genres))

    @cached_property
    def artworks(self) -> list[tuple[str, ...]]:
        """Dense index -> what its pictures are called: their addresses, or the ways in which it is drawn."""
        drawn = tuple(f"drawn {way}" for way in range(DRAWN))
        return [tuple(own) if own else drawn for own in self.titles["artworks"].to_list()]

    @cached_property
    def maturity(self) -> NDArray[np.int16]:
        """Minimum age per title; `UNRATED` (-1) where neither the title nor the catalogue says one."""
        fallback = UNRATED if self.unrated_age is None else self.unrated_age
        return self.titles["maturity"].fill_null(fallback).to_numpy().astype(np.int16)

    @cached_property
    def available(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and one-past-last microsecond (since 1970, UTC) at which each title may be shown."""
        start = self.titles["available_from"].cast(pl.Int64).fill_null(np.iinfo(np.int64).min).to_numpy()
        end = self.titles["available_until"].cast(pl.Int64).fill_null(FOREVER).to_numpy()
        return start, np.where(self.titles["closed"].to_numpy(), start, end)

    @cached_property
    def changes(self) -> NDArray[np.int64]:
        """The moments, ascending, at which the availability of some title changes."""
        return np.unique(np.concatenate(self.available))

    @cached_property
    def arrived(self) -> NDArray[np.int64]:
        """Microsecond at which each title became new: its availability, else its release; least int64 if unknown."""
        return (
            self.titles.select(pl.coalesce("available_from", "released").cast(pl.Int64))
            .to_series()
            .fill_null(np.iinfo(np.int64).min)
            .to_numpy()
        )

    def sets_of(self, column: str) -> NameSets:
        """Titles grouped by equal sets of names in a column of lists, such as `genres` or `languages`; made once."""
        if column not in self._sets:
            self._sets[column] = NameSets.of(self.titles[column].to_list())
        return self._sets[column]

    @cached_property
    def _sets(self) -> dict[str, NameSets]:
        return {}

    def names_in(self, column: str) -> tuple[str, ...]:
        """Every name in `genres`, `languages` or `countries`, sorted."""
        return self._vocabulary(column)

    def _vocabulary(self, column: str) -> tuple[str, ...]:
        return tuple(self.titles[column].explode().drop_nulls().unique().sort().to_list())

    def _numbers(self, column: str, vocabulary: tuple[str, ...]) -> Ragged:
        number = {name: k for k, name in enumerate(vocabulary)}
        return Ragged.of([[number[name] for name in names] for names in self.titles[column].to_list()])

    def save(self, path: str | Path) -> None:
        """Write the catalogue as one Parquet file, whole or not at all; its metadata hold all else but titles."""
        age = "" if self.unrated_age is None else str(self.unrated_age)
        told = {"unrated_age": age, "version": str(self.version)}
        columns = [
            pl.Series(VECTOR_PREFIX + name, one, pl.Array(pl.Float32, one.shape[1]))
            for name, one in self.vectors.items()
        ]
        whole = self.titles.with_columns(columns)
        if len(self.series):
            whole = whole.join(self._nested_series(), on="item_id", how="left", maintain_order="left")
        write_whole(Path(path), lambda draft: whole.write_parquet(draft, metadata=told))

    def _nested_series(self) -> pl.DataFrame:
        """The episodes, those of each title as one list."""
        each = self.series.frame.with_row_index("place")
        told = pl.struct("place", *(name for name in EPISODE_SCHEMA if name != "series_id")).alias(EPISODES)
        return each.select(pl.col("series_id").alias("item_id"), told).group_by("item_id").agg(EPISODES)

    @classmethod
    def load(cls, path: str | Path) -> Catalog:
        """Read what `save` wrote. Raises `BadData` where it cannot be read or says that it holds too many titles."""
        path = Path(path)
        if (rows := saved_titles(path)) > MOST_TITLES:
            raise BadData(f"{path} holds {rows:,} titles and at most {MOST_TITLES:,} are read; split the catalogue")
        with _reading(path):
            told = pl.read_parquet_metadata(path)
            frame = pl.read_parquet(path, glob=False)
        names = [
            name for name, kind in frame.schema.items() if name.startswith(VECTOR_PREFIX) and isinstance(kind, pl.Array)
        ]
        vectors = {name.removeprefix(VECTOR_PREFIX): frame[name].to_numpy() for name in names}
        age, version = told.get("unrated_age", ""), int(told.get("version", 0))
        titles = cls.from_frame(frame, int(age) if age else None).with_vectors(vectors)
        catalog = replace(titles, version=version)
        return catalog.with_series(_series_in(frame)) if EPISODES in frame.columns else catalog


def saved_titles(path: Path) -> int:
    """How many titles `Catalog.save` wrote, without reading them."""
    with _reading(path):
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        require_file(path)
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadData(f"cannot read the catalogue {path}: {error}; run `matinee data` again") from error


def _series_in(frame: pl.DataFrame) -> Series:
    """The episodes that a saved catalogue holds, in their order."""
    told = frame.select(pl.col("item_id").alias("series_id"), EPISODES).explode(EPISODES).drop_nulls(EPISODES)
    return Series.from_frame(told.unnest(EPISODES).sort("place"))


def folded(name: str) -> str:
    """What two spellings of one name share: no case, no surrounding blanks, one form of each letter."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _country_codes(titles: pl.DataFrame) -> pl.Series:
    """The column of countries as codes in capitals; a word for a country would hide its title from everybody."""
    written = titles["countries"].explode().drop_nulls().unique()
    codes = {name: name.strip().upper() for name in written.to_list()}
    wrong = sorted(name for name, code in codes.items() if not country_code(code))
    if wrong:
        raise BadData(
            f"{len(wrong):,} countries of the catalogue are no two-letter codes: {wrong[:3]}; `countries` says where a "
            "title may be shown, as codes such as DK; leave the column out where it says something else"
        )
    return titles["countries"].list.eval(pl.element().replace(codes)).list.unique(maintain_order=True)


def _column(name: str, dtype: pl.DataType, present: Sequence[str]) -> pl.Expr:
    """Column `name` cast to `dtype`, or its empty value where the frame lacks it."""
    found = pl.col(name).cast(dtype) if name in present else pl.lit(None, dtype)
    if dtype == NAMES:
        found = found.list.drop_nulls().list.unique(maintain_order=True).fill_null([])
    if dtype == pl.Boolean:
        found = found.fill_null(False)
    return found.alias(name)

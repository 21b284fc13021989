"""A data set: what every source turns into."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import polars as pl

from matinee.catalog import Catalog
from matinee.data.units import Units
from matinee.events import Rejections
from matinee.maths.ragged import Ragged
from matinee.profile import Profile

UNKNOWN_TITLE = "about a title that is not in the catalogue"


class Use(StrEnum):
    """What became of a column: its values were taken, its meaning is known but says nothing here, or neither."""

    READ = "read"
    UNDERSTOOD = "understood"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file by its name there, what became of it, and as what, or why."""

    file: str
    name: str
    use: Use
    meaning: str = ""


def columns_of(file: str, present: Sequence[str], read: Mapping[str, str]) -> tuple[Column, ...]:
    """What became of the columns of a file: those of `read` (theirs to ours) are read, the others ignored."""
    uses = ((name, Use.READ if name in read else Use.IGNORED) for name in present)
    return tuple(Column(file, name, use, read.get(name, "")) for name, use in uses)


def columns_of_layout(present: Container[str], layout: Mapping[str, tuple[str, str]]) -> tuple[Column, ...]:
    """What becomes of the columns of those files of a published layout that are `present`.

    `layout`: file -> the columns that are read and those that are ignored, each separated by blanks.
    """
    return tuple(
        Column(file, name, use)
        for file, both in layout.items()
        if file in present
        for use, names in zip((Use.READ, Use.IGNORED), both, strict=True)
        for name in names.split()
    )


@dataclass(frozen=True)
class Questions:
    """Test questions published with a data set: which of `candidates` did the member turn to next?

    One per entry of `user_ids`: `answers` the `item_id` that is right, `candidates` the dense titles to choose from,
    the right one among them.
    """

    user_ids: list[str]
    answers: list[str]
    candidates: Ragged


@dataclass(frozen=True, repr=False)
class Dataset:
    """One real thing as a catalogue, the members' profiles and their events (`events.SCHEMA`, canonical order).

    `licence` says what may be done with the data, `notes` what a reader of results should know about it. `timed` is
    False where the times only count positions, so that hours, weekdays and ages mean nothing. `strangers` are good
    events about titles that the source does not describe, as `only_known_titles` gives them: they count as rejected
    until a catalogue that knows the titles takes them. `columns` says of each column of each file what became of it,
    `units` how the file's numbers were understood.
    Ids are text inside; `numeric_ids` names those ("user_id", "item_id") that came as whole numbers, and `pandas` says
    that all came in a frame of pandas, so that answers can be given back as the question was put.
    """

    name: str
    licence: str
    catalog: Catalog
    profiles: dict[str, Profile]
    events: pl.DataFrame
    rejections: Rejections = field(default_factory=Rejections)
    notes: tuple[str, ...] = ()
    timed: bool = True
    questions: Questions | None = None
    strangers: pl.DataFrame | None = None
    columns: tuple[Column, ...] = ()
    units: Units = Units()
    numeric_ids: frozenset[str] = frozenset()
    pandas: bool = False

    def __repr__(self) -> str:
        return f"Dataset({self._sizes()})"

    def describe(self) -> str:
        """A few lines for the terminal: sizes, kinds of event, times, rejections, notes and licence."""
        lines = [
            self._sizes(),
            f"  events: {self._kinds()}",
            f"  times: {self._times()}",
            f"  genres: {', '.join(self.catalog.genres[:20]) or 'none'}",
            f"  {self.rejections}",
            *_columns_by_use(self.columns),
            *(f"  note: {note}" for note in self.notes),
            f"  licence: {self.licence}",
        ]
        return "\n".join(lines)

    def _sizes(self) -> str:
        sizes = f"{len(self.catalog):,} titles, {len(self.profiles):,} members, {self.events.height:,} events"
        return f"{self.name}: {sizes}"

    def _kinds(self) -> str:
        counts = self.events["kind"].value_counts(sort=True)
        return ", ".join(f"{n:,} {kind}" for kind, n in counts.iter_rows()) or "none"

    def _times(self) -> str:
        if not self.timed:
            return "none, only an order"
        first, last = self.events["timestamp"].min(), self.events["timestamp"].max()
        if not isinstance(first, datetime) or not isinstance(last, datetime):
            return "none"
        return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"


def profiles_of(events: pl.DataFrame) -> dict[str, Profile]:
    """One plain profile for each member of the events, in the order of first appearance.

    Nothing about a person is carried over from a source: a profile knows an id and a name made from it.
    """
    user_ids = events["user_id"].unique(maintain_order=True).to_list()
    return {user: Profile(user, account_id=user, name=f"Member {user}") for user in user_ids}


def only_known_titles(events: pl.DataFrame, catalog: Catalog) -> tuple[pl.DataFrame, pl.DataFrame, Rejections]:
    """The events whose title stands in the catalogue (or that need none), the others, and a count of those.

    The others keep in a column `place` how many of the first stood before them.
    """
    unknown = pl.Series(catalog.spoken_for(events["item_id"]) < 0) & events["item_id"].is_not_null()
    known = events.filter(~unknown)
    others = events.with_columns((~unknown).cast(pl.Int64).cum_sum().alias("place")).filter(unknown)
    return known, others, _count_unknown(others)


def with_titles_of(dataset: Dataset, known: Catalog) -> Dataset:
    """The data set with the events too whose titles only `known` knows, each where it stood in the file."""
    if dataset.strangers is None or dataset.strangers.is_empty():
        return dataset
    here = pl.Series(known.spoken_for(dataset.strangers["item_id"]) >= 0)
    found, left = dataset.strangers.filter(here), dataset.strangers.filter(~here)
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("place")
    both = pl.concat([dataset.events.with_columns(place), found]).sort("place", maintain_order=True).drop("place")
    return replace(
        dataset,
        events=both,
        profiles=profiles_of(both),
        rejections=dataset.rejections.without(UNKNOWN_TITLE) + _count_unknown(left),
        strangers=left,
    )


def _count_unknown(events: pl.DataFrame) -> Rejections:
    """These events, counted as about titles that nobody described."""
    if events.is_empty():
        return Rejections()
    examples = events["item_id"].unique(maintain_order=True).head(3).to_list()
    return Rejections({UNKNOWN_TITLE: events.height}, {UNKNOWN_TITLE: tuple(examples)})


def _columns_by_use(columns: tuple[Column, ...]) -> list[str]:
    """A line a file and use: which columns were read as what, understood, or ignored."""
    lines = []
    for file, use in dict.fromkeys((one.file, one.use) for one in columns):
        told = [one for one in columns if (one.file, one.use) == (file, use)]
        words = ", ".join(_said(one) for one in told)
        lines.append(f"  columns {use} in {file}: {words}")
    return lines


def _said(column: Column) -> str:
    if column.meaning in ("", column.name):
        return column.name
    return f"{column.name} as {column.meaning}" if column.use == Use.READ else f"{column.name} ({column.meaning})"

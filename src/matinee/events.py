"""Events: what happened. One frame schema for the log, the sources, the service and the simulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.errors import BadData


class Kind(IntEnum):
    """What happened between a member and a title. The numbers are stored; they never change meaning."""

    IMPRESSION = 0  # a title became visible
    OPEN = 1  # its details were opened
    PLAY = 2  # value = share watched, 0..1
    RATING = 3  # value = stars as a share of the best, 0..1
    THUMBS_UP = 4
    THUMBS_DOWN = 5
    LIST_ADD = 6
    LIST_REMOVE = 7
    DISMISS = 8  # "not for me": the title leaves the page
    SEARCH = 9  # query, no title
    SUBSCRIBE = 10
    CANCEL = 11
    THUMBS_CLEAR = 12  # takes the thumbs of a title back
    DISMISS_CLEAR = 13  # takes its dismissal back: the title may be shown again
    PLAY_CLEAR = 14  # takes its plays back
    SKIP = 15  # passed over as a suggestion: says nothing of taste
    NOT_NOW = 16  # passed over for this moment
    MORE_LIKE = 17  # "more like this"
    LIGHTER = 18  # "something lighter"
    HEAVIER = 19  # "something more serious"
    MESSAGE = 20  # the member was written to about it
    SEEN = 21  # "seen elsewhere": never offered as new, and no word on taste
    SEEN_CLEAR = 22  # takes that back
    RATING_CLEAR = 23  # takes the ratings of a title back


KIND_NAMES: tuple[str, ...] = tuple(kind.name.lower() for kind in Kind)
TAKES_BACK: Mapping[str, str] = {
    "thumbs_up": "thumbs_clear",
    "thumbs_down": "thumbs_clear",
    "dismiss": "dismiss_clear",
    "play": "play_clear",
    "seen": "seen_clear",
    "rating": "rating_clear",
}
CLEARS = frozenset(TAKES_BACK.values())
SAID_OF_THE_MOMENT = frozenset(KIND_NAMES[k] for k in range(Kind.SKIP, Kind.HEAVIER + 1))
NEEDS_TITLE = (
    frozenset(KIND_NAMES[k] for k in range(Kind.IMPRESSION, Kind.DISMISS + 1))
    | CLEARS
    | SAID_OF_THE_MOMENT
    | {"message", "seen"}
)
NEEDS_VALUE = frozenset({"play", "rating"})

TIME = pl.Datetime("us", "UTC")
DAY = 86_400_000_000  # microseconds, as times inside arrays are
END_OF_TIME = 2**63 - 1  # microseconds: later than anything
SCHEMA: Mapping[str, pl.DataType] = {
    "event_id": pl.String(),
    "user_id": pl.String(),
    "item_id": pl.String(),
    "kind": pl.String(),
    "timestamp": TIME,
    "value": pl.Float64(),
    "decision_id": pl.String(),
    "row": pl.Int32(),
    "column": pl.Int32(),
    "query": pl.String(),
    "country": pl.String(),
    "device": pl.String(),
    "language": pl.String(),
    "source": pl.String(),  # where it was done: home, search, link, similar, billboard, ...
    "received": TIME,  # when a log took it, by its clock; null: at its own time
}
REQUIRED = ("event_id", "user_id", "kind", "timestamp")

MAX_TEXT = 1_000  # characters of any identifier or query; longer values are refused
CLOCK_SKEW = timedelta(minutes=10)  # a device's clock may run this far ahead of ours
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)

VISITOR = "visitor:"  # how the ids of visitors begin, whom a service forgets; no member's does

PLAYED = 0.1  # a play that got this far says something about taste
FINISHED = 0.9  # from here on a play counts as completed
LIKED_RATING = 0.6  # three stars of five
_REPEATED = "repeating an event_id"
_ABOUT = {
    "of an unknown kind": "kind",
    "without a readable time": "timestamp",
    "dated before 1970": "timestamp",
    "dated in the future": "timestamp",
    "with a value that is not a number in 0..1": "value",
}


@dataclass(frozen=True, slots=True)
class Rejections:
    """Rows that were not taken, counted by reason, with the first few of each as examples."""

    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of rejected rows."""
        return sum(self.counts.values())

    def __add__(self, other: Rejections) -> Rejections:
        examples = {
            reason: (self.examples.get(reason, ()) + other.examples.get(reason, ()))[:3]
            for reason in {**self.examples, **other.examples}
        }
        return Rejections(dict(Counter(self.counts) + Counter(other.counts)), examples)

    def without(self, reason: str) -> Rejections:
        """All but those of one reason."""
        return Rejections(
            {one: count for one, count in self.counts.items() if one != reason},
            {one: rows for one, rows in self.examples.items() if one != reason},
        )

    def __str__(self) -> str:
        if not self.total:
            return "no row rejected"
        parts = [
            f"{count:,} {reason} (for example {', '.join(self.examples[reason])})"
            for reason, count in sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ]
        return f"{self.total:,} {'row' if self.total == 1 else 'rows'} rejected: " + "; ".join(parts)


def clean(
    frame: pl.DataFrame, now: datetime | None = None, written: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, Rejections]:
    """Bring a frame of events to `SCHEMA`, keeping every good row and counting every bad one.

    `frame` needs `event_id`, `user_id`, `kind` and `timestamp` (UTC datetime, or seconds since 1970);
    the other columns of `SCHEMA` are filled with nulls when absent, unknown columns are dropped.
    A row is rejected when an identifier is missing, a visitor's, longer than `MAX_TEXT` or holds a control character,
    which no request may name, the kind is unknown, the time is before 1970 or more than `CLOCK_SKEW` after `now`, a
    value is not a number in 0..1 where the kind needs one, or a good row of that member before it has the same
    `event_id`. Where the kind needs no value, a value is dropped. `written`, row by row beside `frame`, holds the
    number of each `row` in its file, and time, kind and value as they stand there: examples name them.

    Raises `BadData` when a required column is missing or a column has a type that cannot be read at all.
    """
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise BadData(
            f"events lack the column(s) {missing}; the frame has {frame.columns[:20]}; "
            "rename the columns or give a column mapping"
        )
    frame = _to_schema(frame)
    latest = (now or datetime.now(UTC)) + CLOCK_SKEW
    too_long = pl.any_horizontal(
        pl.col("event_id", "user_id", "item_id", "decision_id", "query", "country", "device", "language", "source")
        .str.len_chars()
        .gt(MAX_TEXT)
        .fill_null(False)
    )
    unprinted = pl.any_horizontal(pl.col("user_id", "item_id").str.contains(r"\p{Cc}").fill_null(False))
    value_bad = pl.col("value").is_null() | ~pl.col("value").is_between(0.0, 1.0)
    checks: list[tuple[str, pl.Expr]] = [
        ("identifier or query too long", too_long),
        ("with a control character in an id", unprinted),
        ("without a user_id", pl.col("user_id").fill_null("").eq("")),
        ("of an unknown kind", ~pl.col("kind").is_in(KIND_NAMES).fill_null(False)),
        ("of a visitor, whose ids are never imported", of_visitors()),
        ("without an item_id", pl.col("kind").is_in(NEEDS_TITLE) & pl.col("item_id").fill_null("").eq("")),
        ("without a readable time", pl.col("timestamp").is_null()),
        ("dated before 1970", pl.col("timestamp") < OLDEST),
        ("dated in the future", pl.col("timestamp") > latest),
        ("with a value that is not a number in 0..1", pl.col("kind").is_in(NEEDS_VALUE) & value_bad),
        ("without an event_id", pl.col("event_id").fill_null("").eq("")),  # last: a made id lacks what its parts lack
    ]
    reason = pl.coalesce(*[pl.when(bad).then(pl.lit(name)) for name, bad in checks])
    marked = frame.with_columns(reason.alias("_reason"))
    repeated = pl.col("_reason").is_null() & ~pl.struct("user_id", "event_id", "_reason").is_first_distinct()
    marked = marked.with_columns(pl.when(repeated).then(pl.lit(_REPEATED)).otherwise("_reason").alias("_reason"))
    meant = pl.when(pl.col("kind").is_in(NEEDS_VALUE)).then("value").alias("value")
    return marked.filter(pl.col("_reason").is_null()).drop("_reason").with_columns(meant), _count(marked, written)


def strengths(kinds: NDArray[np.int8], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """How strongly each event speaks for its title as a taste: 1 = enjoyed, 0 = says nothing or speaks against.

    A play counts from `PLAYED` on, a rating from `LIKED_RATING` on, thumbs up count. Adding to the list is a wish,
    not yet a taste.
    """
    liked = (
        ((kinds == Kind.PLAY) & (values >= PLAYED))
        | ((kinds == Kind.RATING) & (values >= LIKED_RATING))
        | (kinds == Kind.THUMBS_UP)
    )
    return np.asarray(liked, np.float32)


def liked() -> pl.Expr:
    """The frame expression of `strengths(...) > 0`."""
    kind, value = pl.col("kind"), pl.col("value")
    return (
        ((kind == "play") & (value >= PLAYED)) | ((kind == "rating") & (value >= LIKED_RATING)) | (kind == "thumbs_up")
    ).fill_null(False)


def of_visitors() -> pl.Expr:
    """The frame expression of events of visitors."""
    return pl.col("user_id").fill_null("").str.starts_with(VISITOR)


def arrival() -> pl.Expr:
    """When an event arrived: `received`, or its own time where no log says."""
    return pl.coalesce("received", "timestamp")


def standing(events: pl.DataFrame, of: Sequence[str] = ("user_id", "item_id")) -> pl.DataFrame:
    """The events that no later one takes back, without those that take back; `events` are oldest first.

    `of` names the columns of one member's one title. What was taken back never happened, for models and pages alike.
    """
    if not events["kind"].is_in(CLEARS).any():
        return events
    clears = pl.col("kind").is_in(CLEARS)
    taken_by = pl.col("kind").replace_strict(TAKES_BACK, default=pl.col("kind"), return_dtype=pl.String)
    placed = events.with_row_index("_place")
    cleared = pl.when(clears).then("_place").max().over(*of, taken_by)
    return placed.filter(~clears & (pl.col("_place") > cleared).fill_null(True)).drop("_place")


def _to_schema(frame: pl.DataFrame) -> pl.DataFrame:
    stamp = frame.schema["timestamp"]
    if stamp.is_numeric() or stamp == pl.Null:
        frame = frame.with_columns(
            (pl.col("timestamp").cast(pl.Float64, strict=False) * 1e6).cast(pl.Int64, strict=False).cast(TIME)
        )
    elif isinstance(stamp, pl.Datetime):
        zoned = pl.col("timestamp") if stamp.time_zone else pl.col("timestamp").dt.replace_time_zone("UTC")
        frame = frame.with_columns(zoned.dt.convert_time_zone("UTC").cast(TIME))
    elif stamp == pl.String:
        frame = frame.with_columns(pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC", strict=False))
    else:
        raise BadData(f"the column 'timestamp' has type {stamp}; give seconds since 1970, ISO 8601 text or datetimes")
    columns = [
        (pl.col(name).cast(dtype, strict=False) if name in frame.columns else pl.lit(None, dtype)).alias(name)
        for name, dtype in SCHEMA.items()
    ]
    try:
        return frame.select(columns)
    except pl.exceptions.PolarsError as error:
        first_line = str(error).partition("\n")[0]
        raise BadData(
            f"a column of the events cannot be read: {first_line}; give text for ids and numbers for values"
        ) from error


def _count(marked: pl.DataFrame, written: pl.DataFrame | None) -> Rejections:
    bad = (
        marked.with_row_index("_at")
        .filter(pl.col("_reason").is_not_null())
        .group_by("_reason")
        .agg(pl.len(), pl.col("_at").head(3))
    )
    counts = dict(zip(bad["_reason"], bad["len"], strict=True))
    examples = {
        reason: tuple(_example(at, reason, written) for at in rows)
        for reason, rows in zip(bad["_reason"], bad["_at"].to_list(), strict=True)
    }
    return Rejections(counts, examples)


def _example(at: int, reason: str, written: pl.DataFrame | None) -> str:
    """The row, and what stands in the cell that the reason is about where that is known."""
    if written is None:
        return f"row {at + 1}"
    row = written.row(at, named=True)
    value = row.get(_ABOUT.get(reason, ""))
    return f"row {row['row']}" if value is None else f"row {row['row']}: {str(value)[:40]!r}"

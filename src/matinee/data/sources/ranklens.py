"""RankLens (metarank): lists of films that people saw, and which of them they said they like. JSON lines.

Each ranking becomes one decision's impressions (`decision_id` the ranking, row 0, column the position), each click a
thumbs up at its place: the clicks are stated likes of crowd workers, not plays. No propensity is known.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from matinee import events
from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, columns_of_layout, only_known_titles, profiles_of
from matinee.data.sources.bounds import LINE, MAX_BYTES, regular
from matinee.data.sources.values import text_of
from matinee.errors import BadData
from matinee.events import Rejections

LICENCE = (
    "CC BY-SA 4.0 (metarank/ranklens; texts from TMDB): share with attribution and under the same licence; "
    "this product uses the TMDB API but is not endorsed or certified by TMDB"
)
NOTES = (
    "clicks are stated likes of crowd workers; all times lie close together, so only their order means something",
    "no propensities are known, the lists look randomised; titles have no age rating",
)
LAYOUT = {  # event -> fields that are read, fields that are not
    "item": (
        "title genres tags actors director writer description runtime release_date",
        "popularity vote_avg vote_cnt budget",
    ),
    "ranking": ("id user timestamp items", "relevancy"),
    "interaction": ("id user item ranking type timestamp", ""),
}
LATEST = 253_402_300_799 * 10**6  # the last second of the year 9999, in microseconds
LONGEST = 2**31 - 1  # minutes
_PEOPLE = ("actors", "director", "writer")


def read(path: str | Path, max_bytes: int = MAX_BYTES) -> Dataset:
    """Read an events file (.jsonl or .jsonl.gz), or the folder that holds one.

    Lines that are no event of the format are counted as rejections. Raises `BadData` when the file cannot be read
    or describes no title.
    """
    path = Path(path)
    lines: dict[str, list[tuple[Any, ...]]] = {"item": [], "ranking": [], "interaction": []}
    broken = _sort_lines(_lines(_events_file(path), max_bytes), lines)
    if not lines["item"]:
        raise BadData(f"{path} describes no title; give a RankLens events file, JSON lines with item events first")
    titles = pl.DataFrame(lines["item"], _TITLE, orient="row").unique("item_id", keep="last", maintain_order=True)
    catalog = Catalog.from_frame(titles.with_columns(pl.lit("movie").alias("kind")))
    clean, rejected = events.clean(_events(lines["ranking"], lines["interaction"]))
    clean, strangers, unknown = only_known_titles(clean.sort("timestamp", maintain_order=True), catalog)
    return Dataset(
        name="RankLens",
        licence=LICENCE,
        catalog=catalog,
        profiles=profiles_of(clean),
        events=clean,
        rejections=broken + rejected + unknown,
        notes=NOTES,
        strangers=strangers,
        columns=columns_of_layout(LAYOUT, LAYOUT),
    )


_TITLE: dict[str, Any] = {
    "item_id": pl.String,
    "title": pl.String,
    "genres": pl.List(pl.String),
    "tags": pl.List(pl.String),
    "people": pl.List(pl.String),
    "text": pl.String,
    "minutes": pl.Int32,
    "released": pl.Datetime("us", "UTC"),
}
_EVENT: dict[str, Any] = {
    "event_id": pl.String,
    "user_id": pl.String,
    "item_id": pl.String,
    "timestamp": pl.Int64,
    "decision_id": pl.String,
    "column": pl.Int32,
}


def _events_file(path: Path) -> Path:
    if not path.is_dir():
        return regular(path)
    found = sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")])
    if not found:
        raise BadData(f"{path} is no events file and holds none; give a .jsonl or .jsonl.gz file")
    return found[0]


def _lines(path: Path, max_bytes: int) -> Iterator[bytes]:
    left = max_bytes
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as opened:
            while line := opened.readline(LINE):
                left -= len(line)
                if len(line) == LINE or left < 0:
                    raise BadData(
                        f"{path} has a line of {LINE:,} bytes or {max_bytes:,} in all; split it or raise --max-bytes"
                    )
                yield line
    except (OSError, EOFError, zlib.error) as error:
        raise BadData(f"cannot read {path} to its end: {error}; get the file again") from error


def _sort_lines(lines: Iterator[bytes], into: dict[str, list[tuple[Any, ...]]]) -> Rejections:
    """Parse each line into rows of its kind; count what is none."""
    parsers = {"item": _title, "ranking": _impressions, "interaction": _click}
    broken: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            event = orjson.loads(line)
            into[event["event"]].extend(parsers[event["event"]](event))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            broken.append(f"line {number}")
    reason = "that are no item, ranking or click"
    return Rejections({reason: len(broken)}, {reason: tuple(broken[:3])}) if broken else Rejections()


def _title(event: dict[str, Any]) -> list[tuple[Any, ...]]:
    fields = {one["name"]: one["value"] for one in event["fields"]}
    people = [name for role in _PEOPLE for name in _names(fields.get(role))]
    return [
        (
            text_of(event["item"]),
            text_of(fields["title"]),
            [name.title() for name in _names(fields.get("genres"))],
            _names(fields.get("tags")),
            [name.title() for name in people],
            text_of(fields.get("description")),
            _whole(fields["runtime"], LONGEST) if fields.get("runtime") else None,
            _whole(fields["release_date"] * 1e6, LATEST) if fields.get("release_date") else None,
        )
    ]


def _whole(value: float, largest: int) -> int:
    """The nearest whole number; `OverflowError` beyond `largest`."""
    if abs(whole := round(value)) > largest:
        raise OverflowError(whole)
    return whole


def _moment(event: dict[str, Any]) -> int:
    return _whole(int(event["timestamp"]), LATEST // 1_000)


def _names(value: Any) -> list[str]:
    every = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return [name for one in every if (name := text_of(one)) is not None]


def _impressions(event: dict[str, Any]) -> list[tuple[Any, ...]]:
    ranking, user, moment = str(event["id"]), text_of(event["user"]), _moment(event)
    shown = [text_of(item["id"]) for item in event["items"]]
    return [(f"{ranking}-{at}", user, item, moment, ranking, at) for at, item in enumerate(shown)]


def _click(event: dict[str, Any]) -> list[tuple[Any, ...]]:
    if event["type"] != "click":
        raise ValueError(event["type"])
    if not isinstance(event["ranking"], str | None):
        raise TypeError(event["ranking"])
    who, what = text_of(event["user"]), text_of(event["item"])
    return [(str(event["id"]), who, what, _moment(event), event["ranking"], None)]


def _events(shown: list[tuple[Any, ...]], clicks: list[tuple[Any, ...]]) -> pl.DataFrame:
    impressions = pl.DataFrame(shown, _EVENT, orient="row").with_columns(pl.lit("impression").alias("kind"))
    places = impressions.select("decision_id", "item_id", "column").unique(["decision_id", "item_id"], keep="first")
    likes = (
        pl.DataFrame(clicks, _EVENT, orient="row")
        .drop("column")
        .join(places, on=["decision_id", "item_id"], how="left", maintain_order="left")
        .with_columns(pl.lit("thumbs_up").alias("kind"))
    )
    row = pl.when(pl.col("column").is_not_null()).then(0).cast(pl.Int32).alias("row")
    both = pl.concat([impressions, likes], how="diagonal").with_columns(row)
    return both.with_columns(pl.from_epoch("timestamp", "ms").dt.cast_time_unit("us"))

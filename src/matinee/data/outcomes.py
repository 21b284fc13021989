"""Outcomes: what became of decisions, joined from the events that answer them inside a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.decision import Decisions
from matinee.errors import BadRequest
from matinee.events import standing

_SHOWN = {
    "decision": pl.Int64,
    "decision_id": pl.String,
    "user_id": pl.String,
    "time": pl.Int64,
    "row": pl.Int32,
    "column": pl.Int32,
    "item": pl.Int32,
}
_VALUED, _WHOLE = ["play", "rating"], ["thumbs_up", "list_add"]
_ANSWERS = ["impression", "open", "thumbs_down", "dismiss", *_VALUED, *_WHOLE]


@dataclass(frozen=True)
class Outcomes:
    """Feedback on each place of each decision, in the shape of `Decisions.items` (batch, rows, columns).

    `examined`: the place became visible, or was acted on. `reward`: the strongest answer, 0..1, which is the share
    watched or the stars, and 1 for a thumbs up or an addition to the list.
    """

    examined: NDArray[np.bool_]
    reward: NDArray[np.float32]


def outcomes(
    decisions: Decisions | Sequence[dict[str, Any]],
    events: pl.DataFrame,
    catalog: Catalog,
    window_seconds: float,
) -> Outcomes:
    """Join `events` (`events.SCHEMA`) to decisions, or to what `Decisions.record` logged of them.

    An event counts when the decision's member made it at or after the decision and less than `window_seconds`
    later. One that carries a `decision_id` counts for that decision, at the place it carries if its title was shown
    there; without a place, or without a `decision_id`, it counts where the latest such decision first shows the
    title. Records of different shapes share the largest rows and columns.
    """
    if not window_seconds > 0:
        raise BadRequest(f"window_seconds is {window_seconds}; give a positive number of seconds")
    shape, shown = _of_batch(decisions) if isinstance(decisions, Decisions) else _of_records(decisions)
    answers = _answers(events, catalog)
    pairs = answers.join(shown, on=["user_id", "item"], suffix="_shown").filter(
        pl.col("at") >= pl.col("time"),
        pl.col("at") < pl.col("time") + round(window_seconds * 1e6),
        pl.col("decision_id").is_null() | pl.col("decision_id").eq(pl.col("decision_id_shown")),
        ~_carries_place() | (pl.col("row").eq(pl.col("row_shown")) & pl.col("column").eq(pl.col("column_shown"))),
    )
    latest = pairs.sort(
        "event", "time", "decision", "row_shown", "column_shown", descending=[False, True, True, False, False]
    ).unique("event", keep="first", maintain_order=True)
    return _filled(shape, latest)


def _carries_place() -> pl.Expr:
    """Whether the event says where in which decision it happened; a place without a decision means nothing."""
    return pl.all_horizontal(pl.col("decision_id", "row", "column").is_not_null())


def _answers(events: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    """The events that can answer a decision, numbered, with dense titles and rewards."""
    reward = (
        pl.when(pl.col("kind").is_in(_VALUED))
        .then(pl.col("value").fill_null(0.0))
        .otherwise(pl.col("kind").is_in(_WHOLE).cast(pl.Float64))
    )
    stands = standing(events.sort("timestamp", maintain_order=True))
    asked = stands.filter(pl.col("kind").is_in(_ANSWERS))
    return asked.select(
        pl.int_range(pl.len()).alias("event"),
        "user_id",
        "decision_id",
        "row",
        "column",
        pl.Series("item", catalog.indexes_of(asked["item_id"]), pl.Int32),
        pl.col("timestamp").cast(pl.Int64).alias("at"),
        reward.alias("reward"),
    ).filter(pl.col("item") >= 0)


def _of_batch(decisions: Decisions) -> tuple[tuple[int, ...], pl.DataFrame]:
    """The shape, and one row for each shown title."""
    b, r, c = np.nonzero(decisions.items >= 0)
    columns = {
        "decision": b,
        "decision_id": np.array(decisions.decision_ids, object)[b],
        "user_id": np.array(decisions.user_ids, object)[b],
        "time": decisions.times[b],
        "row": r,
        "column": c,
        "item": decisions.items[b, r, c],
    }
    series = [pl.Series(name, columns[name].tolist(), dtype) for name, dtype in _SHOWN.items()]
    return decisions.items.shape, pl.DataFrame(series)


def _of_records(records: Sequence[dict[str, Any]]) -> tuple[tuple[int, ...], pl.DataFrame]:
    shapes = np.array([record["shape"] for record in records], np.int64).reshape(-1, 2)
    rows = [
        (b, record["decision_id"], record["user_id"], record["time"], row["position"], column, item)
        for b, record in enumerate(records)
        for row in record["rows"]
        for column, item in enumerate(row["items"])
    ]
    return (len(records), *shapes.max(axis=0, initial=0).tolist()), pl.DataFrame(rows, _SHOWN, orient="row")


def _filled(shape: tuple[int, ...], joined: pl.DataFrame) -> Outcomes:
    """Arrays out of one row per counted event."""
    examined, reward = np.zeros(shape, np.bool_), np.zeros(shape, np.float32)
    place = tuple(joined[name].to_numpy() for name in ("decision", "row_shown", "column_shown"))
    examined[place] = True
    np.maximum.at(reward, place, joined["reward"].to_numpy().astype(np.float32))
    return Outcomes(examined, reward)

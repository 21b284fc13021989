"""Outcomes: what became of decisions, joined from the events that answer them inside a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.rewards import Reward, enjoyed
from matinee.decision import Decisions, Layer
from matinee.errors import BadRequest
from matinee.events import DAY, standing
from matinee.maths.arrays import Flags, Floats, Int64s

_ANSWERS = ("impression", "open", "play", "rating", "thumbs_up", "thumbs_down", "list_add", "dismiss", "seen")
HOUR = DAY // 24
NEVER = -1  # the delay of what was never answered


@dataclass(frozen=True)
class Outcomes:
    """Feedback along the choices of decisions (lines,), in their order.

    `examined`: the title became visible there, or was acted on; False for choices that are no title. `reward`: the
    answer that moved the reward most, 0 where nobody answered. `delay`: microseconds from the decision to that answer,
    `NEVER` where there is none.
    """

    examined: Flags
    reward: Floats
    delay: Int64s


def outcomes(
    decisions: Decisions,
    events: pl.DataFrame,
    catalog: Catalog,
    window_seconds: float,
    reward: Reward = enjoyed,
) -> Outcomes:
    """Join `events` (`events.SCHEMA`) to the titles that decisions chose.

    An event counts when the decision's member made it at or after the decision and less than `window_seconds` later.
    One that carries a `decision_id` counts for that decision, at the place it carries if its title was shown there;
    without a place, or without a `decision_id`, it counts where the latest such decision first shows the title.
    """
    title = decisions.layer(Layer.TITLE)
    found = with_outcomes(_shown(decisions), events, catalog, window_seconds, reward)
    lines = len(title)
    along = Outcomes(np.zeros(lines, np.bool_), np.zeros(lines, np.float32), np.full(lines, NEVER, np.int64))
    for name in ("examined", "reward", "delay"):
        getattr(along, name)[title] = found[name].to_numpy()
    return along


def with_outcomes(
    shown: pl.DataFrame,
    events: pl.DataFrame,
    catalog: Catalog,
    window_seconds: float,
    reward: Reward = enjoyed,
) -> pl.DataFrame:
    """Titles as they were shown (`shown_choices.SHOWN`) with the columns of `Outcomes`; joined as `outcomes` does.

    Of `shown` the columns decision_id, user_id, time, row, column and item are read.
    """
    if not window_seconds > 0:
        raise BadRequest(f"window_seconds is {window_seconds}; give a positive number of seconds")
    lines = shown.select(
        pl.int_range(pl.len()).alias("line"),
        "user_id",
        "item",
        "time",
        pl.col("decision_id", "row", "column").name.suffix("_shown"),
    )
    answers = _answers(events, catalog, reward)
    named = pl.col("decision_id").is_not_null()
    own = pl.col("decision_id_shown").alias("decision_id")
    pairs = pl.concat(
        [
            answers.filter(named).join(lines.with_columns(own), on=["decision_id", "user_id", "item"]),
            answers.filter(~named).join(lines, on=["user_id", "item"]),
        ]
    ).filter(
        pl.col("at") >= pl.col("time"),
        pl.col("at") < pl.col("time") + round(window_seconds * 1e6),
        ~_carries_place() | (pl.col("row").eq(pl.col("row_shown")) & pl.col("column").eq(pl.col("column_shown"))),
    )
    latest = pairs.sort("event", "time", "line", descending=[False, True, False]).unique(
        "event", keep="first", maintain_order=True
    )
    return shown.with_columns(_along(shown.height, latest))


def returned(decisions: Decisions, events: pl.DataFrame, days: float, apart: int = HOUR) -> Flags:
    """(batch,) whether the member played something on another visit, `days` at most after the decision.

    Another visit begins `apart` microseconds after the decision or later; any does after a message, which is no visit.
    """
    if not days > 0:
        raise BadRequest(f"days is {days}; give a positive number of days")
    heads = pl.DataFrame(
        {"user_id": decisions.requests.user_ids, "time": decisions.requests.times + apart}
    ).with_row_index("decision")
    plays = events.filter(pl.col("kind") == "play").select("user_id", pl.col("timestamp").cast(pl.Int64).alias("time"))
    next_play = heads.sort("time").join_asof(
        plays.with_columns(pl.col("time").alias("played")).sort("time"),
        on="time",
        by="user_id",
        strategy="forward",
        check_sortedness=False,
    )
    soon = pl.col("played") < pl.col("time") - apart + round(days * DAY)
    return next_play.sort("decision").select(soon.fill_null(False))["played"].to_numpy()


def _carries_place() -> pl.Expr:
    """Whether the event says where in which decision it happened; a place without a decision means nothing."""
    return pl.all_horizontal(pl.col("decision_id", "row", "column").is_not_null())


def _answers(events: pl.DataFrame, catalog: Catalog, reward: Reward) -> pl.DataFrame:
    """The events that can answer a decision, numbered, with dense titles and rewards."""
    stands = standing(events.sort("timestamp", maintain_order=True))
    asked = stands.filter(pl.col("kind").is_in(_ANSWERS))
    return asked.select(
        pl.int_range(pl.len()).alias("event"),
        "user_id",
        "decision_id",
        "row",
        "column",
        pl.Series("item", catalog.spoken_for(asked["item_id"]), pl.Int32),
        pl.col("timestamp").cast(pl.Int64).alias("at"),
        reward().alias("reward"),
    ).filter(pl.col("item") >= 0)


def _shown(decisions: Decisions) -> pl.DataFrame:
    """One line for each title shown."""
    choices, title = decisions.choices, decisions.layer(Layer.TITLE)
    decision = choices.decisions[title]
    return pl.DataFrame(
        {
            "decision_id": pl.Series(decisions.ids, dtype=pl.String).gather(decision),
            "user_id": decisions.requests.user_ids.gather(decision),
            "time": decisions.requests.times[decision],
            "row": choices.rows[title].astype(np.int32),
            "column": choices.columns[title].astype(np.int32),
            "item": choices.actions[title],
        }
    )


def _along(lines: int, joined: pl.DataFrame) -> list[pl.Series]:
    """The columns of `Outcomes` out of one row per counted event: of each line the answer furthest from 0, the first of
    equals.
    """
    examined, reward = np.zeros(lines, np.bool_), np.zeros(lines, np.float32)
    delay = np.full(lines, NEVER, np.int64)
    examined[joined["line"].to_numpy()] = True
    told = joined.filter(pl.col("reward").is_not_null()).sort(
        pl.col("reward").abs(), "at", descending=[True, False], maintain_order=True
    )
    told = told.unique("line", keep="first", maintain_order=True)
    at = told["line"].to_numpy()
    reward[at] = told["reward"].to_numpy()
    delay[at] = (told["at"] - told["time"]).to_numpy()
    return [pl.Series("examined", examined), pl.Series("reward", reward), pl.Series("delay", delay)]

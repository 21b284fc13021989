"""Answers: what members made of decisions, and what they found by themselves; as arrays and as events of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.decision import Decisions, People
from matinee.events import SCHEMA, TIME
from matinee.maths.arrays import Doubles, Flags, Floats, Int8s, Int32s
from matinee.simulate.visits import SOURCE_NAMES, Visits
from matinee.situation import device_of

SECOND = 1_000_000  # microseconds
LENGTH = 90 * 60 * SECOND  # of a title, after which one that was watched to the end gets its thumb
ITEMLESS = ("search",)


@dataclass(frozen=True)
class Answers:
    """What came of `decisions`, along their choices (lines,), in their order; nothing where a choice is no title.

    examined   bool     looked at
    clicked    bool     played
    shares     float32  share watched, 0 where not played
    liked      int8     1 thumb up, -1 thumb down, 0 none
    dismissed  bool     "not for me"
    enjoyment  float32  the truth: how much who visited would enjoy the title, 0..1; 0 where not looked at
    """

    decisions: Decisions
    examined: Flags
    clicked: Flags
    shares: Floats
    liked: Int8s
    dismissed: Flags
    enjoyment: Floats

    @property
    def rewards(self) -> Doubles:
        """(lines,) 1 for a thumb up, else the share watched, as `data.rewards.enjoyed`; NaN where not looked at."""
        reward = np.where(self.liked > 0, 1.0, self.shares.astype(np.float64))
        return np.where(self.examined, reward, np.nan)

    @property
    def totals(self) -> Doubles:
        """(decisions,) the rewards of each decision summed."""
        return by_decision(self.decisions, np.nan_to_num(self.rewards))

    def events(self, catalog: Catalog) -> pl.DataFrame:
        """The answers as `events.SCHEMA`: impressions, plays, thumbs and dismissals, each at its place in a decision.

        A title is looked at a second after the one before it.
        """
        choices, requests = self.decisions.choices, self.decisions.requests
        decision = choices.decisions
        place = np.arange(len(decision)) - choices.offsets[decision]
        columns = {
            "user_id": requests.user_ids.gather(decision),
            "decision_id": pl.Series(self.decisions.ids, dtype=pl.String).gather(decision),
            "row": choices.rows,
            "column": choices.columns,
            "item": choices.actions,
            "at": requests.times[decision] + SECOND * (1 + place),
            "share": self.shares,
            "device": requests.situations.device[decision],
            "source": np.full(len(decision), requests.surface),
        }
        kinds = {"impression": self.examined, **_kinds(self.clicked, self.liked), "dismiss": self.dismissed}
        return _told(columns, kinds, catalog, ("decision_id", "row", "column"))


@dataclass(frozen=True)
class Found:
    """What members found by themselves on `visits` (batch,) that began elsewhere: a title, played.

    `items`, `shares`, `liked` and `enjoyment` (batch,) as in `Answers`.
    """

    visits: Visits
    items: Int32s
    shares: Floats
    liked: Int8s
    enjoyment: Floats

    def events(self, catalog: Catalog, people: People) -> pl.DataFrame:
        """The searches, plays and thumbs as `events.SCHEMA`; their `source` says how the title was found."""
        visits = self.visits
        columns = {
            "user_id": people.user_ids.gather(visits.members),
            "item": self.items,
            "at": visits.times + SECOND,
            "share": self.shares,
            "device": visits.devices,
            "source": pl.Series(SOURCE_NAMES, dtype=pl.String).gather(visits.sources),
        }
        searched = visits.sources == SOURCE_NAMES.index("search")
        kinds = {"search": searched, **_kinds(np.ones(len(visits), np.bool_), self.liked)}
        return _told(columns, kinds, catalog, ("user_id", "at"))


def by_decision(decisions: Decisions, of_choices: Doubles) -> Doubles:
    """Any number a choice (lines,) summed by decision (batch,): the same to the last bit whatever the batch."""
    return np.asarray(np.bincount(decisions.choices.decisions, of_choices, len(decisions)), np.float64)


def _kinds(played: Flags, liked: Int8s) -> dict[str, Flags]:
    return {"play": played, "thumbs_up": liked > 0, "thumbs_down": liked < 0}


def _told(
    columns: Mapping[str, Any], kinds: Mapping[str, Flags], catalog: Catalog, named_by: tuple[str, ...]
) -> pl.DataFrame:
    """`events.SCHEMA` out of lines: an event for each line of each kind, in the order of time.

    An event is named by its kind and what its line has in the columns `named_by`.
    """
    lines = pl.DataFrame(columns).with_columns(
        pl.Series("item_id", catalog.item_ids, pl.String).gather(np.maximum(columns["item"], 0)),
        pl.Series("name", catalog.names, pl.String).gather(np.maximum(columns["item"], 0)),
        pl.Series("device", [device_of(code) for code in range(8)], pl.String).gather(columns["device"]),
    )
    events = pl.concat(
        [lines.filter(pl.Series(which)).with_columns(kind=pl.lit(kind)) for kind, which in kinds.items()]
    )
    kind, thumb = pl.col("kind"), pl.col("kind").is_in(["thumbs_up", "thumbs_down"])
    told = events.with_columns(
        pl.concat_str([kind, *named_by], separator="-").alias("event_id"),
        (pl.col("at") + pl.when(thumb).then((pl.col("share") * LENGTH).cast(pl.Int64)).otherwise(0)).alias("timestamp"),
        pl.when(kind == "play").then(pl.col("share").cast(pl.Float64)).alias("value"),
        pl.when(kind == "search").then("name").alias("query"),
        pl.when(kind != "search").then("item_id").alias("item_id"),
    )
    return _to_schema(told.sort("timestamp", maintain_order=True))


def _to_schema(events: pl.DataFrame) -> pl.DataFrame:
    return events.select(
        pl.col(name).cast(TIME if name == "timestamp" else dtype)
        if name in events.columns
        else pl.lit(None, dtype).alias(name)
        for name, dtype in SCHEMA.items()
    )

"""Titles as they were shown: decisions of the log as one frame, a line for each title at its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from matinee.decision import Decisions, Layer
from matinee.decision.rows import KIND_NAMES
from matinee.events import DAY
from matinee.maths.arrays import Int64s
from matinee.situation import N_DEVICES, device_of

SHOWN: Mapping[str, pl.DataType] = {
    "decision_id": pl.String(),
    "user_id": pl.String(),  # "" for nobody known
    "time": pl.Int64(),  # microseconds since 1970, UTC
    "surface": pl.String(),
    "policy": pl.String(),  # who chose the title
    "artifact": pl.String(),  # of which model; "" for a policy without one
    "exploration": pl.Float64(),  # null: the policy's own
    "device": pl.String(),  # null: not told
    "visible": pl.Int32(),  # columns in view without scrolling
    "row_kind": pl.String(),  # null: in no row
    "row": pl.Int32(),
    "column": pl.Int32(),
    "item": pl.Int32(),
    "score": pl.Float32(),
    "log_prob": pl.Float64(),
    "keep_probability": pl.Float64(),  # of its decision in a thinned log; null: all were kept
}
STANDS_FOR = (1 / pl.col("keep_probability")).fill_null(1.0)  # how many lines that were shown each stands for
_DEVICES = [device_of(code) for code in range(N_DEVICES)]


def shown_choices(batches: Iterable[Decisions]) -> pl.DataFrame:
    """The titles that decisions showed (`SHOWN`), in order within each batch.

    Takes what `DecisionLog.read` gives: of a batch only its titles stay in memory.
    """
    return pl.concat([pl.DataFrame(schema=SHOWN), *map(_titles, batches)])


def _titles(batch: Decisions) -> pl.DataFrame:
    choices, requests = batch.choices, batch.requests
    title = batch.layer(Layer.TITLE)
    decision = choices.decisions[title]
    policies = pl.Series([maker.policy for maker in batch.makers], dtype=pl.String)
    artifacts = pl.Series([maker.artifact for maker in batch.makers], dtype=pl.String)
    columns: dict[str, Any] = {
        "decision_id": pl.Series(batch.ids, dtype=pl.String).gather(decision),
        "user_id": requests.user_ids.gather(decision),
        "time": requests.times[decision],
        "surface": pl.repeat(requests.surface, len(decision), dtype=pl.String, eager=True),
        "policy": policies.gather(choices.makers[title]),
        "artifact": artifacts.gather(choices.makers[title]),
        "exploration": pl.repeat(requests.exploration, len(decision), dtype=pl.Float64, eager=True),
        "device": pl.Series(_DEVICES, dtype=pl.String).gather(requests.situations.device[decision]),
        "visible": pl.repeat(requests.layout.visible, len(decision), dtype=pl.Int32, eager=True),
        "row_kind": _row_kinds(batch, np.flatnonzero(title)),
        "row": choices.rows[title],
        "column": choices.columns[title],
        "item": choices.actions[title],
        "score": choices.scores[title],
        "log_prob": choices.log_probs[title],
        "keep_probability": _kept(batch, decision),
    }
    return pl.DataFrame([pl.Series(name, columns[name], dtype, strict=False) for name, dtype in SHOWN.items()])


def _kept(batch: Decisions, decision: Int64s) -> pl.Series:
    if batch.keep_probability is None:
        return pl.repeat(None, len(decision), dtype=pl.Float64, eager=True)
    return pl.Series(batch.keep_probability[decision])


def thinned_until(shown: pl.DataFrame) -> int:
    """The end of the last day (microseconds since 1970) of which a log kept but a share in these titles, 0 of none."""
    latest = shown.filter(pl.col("keep_probability") < 1)["time"].max()
    return 0 if latest is None else (int(latest) // DAY + 1) * DAY  # type: ignore[arg-type]


def _row_kinds(batch: Decisions, titles: Int64s) -> pl.Series:
    """The kind of the row that each of these lines stands in, null where in none."""
    choices, row = batch.choices, batch.layer(Layer.ROW)
    highest = int(choices.rows.max(initial=0)) + 1
    place = choices.decisions * highest + choices.rows
    kind_at = np.full(len(batch) * highest, -1)
    kind_at[place[row]] = choices.actions[row]
    found = kind_at[place[titles]]
    kinds = pl.Series([KIND_NAMES[name.kind] for name in batch.row_names] + [None], dtype=pl.String)
    return kinds.gather(np.where(found < 0, len(batch.row_names), found))

"""Titles as they were shown: decision records of the log as one frame, a line for each title at its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import polars as pl

from matinee.decision import Layer
from matinee.events import Rejections

Record = Mapping[str, Any]

SHOWN: Mapping[str, pl.DataType] = {
    "decision_id": pl.String(),
    "user_id": pl.String(),  # "" for nobody known
    "time": pl.Int64(),  # microseconds since 1970, UTC
    "surface": pl.String(),
    "policy": pl.String(),  # who chose the title
    "exploration": pl.Float64(),  # null: the policy's own
    "device": pl.String(),  # null: not told
    "visible": pl.Int32(),  # columns in view without scrolling
    "row_kind": pl.String(),  # null: in no row
    "row": pl.Int32(),
    "column": pl.Int32(),
    "item": pl.Int32(),
    "score": pl.Float32(),
    "log_prob": pl.Float64(),
}
AT_ONCE = 1_000  # records
DAMAGED = "that are no decision records"
_LINES: Mapping[str, pl.DataType] = {
    "layers": pl.Int8(),
    "rows": pl.Int32(),
    "columns": pl.Int32(),
    "actions": pl.Int32(),
    "log_probs": pl.Float64(),
    "makers": pl.Int8(),
    "scores": pl.Float32(),
}
_HEAD = ("decision_id", "user_id", "time", "surface", "exploration")
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, pl.exceptions.PolarsError)


def shown_choices(records: Iterable[Record]) -> tuple[pl.DataFrame, Rejections]:
    """The titles that decisions showed, in order (`SHOWN`), and the records that are none, counted with examples.

    Takes what `EventLog.read_decisions` gives, a thousand at a time: of a record only its titles stay in memory.
    """
    frames, damaged = [pl.DataFrame(schema=SHOWN)], Counter[str]()
    for some in _batches(records):
        try:
            frames.append(_titles(some))
        except _UNREADABLE:
            whole = [one for one in some if _readable(one, damaged)]
            frames.append(_titles(whole))
    if not damaged:
        return pl.concat(frames), Rejections()
    return pl.concat(frames), Rejections({DAMAGED: damaged.total()}, {DAMAGED: tuple(damaged)[:3]})


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    left = iter(records)
    while some := list(islice(left, AT_ONCE)):
        yield some


def _readable(record: Record, damaged: Counter[str]) -> bool:
    try:
        _titles([record])
    except _UNREADABLE:
        damaged[_name(record)] += 1
        return False
    return True


def _name(record: Record) -> str:
    return f"{record.get('decision_id', 'one without an id')!s:.100}"


def _titles(records: Sequence[Record]) -> pl.DataFrame:
    """The titles of good records; any error means that one of them is damaged."""
    lines = _lines(records)
    kinds = _numbered(records, "row_names", "actions", "row_kind")
    policies = _numbered(records, "makers", "makers", "policy")
    rows = lines.filter(pl.col("layers") == Layer.ROW).join(kinds, on=["record", "actions"], how="left")
    shown = (
        lines.filter(pl.col("layers") == Layer.TITLE)
        .join(rows.select("record", "rows", "row_kind"), on=["record", "rows"], how="left", maintain_order="left")
        .join(policies, on=["record", "makers"], how="left", maintain_order="left")
        .join(_heads(records), on="record", how="left", maintain_order="left")
        .rename({"rows": "row", "columns": "column", "actions": "item", "scores": "score", "log_probs": "log_prob"})
    )
    if rows["row_kind"].has_nulls() or shown["policy"].has_nulls():
        raise ValueError("a choice refers to a row name or a maker that the record lacks")
    return shown.select(pl.col(name).cast(dtype) for name, dtype in SHOWN.items())


def _lines(records: Sequence[Record]) -> pl.DataFrame:
    """Every choice, with the number of its record."""
    choices = [record["choices"] for record in records]
    lengths = [len(one["layers"]) for one in choices]
    if any([len(one[name]) for one in choices] != lengths for name in _LINES):
        raise ValueError("the columns of choices differ in length")
    flat = [
        pl.Series(name, list(chain.from_iterable(one[name] for one in choices)), dtype)
        for name, dtype in _LINES.items()
    ]
    return pl.DataFrame([pl.Series("record", np.repeat(np.arange(len(records)), lengths)), *flat])


def _numbered(records: Sequence[Record], key: str, number: str, name: str) -> pl.DataFrame:
    """What the lists `key` name: columns `record`, `number` (place in the list) and `name` (first of the entry)."""
    lists = [record[key] for record in records]
    return pl.DataFrame(
        [
            pl.Series("record", [r for r, one in enumerate(lists) for _ in one], pl.Int64),
            pl.Series(number, [at for one in lists for at in range(len(one))], _LINES[number]),
            pl.Series(name, [entry[0] for one in lists for entry in one], pl.String),
        ]
    )


def _heads(records: Sequence[Record]) -> pl.DataFrame:
    columns = {name: [record[name] for record in records] for name in _HEAD}
    columns["device"] = [record["context"].get("device") for record in records]
    columns["visible"] = [record["layout"]["visible"] for record in records]
    heads = [pl.Series(name, values, SHOWN[name]) for name, values in columns.items()]
    return pl.DataFrame([pl.Series("record", np.arange(len(records))), *heads])

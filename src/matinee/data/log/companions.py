"""Who watches too in a decision: a decision made for several belongs to each of them, and leaves with each."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import polars as pl

from matinee.data.log import schema as sql
from matinee.data.log.dialect import Cursor
from matinee.data.log.store import generation


def companions_of(decided: pl.DataFrame) -> Iterator[tuple[str, str, int]]:
    """(member, decision_id, time) of everyone who watches too, out of a frame of `columns.DECIDED`."""
    shared = decided.filter(pl.col("together").list.len() > 0).select("decision_id", "time", "together")
    for decision_id, time, company in shared.iter_rows():
        for user_id in dict.fromkeys(orjson.loads(one)["user_id"] for one in company):
            yield user_id, decision_id, time


def note_companions(cursor: Cursor, decided: pl.DataFrame) -> None:
    """Note them, of decisions that the log takes."""
    cursor.executemany(sql.insert_companion(generation(cursor)), companions_of(decided))


def forget_companions(cursor: Cursor, decided: pl.DataFrame) -> None:
    """Note them no more, of decisions that leave the log."""
    pairs = [(user_id, decision_id) for user_id, decision_id, _ in companions_of(decided)]
    for g in sql.GENERATIONS:
        cursor.executemany(f"DELETE FROM companions_{g} WHERE user_id = ? AND decision_id = ?", pairs)


def of_member(user_id: str) -> pl.Expr:
    """Which lines of such a frame were decided for a member, alone or with others."""
    named = f'"user_id":{orjson.dumps(user_id).decode()}'
    beside = pl.col("together").list.eval(pl.element().str.contains(named, literal=True)).list.any()
    return (pl.col("user_id") == user_id) | beside.fill_null(False)

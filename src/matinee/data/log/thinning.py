"""Thinning: a log that outgrows its disk keeps a share of its old decisions, and of each how likely.

What is drawn is an account, or a member without one, or a decision for nobody known: all of its old
decisions stay or go. For an answer that names no decision belongs to the latest that showed its
title; were that one gone and an earlier one there, it would count for the wrong one. A draw is a
hash of who it is and of a seed: it falls alike whenever it is made, and a smaller share keeps a
part of what a larger one kept (Poisson sampling with permanent random numbers; Brewer, Early and
Joyce 1972).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

import polars as pl

from matinee.data.log.forget import rewrite_decisions
from matinee.data.log.schema import DECISIONS
from matinee.data.log.sealed import first_microsecond
from matinee.data.log.sealing import finish, open_days, seal_day
from matinee.data.log.store import Store, sealed_days
from matinee.decision.progress import Progress
from matinee.errors import BadRequest

KEPT = pl.col("keep_probability").fill_null(1.0)


class Thinning(NamedTuple):
    """What thinning did: decisions `removed`, and bytes of sealed files `freed`."""

    removed: int
    freed: int


class Thinned(NamedTuple):
    """Of a log, the `decisions` that stand for more than themselves: for how many, and the time of
    the latest (microseconds since 1970, UTC; 0 without one).
    """

    decisions: int = 0
    stand_for: float = 0.0
    until: int = 0

    def and_those_of(self, decided: pl.DataFrame) -> Thinned:
        """With those of a frame of `time` and `keep_probability`."""
        these = decided.filter(KEPT < 1)
        latest = these["time"].max() or 0
        return Thinned(
            self.decisions + these.height,
            self.stand_for + float((1 / these["keep_probability"]).sum()),
            max(self.until, int(latest)),  # type: ignore[arg-type]
        )


def thin(store: Store, before: int, keep: float, seed: int, progress: Progress) -> Thinning:
    """Keep the share `keep` of the decisions of whole days before `before` (microseconds since
    1970), day by day.

    What the database still holds of them is sealed first. A day's file is replaced in one commit:
    cut off at any moment, a day is thinned or as it was, each decision says its own probability,
    and the next call goes on.
    """
    finish(store)
    for number in open_days(store, DECISIONS, before):
        seal_day(store, DECISIONS, number)
    with store.reading() as cursor:
        sealed = {one.day for one in sealed_days(cursor, DECISIONS)}
    days = sorted(day for day in sealed if first_microsecond(day) < before)
    removed = freed = 0
    for k, day in enumerate(days):
        progress(f"day {day}", k / len(days))
        done = rewrite_decisions(store, day, lambda frame: thinned(frame, keep, seed))
        removed, freed = removed + done.removed, freed + done.freed
    return Thinning(removed, freed)


def thinned(decided: pl.DataFrame, keep: float, seed: int) -> pl.DataFrame:
    """What the share `keep` of all decisions leaves of a frame of `columns.DECIDED`; those kept
    with a smaller probability stay as they are. Raises `BadRequest` where another seed kept them.
    """
    draws, more = _draws(decided, seed), keep < KEPT
    foreign = decided.filter(draws >= decided.select(KEPT).to_series())
    if foreign.height:
        raise BadRequest(
            f"decision {foreign['decision_id'][0]!r} was kept by another seed than {seed}; a log is "
            "thinned by one seed for ever: give the one that it was thinned by first"
        )
    share = pl.when(more).then(pl.lit(keep)).otherwise("keep_probability").alias("keep_probability")
    return decided.filter(~more | (draws < keep)).with_columns(share)


def _draws(decided: pl.DataFrame, seed: int) -> pl.Series:
    """(decisions,) uniform in [0, 1), one for all decisions of an account."""
    account, member = pl.col("account_id"), pl.col("user_id")
    who = (
        pl.when(account != "")
        .then(pl.format("account {}", account))
        .when(member != "")
        .then(pl.format("member {}", member))
        .otherwise(pl.format("decision {}", "decision_id"))
    )
    names = decided.select(who.alias("who"))["who"]
    each = names.unique()
    return names.replace_strict(each, [_draw(one, seed) for one in each], return_dtype=pl.Float64)


def _draw(who: str, seed: int) -> float:
    return int.from_bytes(blake2b(f"{seed} {who}".encode(), digest_size=7).digest()) / 2**56

"""The protocols: ways to cut what happened into what may be learned and what must be foretold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from matinee.catalog import Catalog
from matinee.data.split import Split, global_time, leave_last_out


@dataclass(frozen=True, slots=True)
class Protocol:
    """A named way to cut; `about` says what it asks and what it hides, for the reader of the report."""

    name: str
    about: str
    cut: Callable[[pl.DataFrame, Catalog], Split]


LEAVE_LAST_OUT = Protocol(
    "leave-last-out",
    "Foretell each member's last liked title from what that member did before it. Models are fitted on everything "
    "else, other members' later events too: the test of the literature, kinder than life. Popularity of the last 7 "
    "days is that of the last 7 days of the data.",
    leave_last_out,
)
GLOBAL_TIME = Protocol(
    "global-time",
    "Cut all events at one moment, learn from before, foretell what each member first liked after. The test closest "
    "to life: what is popular drifts, and members come whom nobody has seen.",
    global_time,
)
PROTOCOLS = (LEAVE_LAST_OUT, GLOBAL_TIME)

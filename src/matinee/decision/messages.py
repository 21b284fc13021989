"""Messages: the reasons to write to a member, the words that say them, and what the log keeps of a
send.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.decision.decisions import SILENT, Decisions, Layer
from matinee.events import SCHEMA
from matinee.maths.arrays import Int32s, Int64s

SURFACE = "outreach"  # of its decisions, and the source of messages and of what they lead to
ASKED = "outreach asked"  # the source of messages that a service decided when it was asked


class Reason(IntEnum):
    """Why a member is written to about a title, strongest first. The numbers are stored; they never
    change meaning.
    """

    LISTED = 0  # on their list, not yet seen
    SEASON = 1  # a new season of what they watch
    ARRIVAL = 2  # it arrived lately
    FAVOURITE = 3  # among the likeliest to please them, not yet seen


WORDS = {
    Reason.LISTED: "{title} is on your list. Tonight?",
    Reason.SEASON: "There is a new season of {title}.",
    Reason.ARRIVAL: "New here: {title}.",
    Reason.FAVOURITE: "We think you would like {title}.",
}


def words(reason: Reason, title: str) -> str:
    """What a message says."""
    return WORDS[reason].format(title=title)


def sent_by(decisions: Decisions) -> Int64s:
    """(sends,) the decisions of a batch that send something, in order."""
    sends = decisions.layer(Layer.SEND) & (decisions.choices.actions != SILENT)
    return np.asarray(decisions.choices.decisions[sends])


def told_by(decisions: Decisions) -> tuple[Int32s, Int32s]:
    """The title and the `Reason` of each send of `sent_by`, (sends,) each."""
    choices = decisions.choices
    sent = np.zeros(len(decisions), np.bool_)
    sent[sent_by(decisions)] = True
    of_sends = sent[choices.decisions]
    title, reason = (of_sends & decisions.layer(layer) for layer in (Layer.TITLE, Layer.REASON))
    return choices.actions[title], choices.actions[reason]


def events_of(decisions: Decisions, catalog: Catalog, source: str = SURFACE) -> pl.DataFrame:
    """An event (`events.SCHEMA`) for each send, so that histories know it.

    Its id is that of the day (UTC): a log takes one a member and day, whoever decides how often.
    """
    sent, (items, _) = sent_by(decisions), told_by(decisions)
    ids = pl.Series(decisions.ids, dtype=pl.String).gather(sent)
    times = pl.Series(decisions.requests.times[sent], dtype=pl.Int64).cast(SCHEMA["timestamp"])
    told = {
        "event_id": times.dt.strftime("message-%Y-%m-%d"),
        "user_id": decisions.requests.user_ids.gather(sent),
        "item_id": pl.Series(catalog.item_ids, dtype=pl.String).gather(items),
        "kind": pl.repeat("message", len(sent), dtype=pl.String, eager=True),
        "timestamp": times,
        "decision_id": ids,
        "source": pl.repeat(source, len(sent), dtype=pl.String, eager=True),
    }
    missing = {name: pl.repeat(None, len(sent), dtype=dtype, eager=True) for name, dtype in SCHEMA.items()}
    return pl.DataFrame({**missing, **told}).select(SCHEMA.keys())

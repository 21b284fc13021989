"""What is to be sent: the day's sends in the log, the file for whoever sends them, and the policy
that chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.log import EventLog
from matinee.decision import Decisions
from matinee.decision.messages import ASKED, SURFACE, Reason, events_of, sent_by, told_by, words
from matinee.events import DAY
from matinee.files import write_whole
from matinee.recipes.training import EVERY
from matinee.surfaces.outreach.policy import OutreachPolicy
from matinee.surfaces.remade import parameters_of
from matinee.workspace import Workspace

COLUMNS = ("decision_id", "user_id", "item_id", "title", "reason", "message", "time")


def decided_today(log: EventLog, now: int) -> list[Decisions]:
    """What outreach decided on the day (UTC) of `now`, messages and silences."""
    return list(log.decisions.read(now + 1, now // DAY * DAY, SURFACE))


def sends_today(log: EventLog, now: int) -> pl.DataFrame:
    """The messages that the log holds of that day, as events."""
    sends = log.read(now + 1, since=now // DAY * DAY, kinds=["message"])
    return sends.filter(pl.col("source").is_in([SURFACE, ASKED]))


def keep_sends(log: EventLog, catalog: Catalog, batches: Sequence[Decisions]) -> None:
    """An event for each send, where its member has none of that day."""
    for batch in batches:
        log.import_events(events_of(batch, catalog))


def to_send(log: EventLog, catalog: Catalog, now: int) -> pl.DataFrame:
    """`COLUMNS` of everything that runs of today send to members who want it, the earliest first.

    What a service decided it has answered, to whoever asked it; that is not among it.
    """
    events = sends_today(log, now).filter(pl.col("source") == SURFACE)
    frames = [_frame(batch, catalog) for batch in decided_today(log, now)]
    wanting = [one.user_id for one in log.profiles(n=EVERY) if one.messages]
    stands = pl.col("decision_id").is_in(events["decision_id"].to_list())
    every = pl.concat([_frame_of(), *frames])
    return every.filter(stands & pl.col("user_id").is_in(wanting)).sort("time", "user_id")


def write_sends(workspace: Workspace, sends: pl.DataFrame, now: int) -> Path:
    """Write the day's file, whole: the same day gives the same file, with what was added."""
    day = np.datetime64(now, "us").astype("datetime64[D]")
    path = workspace.folder / "outreach" / f"{day}.csv"
    path.parent.mkdir(exist_ok=True)
    write_whole(path, sends.write_csv)
    return path


def keep_policy(workspace: Workspace, policy: OutreachPolicy) -> None:
    """Keep what the policy is made of, for audits and for services to come."""
    workspace.keep_parameters(policy.maker.parameters, parameters_of(policy))
    workspace.set_outreach(policy.maker.parameters)


def _frame(batch: Decisions, catalog: Catalog) -> pl.DataFrame:
    """A row for each send of a batch."""
    sent, (items, reasons) = sent_by(batch), told_by(batch)
    names = [catalog.names[item] for item in items]
    told = [Reason(one) for one in reasons]
    return _frame_of(
        decision_id=[batch.ids[b] for b in sent],
        user_id=batch.requests.user_ids.gather(sent).to_list(),
        item_id=[catalog.item_ids[item] for item in items],
        title=names,
        reason=[one.name.lower() for one in told],
        message=[words(*one) for one in zip(told, names, strict=True)],
        time=[str(np.datetime64(int(at), "s")) + "Z" for at in batch.requests.times[sent] // 1_000_000],
    )


def _frame_of(**columns: list[str]) -> pl.DataFrame:
    return pl.DataFrame({name: columns.get(name, []) for name in COLUMNS}, dict.fromkeys(COLUMNS, pl.String))

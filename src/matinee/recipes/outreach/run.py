"""Outreach for all members of a workspace: learned from its log, decided within a budget, kept, and
handed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.clock import local_clock, zone_of
from matinee.data.histories import histories_of
from matinee.data.log import EventLog
from matinee.decision import Context, Decisions, Layer, People, Progress, Requests, Situations, no_progress
from matinee.decision.decisions import SILENT
from matinee.decision.messages import SURFACE, sent_by
from matinee.errors import BadRequest
from matinee.events import END_OF_TIME
from matinee.page import ONE_TITLE
from matinee.profile import Profile
from matinee.recipes.outreach.learning import policy_of
from matinee.recipes.outreach.sends import (
    decided_today,
    keep_policy,
    keep_sends,
    sends_today,
    to_send,
    write_sends,
)
from matinee.recipes.training import EVERY
from matinee.surfaces.outreach.config import By, OutreachConfig
from matinee.surfaces.outreach.limits import Limits, limits_of
from matinee.workspace import Workspace


class Run(NamedTuple):
    """What a run did: how many members it `counts` by what became of them, the `price` of a
    message, and the `file` of all that is to be sent today. `expected`: sends that its
    probabilities sum to. `notes` say what it could not do.
    """

    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    expected: float
    price: float
    file: Path
    notes: Sequence[str]


def outreach(
    workspace: Workspace,
    budget: int,
    now: int,
    seed: int,
    by: By = By.UPLIFT,
    config: OutreachConfig = OutreachConfig(),
    progress: Progress = no_progress,
) -> Run:
    """Decide for every member who may be written to `now` and was not decided for today (UTC).

    At most `budget` sends a day, those of earlier runs counted. A run that was cut off is completed
    by the next: what was decided stays decided, and what is to be sent stands in the day's file, but
    for members who have said no since. Chance follows `seed` and `now`, so that no two runs give one
    id. Raises `BadRequest` where the log holds events after `now`.
    """
    workspace.require()
    with workspace.writing_to_members(), workspace.consistent(), EventLog(workspace.log_path) as log:
        catalog = Catalog.load(workspace.catalog_path)
        _require_latest(log, now)
        progress("reading members", 0.0)
        before = decided_today(log, now)
        keep_sends(log, catalog, before)
        people = [one for one in log.profiles(n=EVERY) if one.messages]
        known = {user_id for batch in before for user_id in batch.requests.user_ids}
        undecided = [one for one in people if one.user_id not in known]
        requests = requests_of(log, catalog, undecided, now, workspace.time_zone)
        limits = limits_of(requests, config)
        progress("learning from what was sent", 0.2)
        policy, notes = policy_of(workspace, log, catalog, by, now, config)
        progress("deciding", 0.5)
        weighed = policy.weighed(asked := requests.take(np.flatnonzero(limits.open)))
        priced = policy.priced(weighed, budget - sends_today(log, now).height)
        decisions = priced.decide_of(asked, weighed, np.random.default_rng([seed, now]))
        progress("writing what is to be sent", 0.9)
        if len(asked):
            keep_policy(workspace, priced)
        log.decisions.append(decisions)
        keep_sends(log, catalog, [decisions])
        sends = to_send(log, catalog, now)
    counts = _counts(people, undecided, limits, decisions)
    file = write_sends(workspace, sends, now)
    return Run(counts, _by_reason(sends), _expected(decisions), priced.level.price, file, notes)


def requests_of(log: EventLog, catalog: Catalog, people: Sequence[Profile], now: int, time_zone: str) -> Requests:
    """A batch that asks about these members, as known at `now`, each by the clock on their wall."""
    arrived, user_ids = log.arrived, [one.user_id for one in people]
    events = log.read(END_OF_TIME, user_ids=user_ids, arrived=arrived)
    batch = len(people)
    return Requests(
        times=np.full(batch, now, np.int64),
        members=np.arange(batch, dtype=np.int32),
        people=People.of(people),
        histories=histories_of(events, user_ids, catalog, END_OF_TIME).by(now),
        situations=_situations(people, now, time_zone),
        surface=SURFACE,
        layout=ONE_TITLE,
        arrived=np.full(batch, arrived, np.int64),
    )


def _require_latest(log: EventLog, now: int) -> None:
    later = log.read(END_OF_TIME, since=now).height
    if later:
        raise BadRequest(f"{later:,} events of the log happened after the time given; give a time after all of them")


def _situations(people: Sequence[Profile], now: int, time_zone: str) -> Situations:
    """Where each member is by their profile, and the hour on their wall."""
    zones = [zone_of(one, None, time_zone) for one in people]
    clock = {zone: [int(one[0]) for one in local_clock(np.array([now]), zone)] for zone in set(zones)}
    each = zip(people, zones, strict=True)
    return Situations.of([Context(one.country, None, None, *clock[zone]) for one, zone in each])


def _counts(
    people: Sequence[Profile], undecided: Sequence[Profile], limits: Limits, decisions: Decisions
) -> dict[str, int]:
    sent = len(sent_by(decisions))
    return {
        "want messages": len(people),
        "decided for earlier today": len(people) - len(undecided),
        "asleep": int(np.count_nonzero(~limits.awake)),
        "had their share": int(np.count_nonzero(limits.awake & ~limits.within)),
        "written to": sent,
        "left in peace": len(decisions) - sent,
    }


def _by_reason(sends: pl.DataFrame) -> dict[str, int]:
    return dict(sends.group_by("reason").len().sort("len", "reason", descending=[True, False]).iter_rows())


def _expected(decisions: Decisions) -> float:
    """The sends that the probabilities of a batch sum to."""
    send = decisions.layer(Layer.SEND)
    made = np.exp(decisions.choices.log_probs[send])
    return float(np.where(decisions.choices.actions[send] == SILENT, 1.0 - made, made).sum())

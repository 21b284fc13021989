"""What a log tells of messages: its sends and silences, asked again with what came of them, and
what to learn by.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.asked import as_asked
from matinee.data.log import EventLog
from matinee.data.outcomes import outcomes, returned
from matinee.data.rewards import opened
from matinee.decision import Decisions, Layer
from matinee.decision.decisions import SILENT
from matinee.decision.messages import SURFACE
from matinee.errors import MatineeError
from matinee.events import DAY, END_OF_TIME
from matinee.maths.arrays import Doubles, Int64s
from matinee.models.artifacts.artifact import load_artifact
from matinee.models.effects import Effects, Trials, chance_if_sent, effect_of_sending
from matinee.recipes.audit import made_by
from matinee.recipes.registry import SCORERS
from matinee.recipes.serving import on_home
from matinee.surfaces.outreach.config import By, OutreachConfig
from matinee.surfaces.outreach.features import FEATURES
from matinee.surfaces.outreach.policy import OutreachPolicy
from matinee.workspace import Workspace

RETURN_DAYS = 2.0  # within which a member who was written to, or not, comes back to play something
LEARNED_DAYS = 90  # whose decisions an effect is learned from
MOST = 50_000  # of the latest of them
_NONE = np.zeros(0)
NOTHING = Trials(np.zeros((0, len(FEATURES))), _NONE > 0, _NONE, _NONE, _NONE.astype(np.int64), _NONE)


def policy_of(
    workspace: Workspace, log: EventLog, catalog: Catalog, by: By, now: int, config: OutreachConfig
) -> tuple[OutreachPolicy, list[str]]:
    """The policy that chooses `by` what the log tells, without a price; and what it could not
    learn, in words.
    """
    model = on_home(workspace)[0]
    artifact = load_artifact(workspace.newest_artifact(model), SCORERS, catalog)
    effects, notes = (None, list[str]()) if by is By.RANDOM else _learned(workspace, log, catalog, by, now)
    name = f"outreach-{By.RANDOM if effects is None else by}"
    made = (artifact.artifact_id, catalog, artifact.scorer, artifact.calibration, config, effects)
    return OutreachPolicy(name, *made), notes


def trials_of(workspace: Workspace, log: EventLog, catalog: Catalog, by: By, now: int) -> tuple[Trials, list[str]]:
    """What the log tells of sends and silences that were left to chance long enough ago; and what
    it cannot tell.

    The outcome is a return within `RETURN_DAYS`; by open rate it is whether the message was opened.
    """
    refused, found = dict[str, int](), list[Trials]()
    events = log.read(END_OF_TIME, since=now - LEARNED_DAYS * DAY)
    policy = cache(lambda makers, titles: made_by(workspace, catalog.first(titles), makers))
    for batch in _uncertain(log, now):
        try:
            asked = as_asked(batch, log, catalog)
            maker = policy(asked.makers, asked.catalog)
            assert isinstance(maker, OutreachPolicy)
            found.append(_trials(asked, maker, events, catalog, by))
        except MatineeError as error:
            why = str(error).partition(";")[0]
            refused[why] = refused.get(why, 0) + len(batch)
    notes = [f"{n:,} earlier decisions tell nothing: {why}" for why, n in refused.items()]
    return Trials.joined(found or [NOTHING]), notes


def _learned(
    workspace: Workspace, log: EventLog, catalog: Catalog, by: By, now: int
) -> tuple[Effects | None, list[str]]:
    trials, notes = trials_of(workspace, log, catalog, by, now)
    if not len(trials) or not trials.tell:
        sends = int(np.count_nonzero(trials.sent))
        why = f"{sends:,} sends and {len(trials) - sends:,} silences with outcomes are too few to learn from"
        return None, [*notes, f"{why}: members are drawn at random within the budget"]
    return (effect_of_sending if by is By.UPLIFT else chance_if_sent)(trials), notes


def _uncertain(log: EventLog, now: int) -> Iterator[Decisions]:
    """The latest `MOST` decisions that could have gone either way, of those with time for an
    outcome.
    """
    batches = []
    for batch in log.decisions.read(now - round(RETURN_DAYS * DAY), now - LEARNED_DAYS * DAY, SURFACE):
        send = batch.layer(Layer.SEND)
        open_to = np.flatnonzero(batch.choices.log_probs[send] < 0)
        if len(open_to):
            batches.append(batch.take(open_to))
    times = np.concatenate([np.empty(0, np.int64), *(batch.requests.times for batch in batches)])
    since = np.partition(times, len(times) - MOST)[len(times) - MOST] if len(times) > MOST else -1
    for batch in batches:
        rows = np.flatnonzero(batch.requests.times >= since)
        if len(rows):
            yield batch.take(rows)


def _trials(asked: Decisions, policy: OutreachPolicy, events: pl.DataFrame, catalog: Catalog, by: By) -> Trials:
    weighed = policy.weighed(asked.requests)
    if by is By.UPLIFT:
        came = returned(asked, events, RETURN_DAYS, apart=0).astype(np.float64)
    else:
        answers = outcomes(asked, events, catalog, RETURN_DAYS * DAY / 1e6, opened)
        came = np.minimum(asked.sums(answers.reward.astype(np.float64)), 1.0)
    members = asked.requests.user_ids.hash().to_numpy().astype(np.int64)
    return trials_with(asked, weighed.expected_features, came, members)


def trials_with(decisions: Decisions, features: Doubles, outcome: Doubles, members: Int64s) -> Trials:
    """Decisions of sends and silences as trials, with what was known of each and what came of it, (batch,) each."""
    send = decisions.layer(Layer.SEND)
    sent, made = decisions.choices.actions[send] != SILENT, np.exp(decisions.choices.log_probs[send])
    return Trials(features, sent, np.where(sent, made, 1.0 - made), outcome, members, decisions.stands_for)

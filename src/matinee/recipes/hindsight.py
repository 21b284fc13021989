"""What a workspace's log tells of a policy that never ran: its decisions, asked again of that policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.asked import as_asked
from matinee.data.log import EventLog
from matinee.data.outcomes import with_outcomes
from matinee.data.rewards import REWARDS
from matinee.data.shown_choices import shown_choices
from matinee.decision import Decisions, Distribution, Enumerates, Layer, Tell, quiet
from matinee.errors import BadData, MatineeError
from matinee.evaluate.counterfactual import Asked, Counterfactual, first_titles, gathered, judged
from matinee.evaluate.reward_model import TitleMeans
from matinee.events import DAY, END_OF_TIME
from matinee.maths.arrays import Doubles
from matinee.recipes.targets import Target, target
from matinee.workspace import Workspace


def counterfactual(
    workspace: Workspace,
    name: str,
    reward: str = "played",
    days: float = 1.0,
    since: int = 0,
    surface: str | None = None,
    tell: Tell = quiet,
) -> Counterfactual:
    """What the workspace's log tells of the policy `name`: reward within `days` of decisions made at or after `since`.

    Raises `BadData` where no decision can be asked, and what `target` raises.
    """
    workspace.require()
    with workspace.consistent(), EventLog(workspace.log_path) as log:
        catalog = Catalog.load(workspace.catalog_path)
        wanted = target(workspace, catalog, name, surface)
        records = [one for one in log.read_decisions(END_OF_TIME, since, wanted.surface) if one["user_id"]]
        if not records:
            raise BadData(
                f"the log of {workspace.folder} holds no decision of {wanted.surface!r} for a known member"
                f"{' in that time' if since else ''}; serve members first, or give another --surface or --since"
            )
        shown = _shown_with_rewards(records, log, catalog, reward, days)
        refused = Counter[str]()
        found = list(_asked(records, shown, wanted, log, catalog, refused, tell))
    if not found:
        raise BadData(f"no decision of {wanted.surface!r} can be asked of {name!r}: {_counted(refused)}")
    asked = gathered([one for one, _ in found])
    model = [one for _, one in found if one is not None]
    told = np.array(model).T if len(model) == len(found) else (None, None)
    notes = tuple(_notes(wanted, records, refused))
    return Counterfactual(name, wanted.surface, reward, days, len(found), judged(asked, *told), notes)


def _asked(
    records: list[dict[str, Any]],
    shown: pl.DataFrame,
    wanted: Target,
    log: EventLog,
    catalog: Catalog,
    refused: Counter[str],
    tell: Tell,
) -> Iterator[tuple[Asked, tuple[float, float] | None]]:
    """A batch of one for each decision that can be asked, and what a reward model says of its title and of the
    target's, where the target enumerates; `refused` counts why others could not.
    """
    rewards, members = _by_decision(shown), _numbered(shown)
    model = _model(shown, members, len(catalog)) if wanted.one_title else None
    for at, record in enumerate(records):
        tell(f"decision {at + 1:,} of {len(records):,}", at / len(records))
        try:
            decisions = as_asked(record, log, catalog)
            along = _along_choices(decisions, rewards.get(record["decision_id"], np.zeros(0)))
            if wanted.one_title:
                first = first_titles(decisions)
                decisions, along = replace(decisions, choices=decisions.choices.keep(first)), along[first]
            policy = wanted.made(decisions.makers[0], decisions.catalog)
            member = members[record["user_id"]]
            asked = Asked.of(decisions.choices, policy.log_prob(decisions), along, np.array([member]))
            predicted = None
            if model is not None and isinstance(policy, Enumerates):
                predicted = _predicted(model.of(member), policy.probabilities(decisions.requests), decisions)
        except MatineeError as error:
            refused[str(error).partition(";")[0]] += 1
            continue
        yield asked, predicted


def _model(shown: pl.DataFrame, members: Mapping[str, int], titles: int) -> TitleMeans:
    """What titles earn where they stand first."""
    first = shown.filter(pl.col("row").eq(0) & pl.col("column").eq(0))
    who = np.array([members[one] for one in first["user_id"]], np.int64)
    return TitleMeans.fit(first["item"].to_numpy(), first["reward"].to_numpy(), who, titles)


def _predicted(earns: Doubles, likely: Distribution, decisions: Decisions) -> tuple[float, float]:
    """What the title that was chosen earns by the model, and what the target's titles do on average."""
    chosen = decisions.choices.actions
    return float(earns[chosen].sum()), float(likely.probs @ earns[likely.candidates.values])


def _along_choices(decisions: Decisions, of_titles: Doubles) -> Doubles:
    """Rewards of titles, in their order, as rewards of choices (lines,)."""
    along = np.zeros(len(decisions.choices.actions))
    along[decisions.layer(Layer.TITLE)] = of_titles
    return along


def _shown_with_rewards(
    records: list[dict[str, Any]], log: EventLog, catalog: Catalog, reward: str, days: float
) -> pl.DataFrame:
    """The titles of these decisions with what each earned, in order."""
    shown, _ = shown_choices(records)
    events = log.read(END_OF_TIME, since=min(one["time"] for one in records))
    joined = with_outcomes(shown, events, catalog, days * DAY / 1e6, REWARDS[reward])
    return joined.with_columns(pl.col("reward").cast(pl.Float64))


def _by_decision(shown: pl.DataFrame) -> dict[str, Doubles]:
    """The rewards of each decision's titles, in order."""
    grouped = shown.group_by("decision_id", maintain_order=True).agg("reward")
    return {key: rewards.to_numpy() for key, rewards in zip(grouped["decision_id"], grouped["reward"], strict=True)}


def _numbered(shown: pl.DataFrame) -> dict[str, int]:
    """A number for each member."""
    return {user_id: k for k, user_id in enumerate(shown["user_id"].unique(maintain_order=True))}


def _notes(wanted: Target, records: list[dict[str, Any]], refused: Counter[str]) -> Iterator[str]:
    known = sum(one["time"] <= wanted.known_until for one in records)
    if known:
        yield (
            f"{known:,} of {len(records):,} decisions were made before the model's last event: it may have learned "
            "from what came of them, which flatters it; --since looks at later ones."
        )
    if refused:
        yield f"Decisions that could not be asked and are left out: {_counted(refused)}."


def _counted(refused: Counter[str]) -> str:
    return "; ".join(f"{count:,} ({why})" for why, count in refused.most_common(3))

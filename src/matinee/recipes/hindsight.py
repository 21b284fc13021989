"""What a workspace's log tells of a policy that never ran: its decisions, asked again of that policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

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
        batches = [_of_known(one) for one in log.decisions.read(END_OF_TIME, since, wanted.surface)]
        if not any(map(len, batches)):
            raise BadData(
                f"the log of {workspace.folder} holds no decision of {wanted.surface!r} for a known member"
                f"{' in that time' if since else ''}; serve members first, or give another --surface or --since"
            )
        shown = _shown_with_rewards(batches, log, catalog, reward, days)
        refused = Counter[str]()
        found = list(_asked(batches, shown, wanted, log, catalog, refused, tell))
    if not found:
        raise BadData(f"no decision of {wanted.surface!r} can be asked of {name!r}: {_counted(refused)}")
    asked = gathered([one for one, _ in found])
    model = [one for _, one in found if one is not None]
    told = np.array(model).T if len(model) == len(found) else (None, None)
    notes = tuple(_notes(wanted, batches, refused))
    return Counterfactual(name, wanted.surface, reward, days, len(found), judged(asked, *told), notes)


def _asked(
    batches: list[Decisions],
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
    singles = [(batch, b) for batch in batches for b in range(len(batch))]
    for at, (batch, b) in enumerate(singles):
        tell(f"decision {at + 1:,} of {len(singles):,}", at / len(singles))
        try:
            decisions = as_asked(batch.take(np.array([b])), log, catalog)
            along = _along_choices(decisions, rewards.get(batch.ids[b], np.zeros(0)))
            if wanted.one_title:
                first = first_titles(decisions)
                decisions, along = replace(decisions, choices=decisions.choices.keep(first)), along[first]
            policy = wanted.made(decisions.makers[0], decisions.catalog)
            member = members[decisions.requests.user_ids[0]]
            asked = Asked.of(decisions.choices, policy.log_prob(decisions), along, np.array([member]))
            predicted = None
            if model is not None and isinstance(policy, Enumerates):
                predicted = _predicted(model.of(member), policy.probabilities(decisions.requests), decisions)
        except MatineeError as error:
            refused[str(error).partition(";")[0]] += 1
            continue
        yield asked, predicted


def _of_known(batch: Decisions) -> Decisions:
    """The decisions that were made for a known member."""
    return batch.take(np.flatnonzero(batch.requests.user_ids.to_numpy() != ""))


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
    batches: list[Decisions], log: EventLog, catalog: Catalog, reward: str, days: float
) -> pl.DataFrame:
    """The titles of these decisions with what each earned, in order."""
    shown = shown_choices(batches)
    events = log.read(END_OF_TIME, since=int(min(one.requests.times.min() for one in batches if len(one))))
    joined = with_outcomes(shown, events, catalog, days * DAY / 1e6, REWARDS[reward])
    return joined.with_columns(pl.col("reward").cast(pl.Float64))


def _by_decision(shown: pl.DataFrame) -> dict[str, Doubles]:
    """The rewards of each decision's titles, in order."""
    grouped = shown.group_by("decision_id", maintain_order=True).agg("reward")
    return {key: rewards.to_numpy() for key, rewards in zip(grouped["decision_id"], grouped["reward"], strict=True)}


def _numbered(shown: pl.DataFrame) -> dict[str, int]:
    """A number for each member."""
    return {user_id: k for k, user_id in enumerate(shown["user_id"].unique(maintain_order=True))}


def _notes(wanted: Target, batches: list[Decisions], refused: Counter[str]) -> Iterator[str]:
    known = sum(int((one.requests.times <= wanted.known_until).sum()) for one in batches)
    if known:
        yield (
            f"{known:,} of {sum(map(len, batches)):,} decisions were made before the model's last event: it may have "
            "learned from what came of them, which flatters it; --since looks at later ones."
        )
    if refused:
        yield f"Decisions that could not be asked and are left out: {_counted(refused)}."


def _counted(refused: Counter[str]) -> str:
    return "; ".join(f"{count:,} ({why})" for why, count in refused.most_common(3))

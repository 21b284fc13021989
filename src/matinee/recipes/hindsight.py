"""What a workspace's log tells of a policy that never ran: its decisions, asked again of that policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.asked import as_asked
from matinee.data.attention import attentions, layouts_of
from matinee.data.log import EventLog
from matinee.data.outcomes import with_outcomes
from matinee.data.rewards import REWARDS
from matinee.data.seen import seen_pages
from matinee.data.shown_choices import STANDS_FOR, shown_choices
from matinee.decision import Decisions, Distribution, Enumerates, Layer, Policy, Progress, no_progress
from matinee.errors import BadData, MatineeError
from matinee.evaluate.clicks import by_clicks
from matinee.evaluate.counterfactual import Asked, Counterfactual, Part, first_titles, gathered, judged
from matinee.evaluate.reward_model import TitleMeans
from matinee.events import DAY, END_OF_TIME
from matinee.maths.arrays import Doubles, Flags, Int64s
from matinee.policies.presented import without_presentation
from matinee.recipes.targets import Target, target
from matinee.workspace import Workspace

AT_ONCE = 250  # decisions asked at a time


def counterfactual(
    workspace: Workspace,
    name: str,
    reward: str = "played",
    days: float = 1.0,
    since: int = 0,
    surface: str | None = None,
    progress: Progress = no_progress,
    seed: int = 0,
) -> Counterfactual:
    """What the workspace's log tells of the policy `name`: reward within `days` of decisions made at or after `since`.

    Pages that nothing was left to chance in are judged by the chance of clicks as well (`evaluate/clicks.py`), beside
    those that the policy draws by `seed`. Raises `BadData` where no decision can be asked, and what `target` raises.
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
        question = _Question.of(wanted, shown, batches, log, catalog, np.random.default_rng(seed))
        found = list(_answers(question, batches, refused, progress))
        clicked = _by_clicks([one.instead for one in found if one.instead is not None], shown, log, catalog)
    if not found:
        raise BadData(f"no decision of {wanted.surface!r} can be asked of {name!r}: {_counted(refused)}")
    asked = gathered([one.asked for one in found])
    earned = [one.earned for one in found if one.earned is not None]
    told = np.concatenate(earned, axis=1) if len(earned) == len(found) else (None, None)
    notes = (*_notes(wanted, batches, refused), *_of_other_candidates(asked, [one.apart for one in found]))
    parts = judged(asked, *told)
    if clicked is not None:
        parts, notes = (*parts, clicked[0]), (*notes, clicked[1])
    return Counterfactual(name, wanted.surface, reward, days, len(asked), parts, notes)


class _Answer(NamedTuple):
    """Decisions as the target sees them. Where it enumerates: what the model says that their titles and the target's
    earn, (2, decisions), and which of them were chosen among other titles than the target's, (decisions,). What it
    would show `instead` of pages that nothing was left to chance in.
    """

    asked: Asked
    earned: Doubles | None = None
    apart: Flags | None = None
    instead: pl.DataFrame | None = None


@dataclass(frozen=True)
class _Question:
    """What is asked about logged decisions: `rewards` of each one's titles in order, by its id; a number for each of
    the `members`; and what titles earn where they stand first, where one title is judged. `rng` draws what the target
    would show.
    """

    wanted: Target
    log: EventLog
    catalog: Catalog
    rewards: Mapping[str, Doubles]
    members: Mapping[str, int]
    model: TitleMeans | None
    rng: np.random.Generator

    @classmethod
    def of(
        cls,
        wanted: Target,
        shown: pl.DataFrame,
        batches: list[Decisions],
        log: EventLog,
        catalog: Catalog,
        rng: np.random.Generator,
    ) -> _Question:
        """The question for these batches and what their titles earned."""
        users = pl.concat([one.requests.user_ids for one in batches]).unique(maintain_order=True)
        members = {user_id: k for k, user_id in enumerate(users)}
        model = _model(shown, members, len(catalog)) if wanted.one_title else None
        return cls(wanted, log, catalog, _by_decision(shown), members, model, rng)

    def asked(self, logged: Decisions) -> _Answer:
        """What the target says of these decisions."""
        decisions = without_presentation(as_asked(logged, self.log, self.catalog))  # titles are presented as they were
        along = _along_choices(decisions, self.rewards)
        if self.wanted.one_title:
            first = first_titles(decisions)
            decisions, along = replace(decisions, choices=decisions.choices.keep(first)), along[first]
        policy = self.wanted.made(decisions.makers, decisions.catalog)
        members = np.array([self.members[one] for one in decisions.requests.user_ids])
        told = policy.log_prob(decisions), along, members, decisions.ids, decisions.stands_for
        asked = Asked.of(decisions.choices, *told)
        if not self.wanted.one_title:
            return _Answer(asked, instead=self._instead(policy, decisions))
        if self.model is None or not isinstance(policy, Enumerates):
            return _Answer(asked)
        likely, choices = policy.probabilities(decisions.requests), decisions.choices
        apart = np.diff(likely.candidates.offsets)[choices.decisions] != choices.among
        return _Answer(asked, _earned(self.model, members, likely, decisions), decisions.sums(apart) > 0)

    def _instead(self, policy: Policy, decisions: Decisions) -> pl.DataFrame | None:
        """The titles that the policy would show for pages that nothing was left to chance in, under their ids."""
        certain = decisions.sums((decisions.choices.log_probs < 0).astype(np.float64)) == 0
        if not certain.any():
            return None
        some = decisions.take(np.flatnonzero(certain))
        made = policy.decide(some.requests, self.rng)
        return shown_choices([replace(made, ids=some.ids, keep_probability=some.keep_probability)])


def _by_clicks(
    instead: list[pl.DataFrame], shown: pl.DataFrame, log: EventLog, catalog: Catalog
) -> tuple[Part, str] | None:
    """What clicks tell of the pages that would have been shown `instead`, and what that assumes; None without any."""
    if not instead:
        return None
    new = pl.concat(instead)
    logged = shown.filter(pl.col("decision_id").is_in(new["decision_id"].unique().implode()))
    fits = attentions(seen_pages(log.decisions.read(END_OF_TIME), log.read(END_OF_TIME), catalog))
    found = by_clicks(logged, new, layouts_of(fits))
    fitted = ", ".join(screen for screen, one in fits.items() if one.fitted)
    attention = f"fitted on {fitted}, else the prior" if fitted else "the prior, for few impressions came"
    return found, (
        f"In {found.decisions:,} decisions nothing was left to chance, so that probabilities tell nothing (IPS is "
        "refused) and the chance of clicks stands in (CIPS). It takes for granted that what comes of a title is "
        f"attention to its place times a liking that no place and no neighbour changes; attention is {attention}. "
        f"{100 * found.lost:.0f} % of the attention to the new pages goes to titles that the logged ones hardly showed."
    )


def _answers(
    question: _Question, batches: list[Decisions], refused: Counter[str], progress: Progress
) -> Iterator[_Answer]:
    """The answers, some decisions at a time, one by one where one of them cannot be asked; `refused` counts why."""
    done, total = 0, sum(map(len, batches))
    for some in _in_parts(batches, AT_ONCE):
        progress(f"decision {done + 1:,} of {total:,}", done / total)
        done += len(some)
        try:
            yield question.asked(some)
        except MatineeError:
            yield from _answers_alone(question, some, refused)


def _answers_alone(question: _Question, decisions: Decisions, refused: Counter[str]) -> Iterator[_Answer]:
    for one in _in_parts([decisions], 1):
        try:
            yield question.asked(one)
        except MatineeError as error:
            refused[str(error).partition(";")[0]] += 1


def _in_parts(batches: list[Decisions], n: int) -> Iterator[Decisions]:
    """The same decisions, at most `n` at a time."""
    for batch in batches:
        for start in range(0, len(batch), n):
            yield batch.take(np.arange(start, min(start + n, len(batch))))


def _of_known(batch: Decisions) -> Decisions:
    """The decisions that were made for a known member."""
    return batch.take(np.flatnonzero(batch.requests.user_ids.to_numpy() != ""))


def _model(shown: pl.DataFrame, members: Mapping[str, int], titles: int) -> TitleMeans:
    """What titles earn where they stand first."""
    first = shown.filter(pl.col("row").eq(0) & pl.col("column").eq(0))
    who = np.array([members[one] for one in first["user_id"]], np.int64)
    often = first.select(STANDS_FOR).to_series().to_numpy()
    return TitleMeans.fit(first["item"].to_numpy(), first["reward"].to_numpy(), who, titles, often)


def _earned(model: TitleMeans, members: Int64s, likely: Distribution, decisions: Decisions) -> Doubles:
    """(2, decisions) what the title that was chosen earns by the model, and what the target's titles do on average."""
    choices, titles = decisions.choices, likely.candidates
    chosen = decisions.sums(model.of(members[choices.decisions], choices.actions))
    each = np.repeat(members, np.diff(titles.offsets))
    return np.stack([chosen, likely.sums(likely.probs * model.of(each, titles.values))])


def _along_choices(decisions: Decisions, of_titles: Mapping[str, Doubles]) -> Doubles:
    """Rewards of each decision's titles, in their order, as rewards of choices (lines,)."""
    along = np.zeros(len(decisions.choices.actions))
    told = [of_titles[name] for name in decisions.ids if name in of_titles]
    along[decisions.layer(Layer.TITLE)] = np.concatenate([np.empty(0), *told])
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


def _notes(wanted: Target, batches: list[Decisions], refused: Counter[str]) -> Iterator[str]:
    known = sum(int((one.requests.times <= wanted.known_until).sum()) for one in batches)
    if known:
        yield (
            f"{known:,} of {sum(map(len, batches)):,} decisions were made before the model's last event: it may have "
            "learned from what came of them, which flatters it; --since looks at later ones."
        )
    often = np.concatenate([one.stands_for for one in batches])
    if (thinned := often[often > 1]).size:
        yield f"The log was thinned: {thinned.size:,} of these decisions count for about {thinned.sum():,.0f}."
    if refused:
        yield f"Decisions that could not be asked and are left out: {_counted(refused)}."


def _of_other_candidates(asked: Asked, apart: list[Flags | None]) -> Iterator[str]:
    """Which decisions were made among other titles than the target chooses from, where that is known."""
    known = [one for one in apart if one is not None]
    if len(known) == len(apart) and (other := np.concatenate(known)).any():
        yield (
            f"In {int(other.sum()):,} of {len(asked):,} decisions ({asked.named(other)}) the log chose among other "
            "titles than the new policy would."
        )


def _counted(refused: Counter[str]) -> str:
    return "; ".join(f"{count:,} ({why})" for why, count in refused.most_common(3))

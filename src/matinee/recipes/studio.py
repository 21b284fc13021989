"""The studio's page about the billboard that learns: its beliefs, what it showed, what it learned; drawn as plots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from matinee.data.log import EventLog
from matinee.decision import Requests
from matinee.errors import NotFound
from matinee.evaluate.results import Estimate
from matinee.events import DAY
from matinee.history import Histories
from matinee.maths.arrays import Doubles
from matinee.maths.intervals import NORMAL_95
from matinee.policies.arms import LinearArms
from matinee.report.courses import Series, over_days
from matinee.report.plots import spans
from matinee.service.studio import DayShown, Plot, Studio, TitleBelief, VersionKept

DAYS = 7  # of decisions that are counted
TITLES = 20  # that are told of: the best by mean, and as many shown most
DRAWN = 12  # of them on the plot
VERSIONS = 12  # that are told of, spread over those that are kept
DRAWS = 2_000  # of the best title's reward


@dataclass
class _Shown:
    """A day: how often each title was shown, and what each choice's probability was. What is thinned is older."""

    items: Counter[int] = field(default_factory=Counter)
    log_probs: list[float] = field(default_factory=list)


def studio_of(arms: LinearArms, events: EventLog, now: int) -> Studio:
    """What there is to see at `now` (microseconds since 1970, UTC). Reads the decisions of `DAYS` days."""
    shown, versions = _shown(arms, events, now), list(_versions(arms, now))
    days = [
        DayShown(_iso(day * DAY)[:10], len(one.log_probs), len(one.items), float(-np.mean(one.log_probs)))
        for day, one in sorted(shown.items())
    ]
    titles = _titles(arms, sum((one.items for one in shown.values()), Counter()), now)
    plots = _plots(titles, days, versions)
    learned = _looks(arms) - _looks(_before(arms, now // DAY * DAY))
    return Studio(arms.policy_id, arms.posterior, _iso(arms.as_of), learned, titles, days, versions, plots)


def expected_regret(means: Doubles, deviations: Doubles, probs: Doubles) -> float:
    """E[max_a X_a] - sum_a p_a m_a of independent normal rewards X_a (titles,), the best by `DRAWS` draws of seed 0."""
    draws = np.random.default_rng(0).standard_normal((DRAWS, len(means)))
    best = (means + deviations * draws).max(axis=1).mean()
    return float(max(0.0, best - probs @ means))


def _shown(arms: LinearArms, events: EventLog, now: int) -> dict[int, _Shown]:
    """The billboards of this policy by day."""
    found: dict[int, _Shown] = {}
    for decisions in events.decisions.read(now, (now // DAY - DAYS + 1) * DAY, "home"):
        choices = decisions.choices
        own = np.array([maker.policy == arms.policy_id for maker in decisions.makers], np.bool_)
        lines = np.flatnonzero(decisions.billboards & own[choices.makers])
        days = decisions.requests.times[choices.decisions[lines]] // DAY
        told = zip(days.tolist(), choices.actions[lines].tolist(), choices.log_probs[lines].tolist(), strict=True)
        for day, item, log_prob in told:
            one = found.setdefault(day, _Shown())
            one.items[item] += 1
            one.log_probs.append(log_prob)
    return found


def _titles(arms: LinearArms, shown: Counter[int], now: int) -> list[TitleBelief]:
    """The titles with the best means, and those shown most, the best first."""
    somebody = _somebody(now)
    means, deviations = (one[0] for one in arms.belief(somebody))
    offered = arms.probabilities(somebody)
    chances = np.zeros(len(means))
    chances[offered.candidates.values] = offered.probs
    allowed = np.flatnonzero(chances > 0)
    best = allowed[np.argsort(-means[allowed], kind="stable")][:TITLES].tolist()
    most = [item for item, _ in shown.most_common(TITLES) if item < len(means)]
    looks, rewards = arms.told
    return [
        TitleBelief(
            item_id=arms.catalog.item_ids[item],
            title=arms.catalog.names[item],
            mean=float(means[item]),
            low=float(means[item] - NORMAL_95 * deviations[item]),
            high=float(means[item] + NORMAL_95 * deviations[item]),
            chance=float(chances[item]),
            looks=float(looks[item]),
            reward=float(rewards[item] / looks[item]) if looks[item] > 0 else None,
            shown=shown[item],
        )
        for item in sorted({*best, *most}, key=lambda item: (-means[item], item))
    ]


def _versions(arms: LinearArms, now: int) -> Iterator[VersionKept]:
    """Some of those that are kept, oldest first."""
    somebody = _somebody(now)
    for version in np.unique(np.linspace(0, arms.posterior, VERSIONS).astype(int)).tolist():
        with suppress(NotFound):
            one = arms.at(version)
            means, deviations = (each[0] for each in one.belief(somebody))
            offered = one.probabilities(somebody)
            among = offered.candidates.values
            regret = expected_regret(means[among], deviations[among], offered.probs)
            yield VersionKept(version, _iso(one.as_of), _looks(one), regret)


def _before(arms: LinearArms, moment: int) -> LinearArms:
    """The newest version that knew nothing from `moment` on; today's where none is kept that is so old."""
    first, last = 0, arms.posterior
    while first < last:
        middle = (first + last + 1) // 2
        first, last = (middle, last) if _known_until(arms, middle) < moment else (first, middle - 1)
    try:
        return arms.at(first)
    except NotFound:
        return arms


def _known_until(arms: LinearArms, version: int) -> int:
    try:
        return arms.at(version).as_of
    except NotFound:
        return -1  # older than all that are kept


def _plots(titles: list[TitleBelief], days: list[DayShown], versions: list[VersionKept]) -> list[Plot]:
    """Nothing is drawn of what is not there yet."""
    best = [(_short(one.title), Estimate(one.mean, one.low, one.high)) for one in titles[:DRAWN]]
    about = "The best titles for somebody of whom nothing is known, with 95 % intervals."
    plots = [Plot("What is believed", spans(best, "reward of a look", digits=2, sign=False), about)] if best else []
    if len(days) > 1:
        entropy = over_days([one.day for one in days], [Series("entropy", [one.entropy for one in days])], "nats", True)
        plots.append(Plot("How much is left to chance", entropy, "Mean of −log p of the titles shown."))
    if len(versions) > 1:
        regret = [Series("regret", [one.regret for one in versions])]
        drawing = over_days([str(one.version) for one in versions], regret, "reward a decision", True)
        about = "Version by version: what the best title is expected to earn more."
        plots.append(Plot("Regret that it expects", drawing, about))
    return plots


def _looks(arms: LinearArms) -> float:
    return float(arms.told[0].sum())


def _somebody(now: int) -> Requests:
    return Requests.of_histories(Histories.empty(1), now)


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1e6, UTC).isoformat(timespec="seconds")

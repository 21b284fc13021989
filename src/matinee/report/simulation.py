"""The report on a simulation: a page of what each policy was worth over days, beside the truth of its world."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from matinee.decision.whom import listed
from matinee.evaluate.results import Estimate
from matinee.experiment.analyse import Analysis
from matinee.report import html
from matinee.report.courses import LINES, Series
from matinee.report.experiment import LABELS, series_of
from matinee.report.experiment import findings as experiment_findings
from matinee.report.words import interval, number
from matinee.simulate.result import SimulationResult

BEST = 5  # the line's key for what the best possible earns
MEASURES = {
    "plays": "plays a member",
    "reward": "reward a member",
    "enjoyment": "enjoyment a member",
    "visits": "visits a member",
    "satisfaction": "satisfaction at the end",
    "stayed": "share that stayed",
    "lately": "share that visited in the last week",
}
HEADLINES = ("plays", "reward", "satisfaction", "stayed")
OVER_DAYS = {  # column: heading, what it is, in the order of the page
    "plays": ("Plays a day", "Plays of titles that were shown; what members find by search or link does not count."),
    "satisfaction": ("Satisfaction", "The mean over the members who stay, 0 to 1."),
    "returned": ("Return rate", "The share of a day's visitors who came again within a week."),
    "members": ("Members who stay", "Those who have not cancelled."),
    "new_shown": ("New titles among those shown", "Launched in the last four weeks."),
    "new_plays": ("New titles among those played", "Launched in the last four weeks."),
}
METHOD = (
    "Every policy plays in a world of its own, all of one seed, so that members meet the same luck. Differences are "
    "taken member by member, with 95 % intervals over members.",
    "Value and regret are the truth as the world stands: the expected reward of sampled decisions, and how much more "
    "the best decision would earn.",
    "Visits follow satisfaction, and satisfaction follows what was enjoyed. Search and links bring members to titles "
    "without a policy.",
)


class Truth(NamedTuple):
    """An estimate of a policy's reward a decision, beside the truth."""

    name: str
    estimate: Estimate
    truth: float

    @property
    def held(self) -> bool:
        """Whether the interval holds the truth."""
        return self.estimate.low <= self.truth <= self.estimate.high


class Judgement(NamedTuple):
    """What the log of one policy tells of others; `untold`: why it cannot tell of some."""

    log: str
    told: Sequence[Truth]
    untold: Mapping[str, str]


@dataclass(frozen=True)
class SimulationReport:
    """What a simulation found, as a page.

    `result` the loop's numbers; `judgements` what logs tell of policies that had not made them, beside the truth;
    `experiment` what an experiment in one world found of two of the policies, with its `effect`, the truth of the last
    day. Left out, the page says nothing of them.
    """

    result: SimulationResult
    judgements: Sequence[Judgement] = ()
    experiment: Analysis | None = None
    effect: float = float("nan")

    def write_html(self, path: Path) -> None:
        """Write one file with plots and tables that needs nothing else to open."""
        page = html.page(
            "simulation.html.j2",
            names=listed(self.result.policies),
            result=self.result,
            said=list(self.findings()),
            value=self._value(),
            regret=self._lines("regret"),
            over_days_of=[(*words, self._lines(column)) for column, words in OVER_DAYS.items()],
            days=self._days,
            members=self._members(),
            differences=self._differences(),
            judgements=[(log, told, [(one.name, one.estimate) for one in told]) for log, told, _ in self.judgements],
            experiment=self.experiment,
            label="" if self.experiment is None else f"{LABELS[self.experiment.metric]} per account and day",
            effect=self.effect,
            courses=self._courses(),
            method=METHOD,
        )
        path.write_text(page, encoding="utf-8")

    def findings(self) -> Iterator[str]:
        """What the numbers say, in plain sentences."""
        first = self.result.policies[0]
        for policy in self.result.policies[1:]:
            told_of = [row for row in self._rows(self.result.differences, policy) if row["measure"] in HEADLINES]
            clear = [row for row in told_of if row["low"] > 0 or row["high"] < 0]
            told = "; ".join(f"{MEASURES[row['measure']]} {interval(_estimate(row), sign=True)}" for row in clear)
            yield f"{policy} less {first}: {told}." if told else f"{policy} and {first}: no clear difference."
        yield "Regret a decision, first day to last: " + "; ".join(self._ends("regret")) + "."
        yield from self._judged()
        if self.experiment is not None:
            yield from experiment_findings(self.experiment, f"{LABELS[self.experiment.metric]} per account and day")

    def _judged(self) -> Iterator[str]:
        told = [(one, log) for log, truths, _ in self.judgements for one in truths]
        outside = [f"{one.name} from the log of {log}" for one, log in told if not one.held]
        if told:
            missed = f", not those of {', '.join(outside)}" if outside else ""
            inside = len(told) - len(outside)
            yield f"Estimates from a log whose interval holds the truth: {inside} of {len(told)}{missed}."
        for log, _, untold in self.judgements:
            if untold:
                said = "; ".join(f"{name}, {reason}" for name, reason in untold.items())
                yield f"What the log of {log} cannot tell: {said}."

    @property
    def _days(self) -> list[str]:
        return [str(day + 1) for day in range(self.result.days["day"].n_unique())]

    def _value(self) -> list[Series]:
        """The value of each policy, and what the best decision would earn where the first one plays."""
        best = self._of(self.result.policies[0], "best")
        return [*self._lines("value"), Series("best possible", best, BEST)]

    def _lines(self, column: str) -> list[Series]:
        return [Series(one, self._of(one, column), at % (LINES - 1)) for at, one in enumerate(self.result.policies)]

    def _of(self, policy: str, column: str) -> list[float]:
        known = self.result.days.filter(policy=policy).sort("day")[column]
        return known.cast(pl.Float64).fill_null(float("nan")).to_list()

    def _ends(self, column: str) -> Iterator[str]:
        for policy in self.result.policies:
            known = [one for one in self._of(policy, column) if math.isfinite(one)]
            yield f"{policy} {number(known[0])} to {number(known[-1])}" if known else f"{policy} –"

    def _members(self) -> list[tuple[str, list[Estimate]]]:
        """A row a measure: its words, and its mean by policy."""
        means = {(row["policy"], row["measure"]): _estimate(row) for row in self.result.members.to_dicts()}
        return [(words, [means[one, key] for one in self.result.policies]) for key, words in MEASURES.items()]

    def _differences(self) -> list[tuple[str, list[tuple[str, Estimate]]]]:
        """For each further policy its difference to the first by measure, in percent of the first's mean."""
        base = {row["measure"]: row["mean"] for row in self._rows(self.result.members, self.result.policies[0])}
        return [
            (
                policy,
                [
                    (MEASURES[row["measure"]], _share(row, base[row["measure"]]))
                    for row in self._rows(self.result.differences, policy)
                    if base[row["measure"]] > 0
                ],
            )
            for policy in self.result.policies[1:]
        ]

    def _courses(self) -> list[Series]:
        if self.experiment is None:
            return []
        truth = Series("truth", [self.effect] * len(self.experiment.days), BEST)
        return [*series_of(self.experiment), *([truth] if math.isfinite(self.effect) else [])]

    @staticmethod
    def _rows(frame: pl.DataFrame, policy: str) -> list[dict[str, Any]]:
        return frame.filter(policy=policy).to_dicts()


def _estimate(row: Mapping[str, Any]) -> Estimate:
    return Estimate(row["mean"], row["low"], row["high"])


def _share(row: Mapping[str, Any], base: float) -> Estimate:
    return Estimate(*(100 * row[name] / base for name in ("mean", "low", "high")))

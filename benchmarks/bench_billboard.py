"""The billboard that learns against greedy ones, in the world: enjoyment, hidden gems, new titles, and its own log.

    python benchmarks/bench_billboard.py [--data FOLDER]

For each of `SEEDS` a world after a data set (MovieLens 100K if none is given) of `MEMBERS` members lives `DAYS` days
with each billboard, all meeting the same luck: `greedy` leaves as much to chance as `thompson`, `never` leaves nothing.
Twenty titles that hardly anybody has watched are gems: a group would love them. Writes `var/billboard.html`.

Keys: `more_enjoyment` (a member, of Thompson less greedy, over all seeds, with `_low`, `_high`) and `more_percent`;
`more_never`, the same of Thompson less the greedy one without chance; of each billboard `gems_found_...` (of `gems`,
shown in the last week ten times as often as by chance, mean over seeds) and `gems_shown_...` (decisions in all);
`new_shown_...` and `new_regret_...` (share of decisions that show a title of the last four weeks, and the regret a
decision that these pay); `entropy_...` on the last day; `truths` and `inside` (estimates from the log of the Thompson
billboard, of itself and of others, whose 95 % interval holds the truth).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine

from matinee.cli.data import fetch
from matinee.data.sources.reading import Source, read
from matinee.decision import Progress, no_progress
from matinee.evaluate.results import Estimate
from matinee.maths.mean_intervals import by_cluster, normal
from matinee.policies.arms import ArmsConfig
from matinee.recipes.billboard_trial import BillboardTrial, Course, trial
from matinee.recipes.billboards import PRIOR, linear_arms
from matinee.report.billboard import BillboardReport, Told
from matinee.report.courses import Series
from matinee.report.words import interval, number

SEEDS, MEMBERS, DAYS = (0, 1, 2), 5_000, 28
OPEN = replace(PRIOR, title_deviation=0.1)  # leaves a title room to be better than its kind
MAKERS = {
    "greedy": linear_arms("greedy", ArmsConfig(sampling=False, prior=PRIOR)),  # with `OPEN` it earns a sixth less
    "never": linear_arms("never", ArmsConfig(sampling=False, floor=1e-9, prior=PRIOR)),
    "thompson": linear_arms("thompson", ArmsConfig(prior=OPEN)),
}
VAR = Path(__file__).resolve().parents[1] / "var"
METHOD = (
    "All read the same features and learn once a day. Thompson draws each title with the probability that it is the "
    "best one, the others take the best mean; Thompson and greedy leave 1 % to chance, never leaves nothing.",
    "Titles may differ from their kind by a standard deviation of 0.1 for Thompson, 0.05 for others, which earn less "
    "with 0.1.",
    "Regret is the truth as the world stands: what the best title would have earned more. It counts every member's own "
    "best of all titles, which no billboard can know, so that it does not go to zero.",
    "A gem is found when the last week showed it ten times as often as chance would.",
    "A new title is one launched in the last four weeks, by age within the world.",
)


def run(
    progress: Progress = no_progress, data: Path | None = None, path: Path = VAR / "billboard.html"
) -> dict[str, Any]:
    """Trials of all seeds; see the top of this file for the keys."""
    dataset = read(Source.MOVIELENS, data or fetch())
    trials = [trial(dataset, MAKERS, MEMBERS, DAYS, seed, progress) for seed in SEEDS]
    found = {**_told(trials), "machine": machine()}
    _report(trials, found).write_html(path)
    return found


def _told(trials: Sequence[BillboardTrial]) -> dict[str, Any]:
    more, without = _more(trials), _more(trials, "never")
    base = np.concatenate([one.courses["greedy"].tally.sums["enjoyment"] for one in trials]).mean()
    told: dict[str, Any] = {
        "members": MEMBERS, "days": DAYS, "seeds": len(trials), "gems": len(trials[0].gems),
        "more_enjoyment": more.value, "more_enjoyment_low": more.low, "more_enjoyment_high": more.high,
        "more_percent": 100 * more.value / float(base),
        "more_never": without.value, "more_never_low": without.low, "more_never_high": without.high,
    }  # fmt: skip
    for name in MAKERS:
        courses = [one.courses[name] for one in trials]
        told[f"gems_found_{name}"] = float(np.mean([c.found(one.gems) for c, one in zip(courses, trials, strict=True)]))
        told[f"gems_shown_{name}"] = float(
            np.mean([_of_gems(c, one).sum() for c, one in zip(courses, trials, strict=True)])
        )
        told[f"new_shown_{name}"] = float(np.mean([c.new for c in courses]))
        told[f"new_regret_{name}"] = float(np.mean([c.paid for c in courses]))
        told[f"entropy_{name}"] = float(np.mean([c.entropy[-1] for c in courses]))
    truths = [one for each in trials for one in each.judgement.told]
    return {**told, "truths": len(truths), "inside": sum(one.held for one in truths)}


def _more(trials: Sequence[BillboardTrial], other: str = "greedy") -> Estimate:
    """How much more a member enjoyed with the Thompson billboard, members of all seeds paired by their luck."""
    gained = [
        one.courses["thompson"].tally.sums["enjoyment"] - one.courses[other].tally.sums["enjoyment"] for one in trials
    ]
    values = np.concatenate(gained)
    found = normal(by_cluster(values, np.arange(len(values))))
    return Estimate(found.value, found.low, found.high)


def _of_gems(course: Course, one: BillboardTrial) -> np.ndarray:
    """(days,) decisions that showed a gem."""
    return np.array(course.shown)[:, one.gems].sum(axis=1)


def _report(trials: Sequence[BillboardTrial], found: dict[str, Any]) -> BillboardReport:
    def lines(of: Callable[[Course, BillboardTrial], Sequence[float]]) -> list[Series]:
        means = {name: np.mean([of(one.courses[name], one) for one in trials], axis=0) for name in MAKERS}
        return [Series(name, values.tolist(), at) for at, (name, values) in enumerate(means.items())]

    def by_day(column: str) -> Callable[[Course, BillboardTrial], Sequence[float]]:
        return lambda course, one: one.result.days.filter(policy=course.tally.policy).sort("day")[column].to_list()

    plots = [
        ("Regret a decision", "What the best title for the member would have earned more.", lines(by_day("regret"))),
        ("Reward a decision", "What came of them.", lines(by_day("reward"))),
        (
            "Decisions that show a gem",
            "As a share of all.",
            lines(lambda c, one: _of_gems(c, one) / np.sum(c.shown, axis=1)),
        ),
        ("Decisions that show a new title", "Launched in the last four weeks.", lines(lambda c, one: c.new)),
        ("Regret that new titles pay", "A decision; the price of their start.", lines(lambda c, one: c.paid)),
        ("Entropy", "Mean of -log p, in nats.", lines(lambda c, one: c.entropy)),
    ]
    more = Estimate(*(found[f"more_enjoyment{end}"] for end in ("", "_low", "_high")))
    return BillboardReport(
        title="A billboard that learns by Thompson sampling, and a greedy one",
        lead=f"{MEMBERS:,} members, {DAYS} days, {len(trials)} seeds; {found['gems']} hidden gems in each world.",
        findings=_findings(found, more),
        days=[str(day + 1) for day in range(DAYS)],
        over_days=plots,
        judgements=[Told.of(f"thompson, seed {one.seed}", one.judgement) for one in trials],
        method=METHOD,
    )


def _findings(found: dict[str, Any], more: Estimate) -> list[str]:
    thompson, greedy, never = (found[f"gems_found_{name}"] for name in ("thompson", "greedy", "never"))
    share, paid = 100 * found["new_shown_thompson"], number(found["new_regret_thompson"], 4)
    return [
        f"A member enjoys {interval(more, 3, sign=True)} titles more with Thompson ({found['more_percent']:.1f} %).",
        f"Gems found of {found['gems']}: {thompson:.1f} by Thompson, {greedy:.1f} by greedy, {never:.1f} by never.",
        f"New titles get {share:.1f} % of Thompson's decisions, and pay {paid} of regret a decision.",
        f"Thompson's own log: {found['inside']} of {found['truths']} estimates have the truth inside their interval.",
    ]


if __name__ == "__main__":
    folder = Path(sys.argv[sys.argv.index("--data") + 1]) if "--data" in sys.argv else None
    for key, value in run(lambda stage, done: print(f"{stage}, {100 * done:.0f} %", file=sys.stderr), folder).items():
        print(key, value)

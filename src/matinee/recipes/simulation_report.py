"""A simulation as a report: the loop's numbers, an experiment between two policies, estimates beside the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy

import numpy as np

from matinee.data.dataset import Dataset
from matinee.decision import Enumerates, Learns, Policy, Progress, Requests, no_progress
from matinee.errors import NotFound
from matinee.evaluate.counterfactual import Asked, gathered, judged
from matinee.events import DAY
from matinee.experiment.analyse import analyse
from matinee.experiment.definition import Arm, Experiment
from matinee.experiment.panel import Panel
from matinee.maths.arrays import Doubles
from matinee.policies.uniform import Uniform
from matinee.recipes.billboards import Maker
from matinee.recipes.simulation import Near, play
from matinee.report.simulation import Judgement, SimulationReport, Truth
from matinee.simulate.answers import Answers
from matinee.simulate.loop import live_day
from matinee.simulate.result import SimulationResult
from matinee.simulate.split import split
from matinee.simulate.visits import Visits
from matinee.simulate.world import World

BEFORE = 4  # the experiment begins after a day in so many, so that something is known of accounts beforehand
LOGGED = 7  # days of a log from which other policies are judged
EARLIER = (1, 2, 3)  # weeks before, for versions of a policy that learns


def reported(
    dataset: Dataset,
    makers: Mapping[str, Maker],
    members: int,
    days: int,
    seed: int = 0,
    progress: Progress = no_progress,
    near: Near = lambda world, marginals: None,
) -> SimulationReport:
    """`simulation.play`, and with two policies or more what an experiment and a log tell of them, beside the truth.

    The experiment splits one world between the first two, each of which learns from its own half. The truth is that of
    more worlds, one a policy. Then the first two log a week each in their worlds, and the logs judge the others as they
    are after their days. Takes three to four times as long as `play`.
    """
    result = play(dataset, makers, members, days, seed, progress, near)
    if len(makers) < 2 or days < BEFORE:
        return SimulationReport(result)
    world = World.from_data(dataset, members, seed=seed)
    return _with_trial(result, dataset, makers, world, days, seed, progress)


def _with_trial(
    result: SimulationResult,
    dataset: Dataset,
    makers: Mapping[str, Maker],
    begun: World,
    days: int,
    seed: int,
    progress: Progress,
) -> SimulationReport:
    first, second, *_ = makers
    halves = Arm(_arm(first), 0.5), Arm(_arm(second), 0.5)
    experiment = Experiment("simulated", f"seed {seed}", halves, result.start + days // BEFORE * DAY, None, "billboard")

    def lived(*names: str) -> tuple[World, Sequence[Policy], Panel]:
        progress(f"an experiment in a world: {' and '.join(names)}", 0.0)
        world = deepcopy(begun)
        fresh = {name: makers[name](dataset, world, seed) for name in names}
        policies = [fresh[name] for name in names]
        return world, policies, split(world, experiment, policies, days, ask=billboards, progress=progress)

    alone = {name: lived(name, name) for name in makers}
    _, _, panel = lived(first, second)
    progress("judging policies from logs", 0.0)
    ended = {name: policies[0] for name, (_, policies, _) in alone.items()}
    return SimulationReport(
        result,
        [judgement(alone[name][0], name, ended, days) for name in (first, second)],
        analyse(experiment, panel, "played"),
        alone[second][2].mean - alone[first][2].mean,
    )


def billboards(world: World, visits: Visits) -> Requests:
    """What visits ask for: one title each."""
    return world.requests(visits, surface="billboard")


def judgement(world: World, log: str, policies: Mapping[str, Policy], day: int) -> Judgement:
    """What a week's log of the policy `log` from `day` on tells of others, beside the truth for the same requests.

    The others are those of `policies`, titles by chance, and where it learns itself as it was weeks before. Decisions
    are of one title; policies that do not enumerate are left out.
    """
    logging = policies[log]
    targets = {name: one for name, one in policies.items() if name != log} | dict(_earlier(log, logging))
    if not isinstance(logging, Uniform):
        targets["titles by chance"] = Uniform(world.catalog)
    able = {name: one for name, one in targets.items() if isinstance(one, Enumerates)}
    asked: dict[str, list[Asked]] = {name: [] for name in able}
    truths: dict[str, list[float]] = {name: [] for name in able}
    for at in range(day, day + LOGGED):
        for lived in live_day(world, logging, at, billboards):
            for name, policy in able.items():
                asked[name].append(_asked(lived.answers, policy))
                truths[name] += _truth(world, policy, lived.answers.decisions.requests).tolist()
    found = {name: judged(gathered(parts))[0] for name, parts in asked.items()}
    return Judgement(
        log,
        [Truth(name, one.new, float(np.mean(truths[name]))) for name, one in found.items() if not one.reason],
        {name: one.reason for name, one in found.items() if one.reason},
    )


def _earlier(name: str, policy: Policy) -> Iterator[tuple[str, Policy]]:
    """A policy that learned once a day as it was some weeks ago, where that is kept."""
    if isinstance(policy, Learns):
        for weeks in EARLIER:
            with suppress(NotFound):
                yield f"{name}, {weeks} week{'s' * (weeks > 1)} before", policy.at(policy.posterior - 7 * weeks)


def _asked(answers: Answers, policy: Policy) -> Asked:
    decisions = answers.decisions
    members = decisions.requests.members.astype(np.int64)
    return Asked.of(decisions.choices, policy.log_prob(decisions), np.nan_to_num(answers.rewards), members)


def _truth(world: World, policy: Enumerates, requests: Requests) -> Doubles:
    """(some of the batch,) the expected reward of every second request, as the place is looked at."""
    rows, columns = world.config.looks(requests.layout)
    some = requests.take(np.arange(0, len(requests), 2))
    return np.asarray(rows[0] * columns[0] * world.truth(policy, some))


def _arm(policy: str) -> str:
    """A policy's name as that of an arm."""
    return "".join(one if one.isascii() and one.isalnum() else "-" for one in policy.lower())[:64]

"""A simulation as a report: the loop's numbers, an experiment between two policies, estimates beside the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

import numpy as np

from matinee.data.dataset import Dataset
from matinee.decision import Enumerates, Policy, Requests, Tell, quiet
from matinee.evaluate.counterfactual import Asked, gathered, judged
from matinee.events import DAY
from matinee.experiment.analyse import analyse
from matinee.experiment.definition import Arm, Experiment
from matinee.experiment.panel import Panel
from matinee.recipes.billboards import Maker
from matinee.recipes.simulation import Near, play
from matinee.report.simulation import SimulationReport, Truth
from matinee.simulate.loop import live_day
from matinee.simulate.result import SimulationResult
from matinee.simulate.split import split
from matinee.simulate.visits import Visits
from matinee.simulate.world import World

BEFORE = 4  # the experiment begins after a day in so many, so that something is known of accounts beforehand
LOGGED = 7  # days of a log from which the other policies are judged


def reported(
    dataset: Dataset,
    makers: Mapping[str, Maker],
    members: int,
    days: int,
    seed: int = 0,
    tell: Tell = quiet,
    near: Near = lambda world, marginals: None,
) -> SimulationReport:
    """`simulation.play`, and with two policies or more what an experiment and a log tell of them, beside the truth.

    The experiment splits one world between the first two, each of which learns from its own half. The truth is that of
    two more worlds, one a policy. Then the first policy logs a week in its world, and the log judges the others as they
    are after their days. Takes three to four times as long as `play`.
    """
    result = play(dataset, makers, members, days, seed, tell, near)
    if len(makers) < 2 or days < BEFORE:
        return SimulationReport(result)
    world = World.from_data(dataset, members, seed=seed)
    return _with_trial(result, dataset, makers, world, days, seed, tell)


def _with_trial(
    result: SimulationResult,
    dataset: Dataset,
    makers: Mapping[str, Maker],
    begun: World,
    days: int,
    seed: int,
    tell: Tell,
) -> SimulationReport:
    first, second, *_ = makers
    halves = Arm(_arm(first), 0.5), Arm(_arm(second), 0.5)
    experiment = Experiment("simulated", f"seed {seed}", halves, result.start + days // BEFORE * DAY, None, "billboard")

    def lived(*names: str) -> tuple[World, Sequence[Policy], Panel]:
        tell(f"an experiment in a world: {' and '.join(names)}", 0.0)
        world = deepcopy(begun)
        fresh = {name: makers[name](dataset, world, seed) for name in names}
        policies = [fresh[name] for name in names]
        return world, policies, split(world, experiment, policies, days, ask=billboards, tell=tell)

    alone = {name: lived(name, name) for name in makers}
    _, _, panel = lived(first, second)
    world, (logging, _), _ = alone[first]
    targets = {name: policies[0] for name, (_, policies, _) in alone.items() if name != first}
    tell("judging policies from a log", 0.0)
    return SimulationReport(
        result,
        list(estimated(world, logging, targets, days)),
        analyse(experiment, panel, "played"),
        alone[second][2].mean - alone[first][2].mean,
    )


def billboards(world: World, visits: Visits) -> Requests:
    """What visits ask for: one title each."""
    return world.requests(visits, surface="billboard")


def estimated(world: World, logging: Policy, targets: Mapping[str, Policy], day: int) -> Iterator[Truth]:
    """What a week's log from `day` on tells of policies that did not make it, beside the truth for the same requests.

    Of decisions of one title, and of policies that enumerate. One that the log cannot tell of is left out.
    """
    able = {name: one for name, one in targets.items() if isinstance(one, Enumerates)}
    asked: dict[str, list[Asked]] = {name: [] for name in able}
    truths: dict[str, list[float]] = {name: [] for name in able}
    for at in range(day, day + LOGGED):
        for lived in live_day(world, logging, at, billboards):
            decisions, rewards = lived.answers.decisions, np.nan_to_num(lived.answers.rewards)
            rows, columns = world.looks(decisions.requests.layout)
            for name, policy in able.items():
                log_probs = policy.log_prob(decisions)
                members = decisions.requests.members.astype(np.int64)
                asked[name].append(Asked.of(decisions.choices, log_probs, rewards, members))
                truths[name] += (rows[0] * columns[0] * world.truth(policy, decisions.requests)).tolist()
    for name, parts in asked.items():
        found = judged(gathered(parts))[0]
        if not found.reason:
            yield Truth(name, found.new, float(np.mean(truths[name])))


def _arm(policy: str) -> str:
    """A policy's name as that of an arm."""
    return "".join(one if one.isascii() and one.isalnum() else "-" for one in policy.lower())[:64]

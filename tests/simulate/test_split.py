"""An experiment in a world: the better policy is found, the truth bracketed, nobody learns from another arm."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from worlds import Fixed, make_world

from matinee.data.log.log import EventLog
from matinee.events import DAY
from matinee.experiment.analyse import Verdict, analyse
from matinee.experiment.definition import Arm, Experiment
from matinee.experiment.panel import BEFORE_DAYS, panel_of
from matinee.policies.uniform import Uniform
from matinee.simulate.config import WorldConfig
from matinee.simulate.split import split

CONFIG = WorldConfig(visits=1.0)
LEAD, DAYS = 7, 28
START = CONFIG.start + LEAD * DAY
AB = Experiment("ab", "s", (Arm("uniform", 0.5), Arm("best", 0.4)), START)


def lived(policies, world=None, days=LEAD + DAYS, **options):
    world = world or make_world(3_000, 30, CONFIG, seed=3)
    return split(world, AB, policies(world), days, **options)


def best_of(world):
    return Fixed(int(np.where(world.titles.launched < 0, world.titles.appeal, -np.inf).argmax()))


@pytest.mark.slow
def test_the_better_of_two_is_found_and_its_true_effect_bracketed():
    """3,000 members, 28 days after 7: the title that appeals most against titles by chance.

    The truth: everybody under the one, and everybody under the other, in worlds of the same luck.
    """
    panel = lived(lambda world: (Uniform(world.catalog), best_of(world)))
    found = analyse(AB, panel, "played")
    (course,) = found.courses
    uniform = lived(lambda world: (Uniform(world.catalog),) * 2).mean
    best = lived(lambda world: (best_of(world),) * 2).mean
    assert best != pytest.approx(uniform, abs=0.005)
    assert course.verdict is (Verdict.BETTER if best > uniform else Verdict.WORSE)
    assert course.lows[-1] < best - uniform < course.highs[-1]
    assert not found.ratio.alarm


def test_the_panel_is_what_the_log_says(tmp_path):
    with EventLog(tmp_path / "log.db") as log:
        world = make_world(60, 30, CONFIG, seed=3)
        direct = lived(lambda world: (Uniform(world.catalog),) * 2, world, LEAD + 3, log=log)
        now = START + 3 * DAY
        events = log.read(now, since=START - BEFORE_DAYS * DAY)
        told = panel_of(AB, log.decisions.read(now, since=START), events, "played", now)
    assert len(direct.arms) > 30
    assert table(direct) == table(told)


def table(panel):
    """What is known of each account, in an order that numbers do not move."""
    days = np.zeros((len(panel.arms), panel.length))
    days[panel.accounts, panel.days] = panel.values
    return sorted(zip(panel.arms.tolist(), panel.entered.tolist(), panel.before.tolist(), days.tolist(), strict=True))


@dataclass
class Listener:
    """Uniform, and remembers what it was taught."""

    policy: Uniform
    posterior: int = 0
    arms: list = field(default_factory=list)

    def decide(self, requests, rng):
        return self.policy.decide(requests, rng)

    def log_prob(self, decisions):
        return self.policy.log_prob(decisions)

    def learn(self, decisions, rewards):
        self.arms.append(decisions.requests.cells.arms[:, 0])

    def at(self, posterior):
        return self

    def save(self, folder):
        pass


def test_a_learner_in_an_arm_learns_from_its_own_rows_alone():
    world = make_world(200, 30, CONFIG)
    learners = [Listener(Uniform(world.catalog)) for _ in range(2)]
    lived(lambda world: learners, world, LEAD + 3)
    for arm, learner in enumerate(learners):
        taught = np.concatenate(learner.arms)
        assert len(learner.arms) == 3  # once a day since the start
        assert (taught == arm).all()


def test_batches_move_nothing():
    one, other = (lived(lambda world: (Uniform(world.catalog),) * 2, make_world(300, 30, CONFIG), 9, at_once=n)
                  for n in (97, 100_000))  # fmt: skip
    assert table(one) == table(other)

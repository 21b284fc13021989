"""In a world: choosing by what a message adds beats choosing by who opens, and half of it beats the whole."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.recipes.outreach.trial import Arm, Result, trial
from matinee.simulate.persuasion import Nature
from matinee.simulate.world import World
from matinee.surfaces.outreach.config import By
from matinee.testing import make_catalog

MEMBERS, TITLES = 4_000, 30
SURE = 3.3  # standard errors: two arms that are equal pass one test in 2,000


class Appeal:
    """The same for everybody: how likely a title is to be played."""

    def __init__(self, world: World) -> None:
        self.appeal = world.titles.appeal_on(0, world.config)

    def score(self, requests: Requests) -> np.ndarray:
        return np.tile(self.appeal.astype(np.float32), (len(requests), 1))


def make_world(seed: int = 4) -> World:
    return World.drawn(MEMBERS, make_catalog(TITLES), seed=seed)


@pytest.fixture(scope="module")
def result() -> Result:
    world = make_world()
    arms = {"uplift": Arm(By.UPLIFT, 0.1), "half": Arm(By.UPLIFT, 0.05), "open-rate": Arm(By.OPEN_RATE, 0.1)}
    return trial(world, Appeal(world), arms, learning=10, days=14, lucks=2)


def test_uplift_beats_open_rate_at_the_same_budget_and_half_of_it_beats_the_whole(result):
    for name in ("uplift", "half"):
        found = result.ahead(name, "open-rate")
        deviation = (found.high - found.low) / 2 / 1.96
        assert found.value > SURE * deviation, name
    budgets = {name: played.sends.sum() for name, played in result.arms.items()}
    assert budgets["half"] == pytest.approx(budgets["open-rate"] / 2, rel=0.05)
    assert budgets["uplift"] == pytest.approx(budgets["open-rate"], rel=0.05)


def test_open_rate_writes_to_those_who_come_anyway(result):
    sure = {name: played.sends[Nature.SURE] / played.sends.sum() for name, played in result.arms.items()}
    assert sure["open-rate"] > 0.5
    assert sure["uplift"] < sure["open-rate"] - 0.1


def test_the_random_log_tells_what_arms_are_worth_before_they_are_played(result):
    """Intervals of 95 %, three of them, widened to 99.9 %: one seed in 300 would fail by chance."""
    for name, (told, truth) in result.judged.items():
        assert abs(told.value - truth) < SURE * (told.high - told.low) / 2 / 1.96, name

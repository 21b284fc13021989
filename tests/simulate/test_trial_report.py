"""A simulation as a report: the experiment and the estimates agree with the truth of the world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from worlds import Fixed, decided, make_world

from matinee.decision import Distribution
from matinee.decision.eligibility import eligible
from matinee.experiment.analyse import Verdict
from matinee.maths.ragged import Ragged
from matinee.policies.uniform import Uniform
from matinee.recipes import simulation, simulation_report
from matinee.recipes.simulation_report import judgement, reported
from matinee.simulate.loop import simulate
from matinee.simulate.world import World
from matinee.testing import make_catalog


@dataclass(frozen=True)
class Favoured:
    """Titles in proportion to these weights (titles,)."""

    world: object
    weights: np.ndarray

    def decide(self, requests, rng):
        probs = self._probs(requests)
        drawn = rng.integers(2**53, size=len(requests)) * 2.0**-53
        items = np.minimum((probs.cumsum(axis=1) <= drawn[:, None]).sum(axis=1), len(self.weights) - 1)
        made = decided(requests, items, "favoured")
        made.choices.log_probs[:] = np.log(probs[np.arange(len(items)), items])
        return made

    def log_prob(self, decisions):
        choices = decisions.choices
        return np.log(self._probs(decisions.requests)[choices.decisions, choices.actions])

    def probabilities(self, requests):
        probs = self._probs(requests)
        lists = [np.flatnonzero(row).astype(np.int32) for row in probs]
        return Distribution(Ragged.of(lists), probs[probs > 0])

    def _probs(self, requests):
        weights = eligible(self.world.catalog, requests) * self.weights
        return weights / weights.sum(axis=1, keepdims=True)


def uniform(dataset, world, seed):
    return Uniform(world.catalog)


def favoured(dataset, world, seed):
    """The titles that appeal, forty times the others."""
    appeal = world.titles.appeal
    return Favoured(world, np.where(appeal > np.quantile(appeal, 0.95), 40.0, 1.0))


@pytest.fixture(scope="module")
def report():
    """Of a drawn world, which costs no fit."""
    with pytest.MonkeyPatch.context() as patch:
        drawn = partial(World.drawn, catalog=make_catalog(100))
        patch.setattr(World, "from_data", lambda dataset, members, seed: drawn(members, seed=seed))
        patch.setattr(simulation, "nearness", lambda dataset, seed: ())
        return reported(None, {"uniform": uniform, "Favoured ones": favoured}, 800, 16)


def test_the_experiment_and_the_estimates_agree_with_the_truth(report, tmp_path):
    (course,) = report.experiment.courses
    assert course.arm == "favoured-ones"
    assert course.verdict is Verdict.BETTER
    assert course.lows[-1] < report.effect < course.highs[-1]
    by_chance, by_favour = report.judgements
    assert [one.name for one in by_chance.told] == ["Favoured ones"]
    assert [one.name for one in by_favour.told] == ["uniform", "titles by chance"]
    assert all(one.held for one in (*by_chance.told, *by_favour.told))
    report.write_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Estimates against the truth" in page
    assert "An experiment in one world" in page


def test_one_policy_is_a_page_too(monkeypatch, tmp_path):
    world = make_world(60, titles=15)
    result = simulate(lambda: world, {"uniform": Uniform(world.catalog)}, 2)
    monkeypatch.setattr(simulation_report, "play", lambda *_: result)
    report = reported(None, {"uniform": uniform}, 60, 2)
    assert report.experiment is None
    report.write_html(tmp_path / "page.html")
    assert "A simulation of uniform" in (tmp_path / "page.html").read_text()


def test_what_a_log_cannot_tell_is_said():
    world = make_world(60, titles=15)
    found = judgement(world, "fixed", {"fixed": Fixed(0), "uniform": Uniform(world.catalog)}, 0)
    assert found.told == []
    assert set(found.untold) == {"uniform", "titles by chance"}
    assert "nothing was left to chance" in found.untold["uniform"]

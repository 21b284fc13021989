"""A trial of billboards in a small world: what is counted adds up, and gems are what they say."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.policies.arms import ArmsConfig
from matinee.policies.uniform import Uniform
from matinee.recipes import billboard_trial
from matinee.recipes.billboard_trial import obscure_titles, trial
from matinee.recipes.billboards import PRIOR, before_launch, factors_of, linear_arms
from matinee.report.billboard import BillboardReport, Told
from matinee.report.courses import Series
from matinee.simulate.config import WorldConfig
from matinee.simulate.gems import PULL, lovers, with_gems, with_new_gems
from matinee.simulate.world import World
from matinee.testing import make_events

MEMBERS, TITLES, DAYS = 80, 70, 3


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rng, ids = np.random.default_rng(0), [f"t{k}" for k in range(TITLES)]
    frame = pl.DataFrame({"item_id": ids, "title": ids, "genres": [[("Drama", "War")[k % 2]] for k in range(TITLES)]})
    likes = [rng.permutation(TITLES - 10)[:12].tolist() for _ in range(MEMBERS)]
    return Dataset("likes", "made up", Catalog.from_frame(frame), {}, make_events(likes))


def test_what_a_trial_counts_adds_up(dataset, monkeypatch, tmp_path):
    monkeypatch.setattr(billboard_trial, "GEMS", 3)
    makers = {"chance": lambda data, world, seed: Uniform(world.catalog),
              "thompson": linear_arms("thompson", ArmsConfig(prior=PRIOR))}  # fmt: skip
    found = trial(dataset, makers, 150, DAYS, 1)
    assert len(set(found.gems.tolist())) == 3
    for name, course in found.courses.items():
        decisions = found.result.days.filter(policy=name)["decisions"].to_list()
        assert [int(day.sum()) for day in course.shown] == decisions
        assert all(0 <= share <= 1 for share in course.new)
        assert 0 <= course.found(found.gems) <= 3
    regret = found.result.days.filter(policy="thompson")["regret"].to_list()
    assert all(paid <= 1 for paid in found.courses["thompson"].paid)
    assert found.courses["chance"].entropy[0] == pytest.approx(np.log(TITLES), abs=0.3)
    assert {one.name for one in found.judgement.told} | set(found.judgement.untold) >= {"itself", "chance"}
    page = BillboardReport(
        "Billboards", "A lead.", ["A finding."], ["1", "2", "3"],
        [("Regret", "What it is.", [Series("thompson", regret)])], [Told.of("thompson", found.judgement)], ["How."],
    )  # fmt: skip
    page.write_html(tmp_path / "billboard.html")
    text = (tmp_path / "billboard.html").read_text()
    for words in ("A finding.", "What it is.", "How.", "Regret, in numbers", f"{regret[0]:.4f}"):
        assert words in text


def test_gems_are_hidden_and_loved(dataset):
    world = World.from_data(dataset, 150, seed=0)
    obscure = obscure_titles(dataset, world)
    assert set(obscure.tolist()) <= set(range(TITLES - 10, TITLES)), "only what nobody watched"
    before = lovers(world, obscure)
    gems = with_gems(world, obscure, np.random.default_rng(0))
    assert (lovers(gems, obscure) > before).all()
    assert gems.titles.appeal[obscure] == pytest.approx(world.titles.appeal.max() + PULL)
    others = np.setdiff1d(np.arange(TITLES), obscure)
    assert (gems.titles.vectors[others] == world.titles.vectors[others]).all()
    assert (world.titles.appeal[obscure] < gems.titles.appeal[obscure]).all(), "the world itself stays as it was"


def test_new_gems_stay_what_they_are_like(dataset):
    world = World.from_data(dataset, 150, seed=0)
    items = np.flatnonzero(world.titles.vectors.any(axis=1))[:3].astype(np.int32)
    gems = with_new_gems(world, items).titles
    lengths = [np.linalg.norm(one[items].astype(np.float64), axis=1) for one in (world.titles.vectors, gems.vectors)]
    along = np.sum(world.titles.vectors[items] * gems.vectors[items], axis=1)
    np.testing.assert_allclose(along, lengths[0] * lengths[1], rtol=1e-5)
    assert gems.appeal[items] == pytest.approx(world.titles.appeal.max() + PULL)


def test_what_is_yet_to_be_launched_is_kept_from_who_learns(dataset):
    """Nobody likes those titles then: they stand where their content puts them, and are doubted."""
    world = World.from_data(dataset, 150, WorldConfig(launching=0.5), seed=0)
    later = world.titles.launched > 0
    before = before_launch(dataset, world)
    assert {world.catalog.index[one] for one in before.events["item_id"]} == set(
        np.flatnonzero(~later & (np.arange(TITLES) < TITLES - 10)).tolist()
    )
    features = factors_of(before, world, 0)
    assert (features.doubts[later] > 0.3).all()
    assert features.titles[later, 1:].any(axis=1).all()
    assert not features.doubts[~later & (np.arange(TITLES) < TITLES - 10)].any()

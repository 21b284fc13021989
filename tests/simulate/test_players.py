"""Simulations as recipes and as a command: billboards after a data set, and a workspace's home page."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from worlds import BUSY, make_world

from matinee.catalog import Catalog
from matinee.cli import app
from matinee.data.asked import as_asked
from matinee.data.log import EventLog
from matinee.policies.uniform import Uniform
from matinee.recipes.billboards import BILLBOARDS
from matinee.recipes.simulation import visit
from matinee.recipes.training import train_into
from matinee.simulate.logged import logged_requests
from matinee.simulate.loop import simulate
from matinee.simulate.world import World
from matinee.workspace import Workspace

END = 2**62


def test_a_command_plays_and_tells(ml100k, tmp_path):
    wheel = next((Path(__file__).parents[2] / "var" / "data").glob("*.whl"))  # there since `ml100k` was read
    words = [
        "simulate",
        "--members",
        "60",
        "--days",
        "2",
        "--policies",
        "uniform,billboard-thompson",
        "--json",
        "--data",
        str(wheel),
    ]
    words += ["--html", str(tmp_path / "page.html")]
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["size"] == 60
    assert len(told["days"]) == 2 * 2
    assert "distance" in ran.stdout
    assert "satisfaction" in (tmp_path / "page.html").read_text().lower()
    assert CliRunner().invoke(app, ["simulate", "--into", str(tmp_path), "--policies", "uniform"]).exit_code == 2


def test_a_billboard_that_learns_earns_more_than_chance(ml100k):
    make = partial(World.from_data, ml100k, 300)
    names = "uniform", "billboard-thompson", "billboard-thompson"
    policies = {f"{name} {at}": BILLBOARDS[name](ml100k, make(), 0) for at, name in enumerate(names)}
    result = simulate(make, policies, 4)
    reward, again = result.differences.filter(measure="reward").to_dicts()
    assert reward["low"] > 0
    assert again["mean"] == reward["mean"]


def test_decisions_with_logged_histories_can_be_asked_again(tmp_path):
    world = make_world(60, titles=15, config=replace(BUSY, click=0.8))
    policy = Uniform(world.catalog)
    with EventLog(tmp_path / "log.sqlite3") as log:
        simulate(lambda: world, {"uniform": policy}, 3, logged_requests(log, world.catalog), log=log)
        asked = [as_asked(batch, log, world.catalog) for batch in log.decisions.read(END)]
    assert max(len(one.requests.histories.items) for one in asked) > 3
    for one in asked:
        np.testing.assert_allclose(policy.log_prob(one), one.choices.log_probs, rtol=0, atol=1e-6)


@pytest.fixture
def workspace(ml100k, tmp_path):
    place = Workspace(tmp_path / "workspace")
    place.bring_in(ml100k)
    for name in ("popularity", "neighbors"):
        train_into(place, name, np.random.default_rng(0))
    return place


@pytest.mark.slow
def test_new_members_visit_a_workspace_at_each_call(workspace):
    decisions = [visit(workspace, 25, 3).days["decisions"].sum() for _ in range(2)]
    with EventLog(workspace.log_path) as log:
        made, events = list(log.decisions.read(END)), log.read(END)
        assert log.profile("sim-1-3").user_id == "sim-1-3"
    assert sum(map(len, made)) == sum(decisions) > 10
    visitors = {one for batch in made for one in batch.requests.user_ids}
    assert {user_id.rpartition("-")[0] for user_id in visitors} == {"sim-0", "sim-1"}
    answered = events.filter(kind="impression")["decision_id"]
    assert set(answered) == {one for batch in made for one in batch.ids}
    assert events.height - 100_000 >= len(answered)
    assert len(Catalog.load(workspace.catalog_path)) == 1_682

"""A running experiment in a service: logged arms, the arm's settings on the page, the same on every server."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from matinee.data.log import EventLog
from matinee.experiment.allocate import cells
from matinee.experiment.definition import Arm, Experiment, Settings
from matinee.experiment.folder import Experiments

BOLDER = Experiment("bolder", "s1", (Arm("control", 0.4), Arm("bold", 0.4, Settings(exploration=0.3))), 0)
MEMBERS = [f"m{k}" for k in range(20)]


def decided(client, log, user, **asked):
    page = client.post("/v1/home", json={"user_id": user, **asked}).json()
    return log.decisions.record(page["decision_id"])


@pytest.fixture
def experiments(tmp_path):
    return Experiments(tmp_path / "experiments")


def test_arms_are_logged_and_serve_their_settings(serve, log, experiments):
    client = serve(experiments=experiments)
    assert decided(client, log, "m1")["cells"] == {}
    experiments.start(BOLDER)
    records = {user: decided(client, log, user) for user in MEMBERS}
    arms = cells([BOLDER], pl.Series(MEMBERS)).arms[:, 0].tolist()
    assert [records[user]["cells"]["bolder"] for user in MEMBERS] == arms
    assert set(arms) == {-1, 0, 1}
    told = {-1: None, 0: None, 1: 0.3}
    assert [records[user]["exploration"] for user in MEMBERS] == [told[arm] for arm in arms]
    bold = MEMBERS[arms.index(1)]
    assert decided(client, log, bold, exploration=0.0)["exploration"] == 0.0
    experiments.stop("bolder", 10**15)
    assert decided(client, log, bold)["cells"] == {}


def test_an_account_has_one_arm_on_every_profile_and_server(serve, log, experiments, tmp_path):
    experiments.start(BOLDER)
    with EventLog(tmp_path / "log.db"):
        first, second = serve(experiments=experiments), serve(experiments=Experiments(tmp_path / "experiments"))
        for user in MEMBERS[:4]:
            first.put(f"/v1/profiles/{user}", json={"account_id": "home-7"})
        found = [decided(client, log, user, context={"device": device})["cells"]
                 for client in (first, second) for user in MEMBERS[:4] for device in ("tv", "mobile")]  # fmt: skip
    assert len(found) == 16
    assert all(one == found[0] for one in found)


def test_nobody_in_particular_is_in_no_arm(serve, log, experiments):
    experiments.start(replace(BOLDER, surface="similar"))
    page = serve(experiments=experiments).post("/v1/similar", json={"item_id": "t1"}).json()
    assert log.decisions.record(page["decision_id"])["cells"] == {"bolder": -1}

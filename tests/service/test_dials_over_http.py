"""Dials over HTTP: what is asked for reaches the policy and the log, what is left open is as the service has it."""

from __future__ import annotations

import pytest

from matinee.data.tunings import Tuning, Tunings
from matinee.decision import Dials
from matinee.errors import BadData, BadRequest

BODIES = {"home": {"user_id": "ada"}, "similar": {"item_id": "t3"}}


@pytest.mark.parametrize("surface", BODIES)
def test_dials_are_asked_for_said_and_logged(client, surface):
    asked = {**BODIES[surface], "dials": {"diversity": 0.5, "freshness": 1}}
    page = client.post(f"/v1/{surface}", json=asked).json()
    told = {"diversity": 0.5, "calibration": 0.0, "novelty": 0.0, "freshness": 1.0, "exposure": 0.0}
    assert page["dials"] == told
    assert client.get(f"/v1/decisions/{page['decision_id']}").json()["dials"] == told


def test_what_is_left_open_is_as_the_service_has_it(serve):
    stored = {"home": Tuning(0.25, Dials(0.5, novelty=0.75))}
    client = serve(tunings=lambda: stored)
    page = client.post("/v1/home", json={"user_id": "ada", "dials": {"novelty": 0}}).json()
    assert (page["dials"]["diversity"], page["dials"]["novelty"], page["exploration"]) == (0.5, 0.0, 0.25)
    assert client.post("/v1/home", json={"user_id": "ada", "exploration": 0}).json()["exploration"] == 0.0
    plain = client.post("/v1/similar", json={"item_id": "t3"}).json()
    assert (set(plain["dials"].values()), plain["exploration"]) == ({0.0}, None)
    stored["similar"] = Tuning(dials=Dials(calibration=1.0))
    assert client.post("/v1/similar", json={"item_id": "t3"}).json()["dials"]["calibration"] == 1.0


@pytest.mark.parametrize("wrong", [{"diversity": 1.5}, {"novelty": -0.1}, {"freshness": "much"}, {"loudness": 1}, 3])
def test_other_dials_are_refused_in_words(client, wrong):
    answer = client.post("/v1/home", json={"user_id": "ada", "dials": wrong})
    assert answer.status_code == 422
    assert "dials" in answer.json()["message"]


def test_the_web_page_takes_dials_and_keeps_to_them(client):
    page = client.get("/home", params={"user": "ada", "diversity": 0.75})
    assert page.status_code == 200
    assert '"diversity":0.75' in page.text.replace(" ", "").replace("&#34;", '"')
    assert client.get("/home", params={"user": "ada", "diversity": 3}).status_code == 422


def test_tunings_are_kept_and_followed_while_a_server_runs(tmp_path):
    """What is kept of one surface stays while another changes; a damaged file leaves all as it was."""
    keeper, server = Tunings(tmp_path / "dials.json"), Tunings(tmp_path / "dials.json")
    assert server() == {}
    keeper.set("home", Tuning(None, Dials(0.5)))
    keeper.set("search", Tuning(0.2))
    assert server() == {"home": Tuning(None, Dials(0.5)), "search": Tuning(0.2)}
    keeper.set("home", Tuning())
    assert server() == {"search": Tuning(0.2)}
    keeper.path.write_text('{"search": {"exploration": 7, "dials": {}}}')
    assert server() == {"search": Tuning(0.2)}
    for damaged in ("[]", "{", '{"moon": {}}', '{"home": {"dials": {}}}', '{"home": {"exploration": 2, "dials": {}}}'):
        keeper.path.write_text(damaged)
        with pytest.raises(BadData, match="says nothing of dials"):
            Tunings(keeper.path)()
    with pytest.raises(BadRequest, match="has no dials"):
        keeper.set("outreach", Tuning())

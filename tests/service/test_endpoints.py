"""Titles one by one and in order, homes by the batch, a member's data to take along, a remedy in every refusal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from matinee.service.keys import Keys


def ids(answer):
    return [one["item_id"] for one in answer.json()["titles"]]


def test_a_title_is_given_to_those_who_may_see_it(client):
    client.put("/v1/profiles/kid", json={"kids": True})
    assert client.get("/v1/titles/t7").json()["title"] == "Action Story 7 (1957)"
    assert client.get("/v1/titles/t6", params={"user_id": "kid"}).status_code == 200
    refused = client.get("/v1/titles/t7", params={"user_id": "kid"})
    assert refused.status_code == 404
    assert "Action" not in refused.text
    assert client.get("/v1/titles/none").status_code == 404


def test_the_catalogue_is_read_title_by_title(client):
    found, after = [], None
    while page := ids(client.get("/v1/titles", params={"n": 7, **({"after": after} if after else {})})):
        found += page
        after = page[-1]
    assert found == [f"t{n}" for n in range(60)]


def test_browsing_keeps_to_a_genre_and_to_what_the_member_may_see(client):
    client.put("/v1/profiles/kid", json={"kids": True})
    westerns = [f"t{n}" for n in range(0, 60, 10)]
    assert ids(client.get("/v1/titles", params={"genre": "western", "n": 100})) == westerns
    assert ids(client.get("/v1/titles", params={"genre": "Western", "after": "t20"})) == westerns[3:]
    assert ids(client.get("/v1/titles", params={"genre": "Western", "user_id": "kid"})) == ["t0", "t30"]
    assert ids(client.get("/v1/titles", params={"genre": "Western", "prefix": "story", "after": "t30"})) == [
        "t40",
        "t50",
    ]
    for wrong in ({"genre": "Opera"}, {"after": "none"}):
        assert client.get("/v1/titles", params=wrong).status_code == 404


def test_homes_come_in_the_order_asked_and_each_is_logged(client):
    asked = [{"user_id": f"m{n}", "layout": {"rows": 2, "columns": 1 + n % 3}} for n in range(7)]
    pages = client.post("/v1/homes", json={"homes": asked}).json()["pages"]
    assert [page["user_id"] for page in pages] == [one["user_id"] for one in asked]
    assert [len(page["rows"][1]["items"]) for page in pages] == [1 + n % 3 for n in range(7)]
    for page in pages:
        assert client.get(f"/v1/decisions/{page['decision_id']}").json()["user_id"] == page["user_id"]
    for wrong in ([], [{"user_id": "a"}] * 51, [{"user_id": ""}]):
        assert client.post("/v1/homes", json={"homes": wrong}).status_code == 422


def test_an_export_is_what_a_deletion_removes(client):
    client.put("/v1/profiles/team%2Fada", json={"name": "Ada"})
    sent = {"event_id": "1", "user_id": "team/ada", "kind": "play", "item_id": "t1", "value": 0.5}
    sent |= {"timestamp": "2024-01-01T20:00:00.000000Z", "source": "search"}
    before = datetime.now(UTC)
    client.post("/v1/events", json={"events": [sent, {**sent, "user_id": "bob"}]})
    page = client.post("/v1/home", json={"user_id": "team/ada"}).json()
    export = client.get("/v1/exports/team%2Fada").json()
    assert export["user_id"] == "team/ada"
    assert export["profile"]["name"] == "Ada"
    (event,) = export["events"]
    assert before <= datetime.fromisoformat(event.pop("received")) <= datetime.now(UTC)
    assert event == sent
    assert [one["decision_id"] for one in export["decisions"]] == [page["decision_id"]]
    removed = client.delete("/v1/profiles/team%2Fada").json()["removed"]
    assert removed == {"events": 1, "decisions": 1, "profiles": 1}
    nothing = {"user_id": "team/ada", "profile": None, "events": [], "decisions": []}
    assert client.get("/v1/exports/team%2Fada").json() == nothing


@pytest.mark.parametrize(
    ("verb", "path", "allowed"),
    [
        ("POST", "/v1/profiles/ada", "GET, PUT, DELETE"),
        ("GET", "/v1/home", "POST"),
        ("DELETE", "/v1/titles/t1", "GET"),
        ("POST", "/docs", "GET"),
        ("POST", "/health/live", "GET"),
        ("POST", "/static/home.js", "GET, HEAD"),
        ("TRACE", "/v1/profiles", "GET"),
    ],
)
def test_a_wrong_verb_is_told_the_right_ones(refusing, verb, path, allowed):
    answer = refusing.request(verb, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert "Allow" in answer.json()["remedy"]


def test_every_refusal_names_a_remedy(serve):
    reader = "reader-0123456789"
    keyed, client = serve(keys=Keys.of([reader])), serve()
    text = {"content-type": "application/json"}
    answers = {
        401: keyed.get("/v1/profiles"),
        403: keyed.delete("/v1/profiles/ada", headers={"x-api-key": reader}),
        404: client.get("/nowhere"),
        405: client.get("/v1/home"),
        413: client.post("/v1/home", content=b" " * 3_000_000, headers=text),
        421: client.get("/v1/profiles", headers={"host": "evil.example"}),
        422: client.post("/v1/home", json={"user_id": ""}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.json()["remedy"], status
        assert answer.headers["x-content-type-options"] == "nosniff"
    for path in ("/v1/profiles/none", "/v1/decisions/none", "/v1/titles/none"):
        assert client.get(path).json()["remedy"]


def test_a_parameter_that_no_call_knows_is_refused(client):
    client.put("/v1/profiles/kid", json={"kids": True})
    misspelt = client.get("/v1/titles", params={"prefix": "story", "userid": "kid"})
    assert misspelt.status_code == 422
    assert "userid" in misspelt.json()["message"]
    assert "user_id" in misspelt.json()["remedy"]


def test_a_body_that_is_no_json_or_is_not_called_so_is_told_what_to_send(client):
    broken = client.post("/v1/home", content=b'{"user_id": }', headers={"content-type": "application/json"}).json()
    assert "no JSON: Expecting value at character 12" in broken["message"]
    for kind in ({}, {"content-type": "text/plain"}):
        forgotten = client.post("/v1/home", content=b'{"user_id": "ada"}', headers=kind)
        assert forgotten.status_code == 422
        assert forgotten.json()["remedy"] == "send the header content-type: application/json"


def test_large_answers_are_compressed_for_those_who_ask(client):
    for path in ("/v1/titles?n=100", "/docs", "/openapi.json"):
        packed = client.get(path, headers={"accept-encoding": "gzip"})
        plain = client.get(path, headers={"accept-encoding": "identity"})
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert packed.content == plain.content
        assert int(packed.headers["content-length"]) < len(plain.content) / 2


def test_the_api_page_and_its_schema_are_rendered_once(client, monkeypatch):
    pages = [client.get(path).content for path in ("/docs", "/openapi.json")]
    monkeypatch.setattr(client.app, "openapi", lambda: pytest.fail("rendered again"))
    assert [client.get(path).content for path in ("/docs", "/openapi.json")] == pages


@pytest.mark.parametrize("path", ["/v1/profiles", "/home?user=ada", "/docs", "/metrics", "/", "/nowhere"])
def test_all_but_health_is_shed(client, path):
    gate = client.app.middleware_stack.app
    while type(gate).__name__ != "LoadShedding":
        gate = gate.app
    for lane in ("work", "public"):
        gate._in_flight[lane] = 10_000
    assert client.get(path).status_code == 503
    assert client.get("/health/live").status_code == 200

"""Nothing is taken on trust: answers are checked against the decision they name, and text against what it may hold."""

from __future__ import annotations

import json
from urllib.parse import quote

import polars as pl
import pytest

from matinee.data.log import EventLog
from matinee.service.shown import ShownLately

SHAPE = {"layout": {"rows": 3, "columns": 4, "billboard": False}}


def page_of(client, user="ada"):
    return client.post("/v1/home", json={"user_id": user, **SHAPE}).json()


def answer(page, n=0, user="ada", **fields):
    """An event about the title in row 1, column 2 of a page."""
    slot = {"decision_id": page["decision_id"], "row": 1, "column": 2}
    item = page["rows"][1]["items"][2]["item_id"]
    return {"event_id": f"e{n}", "user_id": user, "kind": "open", "item_id": item, **slot, **fields}


def post(client, *events):
    return client.post("/v1/events", json={"events": list(events)}).json()


def stored(log: EventLog, event_id: str) -> tuple:
    row = log.read(2**62).row(named=True, by_predicate=pl.col("event_id") == event_id)
    return row["decision_id"], row["row"], row["column"]


@pytest.mark.parametrize("lately", [True, False])
def test_an_answer_is_kept_with_its_decision_only_where_that_showed_the_title_there(serve, log, lately):
    client = serve()
    page, others = page_of(client), page_of(client, "bob")
    if not lately:
        service = client.app.state.service
        service._shown = ShownLately(log.decisions.get, 1)  # as after a restart: the log knows
    elsewhere = page["rows"][0]["items"][0]["item_id"]
    absent = next(f"t{n}" for n in range(60) if all(f"t{n}" != i["item_id"] for r in page["rows"] for i in r["items"]))
    events = {
        None: [
            answer(page, 0),
            answer(page, 1, row=None, column=None),
            answer(page, 2, column=None),
            answer(page, 3, kind="search", item_id=None, query="x"),
        ],
        "unknown": [answer(page, 4, decision_id="d" * 32), answer(page, 5, decision_id="x" * 1_000)],
        "another member's": [answer(others, 6), answer(others, 7, kind="search", item_id=None)],
        "not shown there": [
            answer(page, 8, item_id=elsewhere),
            answer(page, 9, item_id=absent, row=None, column=None),
            answer(page, 10, row=0),
            answer(page, 11, row=2**31 - 1),
            answer(page, 12, column=2**31 - 1),
        ],
    }
    sent = [(doubt, event) for doubt, group in events.items() for event in group]
    answers = post(client, *(event for _, event in sent))
    assert answers["accepted"] == len(sent)
    for (doubt, event), result in zip(sent, answers["results"], strict=True):
        assert result.get("decision") == doubt, event
        kept = (event["decision_id"], event["row"], event["column"]) if doubt is None else (None, None, None)
        assert stored(log, event["event_id"]) == kept


def test_a_decision_for_nobody_known_may_be_answered(client):
    page = client.post("/v1/similar", json={"item_id": "t3", "n": 5}).json()
    item = page["rows"][0]["items"][1]["item_id"]
    event = {"event_id": "1", "user_id": "ada", "kind": "open", "item_id": item, "decision_id": page["decision_id"]}
    assert post(client, event)["results"] == [{"event_id": "1", "status": "accepted"}]


def test_a_deleted_members_page_can_no_more_be_answered(client):
    page = page_of(client)
    client.delete("/v1/profiles/ada")
    assert post(client, answer(page))["results"][0]["decision"] == "unknown"


def test_an_event_id_taken_by_one_member_is_free_for_another(client, log):
    page = page_of(client)
    seen = f"seen:{page['decision_id']}:1:2"
    guessed = {"event_id": seen, "user_id": "mallory", "kind": "open", "item_id": "t1"}
    own = answer(page, event_id=seen)
    results = post(client, guessed)["results"] + post(client, own, guessed, own)["results"]
    assert [one["status"] for one in results] == ["accepted", "accepted", "duplicate", "duplicate"]
    assert log.read(2**62).height == 2


@pytest.mark.parametrize("bad", ["clip\ud83d", "a\x00b", "tab\t", "\x7f", "\x85", "line\n"])
@pytest.mark.parametrize("field", ["event_id", "user_id", "item_id", "query", "device", "language", "decision_id"])
def test_text_that_cannot_be_kept_is_rejected_alone(refusing, field, bad):
    good = {"event_id": f"good {field} {bad!r}", "user_id": "ada", "kind": "open", "item_id": "t1"}
    answered = post_raw(refusing, "/v1/events", {"events": [good, {**good, "event_id": "bad", field: bad}]})
    assert answered.status_code == 200
    first, second = answered.json()["results"]
    assert (first["status"], second["status"]) == ("accepted", "rejected")
    assert field in second["reason"]
    assert "control characters" in second["reason"]


def post_raw(client, path, body, verb="POST"):
    """Send JSON in ASCII, which may name halves of a surrogate pair."""
    return client.request(verb, path, content=json.dumps(body), headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    "user_id", ["team/alice", "team/", "/", "a//b", "..", "a/../b", "?x#y", "100%", "a b", "é🎬", "export", ";,"]
)
def test_whatever_id_an_event_carries_can_be_asked_limited_and_deleted(client, log, user_id):
    event = {"event_id": "1", "user_id": user_id, "kind": "open", "item_id": "t1"}
    assert post(client, event)["accepted"] == 1
    address = f"/v1/profiles/{quote(user_id, safe='').replace('.', '%2E')}"
    assert client.put(address, json={"kids": True}).json()["user_id"] == user_id
    assert client.get(address).json()["kids"] is True
    removed = {"events": 1, "decisions": 0, "profiles": 1}
    assert client.delete(address).json() == {"user_id": user_id, "removed": removed}
    assert log.read(2**62).height == 0


def test_an_id_with_control_characters_is_no_new_profile_but_an_old_one_can_be_deleted(client):
    for address in ("/v1/profiles/a%00b", "/v1/profiles/a%0Ab"):
        refused = client.put(address, json={})
        assert refused.status_code == 422
        assert "control characters" in refused.json()["message"]
        assert client.delete(address).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/profiles/ada", {"kids": 0}),
        ("/v1/profiles/ada", {"kids": "yes"}),
        ("/v1/profiles/ada", {"maturity_limit": "7"}),
        ("/v1/profiles/ada", {"name": 7}),
        ("/v1/home", {"user_id": 7}),
        ("/v1/home", {"user_id": "ada", "explain": 1}),
        ("/v1/home", {"user_id": "ada", "exploration": "0.5"}),
        ("/v1/home", {"user_id": "ada", "exploration": True}),
        ("/v1/home", {"user_id": "ada", "layout": {"rows": 3.5}}),
        ("/v1/home", {"user_id": "ada", "context": {"hour": "20"}}),
    ],
)
def test_nothing_is_converted(refusing, path, body):
    answered = refusing.request("PUT" if "profiles" in path else "POST", path, json=body)
    assert answered.status_code == 422
    assert "should be a valid" in answered.json()["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"row": "3"},
        {"row": 1.5},
        {"value": "0.5"},
        {"value": True},
        {"timestamp": "12"},
        {"timestamp": True},
        {"query": 1},
    ],
)
def test_nothing_in_an_event_is_converted(refusing, fields):
    event = {"event_id": "1", "user_id": "ada", "kind": "open", "item_id": "t1", **fields}
    assert post(refusing, event)["rejected"] == 1


@pytest.mark.parametrize("exploration", [5e-324, 2.2e-311, 1e-12])
def test_next_to_no_exploration_is_none(refusing, exploration):
    page = refusing.post("/v1/home", json={"user_id": "ada", "exploration": exploration}).json()
    assert page["log_prob"] is not None

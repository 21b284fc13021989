"""Outreach over HTTP: a message or silence, counted at once; the inbox; and a no that holds with the next request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from service_fakes import outreach_of, small_catalog

from matinee.decision import Layer
from matinee.errors import Overloaded
from matinee.service.records import Records

TIMES = {"context": {"hour": 18}}


@pytest.fixture
def client(serve):
    catalog = small_catalog()
    return serve(catalog=catalog, policies={"outreach": [("plain", outreach_of(catalog))]})


def wants(client, user: str = "ada", messages: bool = True, **fields) -> None:
    assert client.put(f"/v1/profiles/{user}", json={"messages": messages, **fields}).json()["messages"] is messages


def write_to(client, user: str = "ada", **fields) -> dict:
    answer = client.post("/v1/outreach", json={"user_id": user, **TIMES, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_message_is_logged_counted_and_in_the_inbox(client, log):
    wants(client)
    sent = write_to(client)
    assert sent["message"]["message"] == f"We think you would like {sent['message']['title']['title']}."
    record = log.decisions.record(sent["decision_id"])
    assert record["choices"]["layers"] == [Layer.SEND, Layer.TITLE, Layer.REASON]
    told = log.read(2**62, kinds=["message"])
    assert told.select("user_id", "item_id", "decision_id").rows() == [
        ("ada", sent["message"]["title"]["item_id"], sent["decision_id"])
    ]
    assert client.get("/v1/messages?user_id=ada").json()["messages"] == [sent["message"]]


def test_who_was_written_to_is_left_in_peace(client):
    wants(client)
    assert write_to(client)["message"]
    again = write_to(client, draw=1)
    assert again["message"] is None
    assert again["log_prob"] == 0.0


def test_nobody_is_written_to_who_did_not_ask_for_it_and_a_no_holds_with_the_next_request(client):
    assert write_to(client, "stranger")["message"] is None
    wants(client, "bob")
    wants(client, "bob", messages=False)
    assert write_to(client, "bob")["message"] is None
    wants(client)
    assert write_to(client)["message"]
    wants(client, messages=False)
    assert client.get("/v1/messages?user_id=ada").json() == {"messages": []}


def test_at_night_there_is_silence(client):
    wants(client)
    assert write_to(client, context={"hour": 3})["message"] is None


@pytest.mark.parametrize("kind", ["play", "dismiss", "thumbs_up"])
def test_what_was_answered_leaves_the_inbox(client, kind):
    wants(client)
    sent = write_to(client)
    item = sent["message"]["title"]["item_id"]
    event = {"event_id": "e", "user_id": "ada", "kind": kind, "item_id": item, "value": 1.0, "source": "outreach"}
    answered = client.post("/v1/events", json={"events": [event | {"decision_id": sent["decision_id"]}]}).json()
    assert answered["results"] == [{"event_id": "e", "status": "accepted"}]
    assert client.get("/v1/messages?user_id=ada").json() == {"messages": []}


def test_a_title_that_may_no_longer_be_seen_leaves_the_inbox(client):
    wants(client)
    item = write_to(client)["message"]["title"]["item_id"]
    wants(client, blocked_titles=[item])
    assert client.get("/v1/messages?user_id=ada").json() == {"messages": []}


def test_a_message_whose_decision_is_gone_leaves_the_inbox(client, log):
    """As where a log was thinned: no page fails for it, and who asks for the decision is told what there may be."""
    wants(client)
    sent = write_to(client)
    log.decisions.forget(2**62)
    assert client.get("/v1/messages?user_id=ada").json() == {"messages": []}
    gone = client.get(f"/v1/decisions/{sent['decision_id']}")
    assert (gone.status_code, "the log was thinned or forgot it" in gone.text) == (404, True)


def test_the_messages_of_other_systems_count(client):
    wants(client)
    now = datetime.now(UTC)
    told = [
        {"event_id": f"{k}", "user_id": "ada", "kind": "message", "item_id": "t1",
         "timestamp": (now - timedelta(days=k)).isoformat()}
        for k in (1, 3)
    ]  # fmt: skip
    assert client.post("/v1/events", json={"events": told}).json()["accepted"] == 2
    assert write_to(client)["message"] is None


def test_whoever_comes_second_on_a_day_sends_nothing(client, log, monkeypatch):
    """Another process has written today: the log takes one message a member and day."""
    wants(client)
    real = Records.note_messages

    async def late(self, decisions):
        made = datetime.fromtimestamp(decisions.requests.times[0] / 1e6, UTC)
        event = {"event_id": f"message-{made:%Y-%m-%d}", "user_id": "ada", "kind": "message", "item_id": "t1"}
        event["timestamp"] = made
        log.append_events([event])
        with pytest.raises(Overloaded, match="written to meanwhile"):
            await real(self, decisions)
        raise Overloaded("meanwhile", retry_after=1.0)

    monkeypatch.setattr(Records, "note_messages", late)
    assert client.post("/v1/outreach", json={"user_id": "ada", **TIMES}).status_code == 503
    monkeypatch.undo()
    assert write_to(client)["message"] is None


def test_the_home_page_shows_the_message_and_a_way_to_stop_them(client):
    wants(client)
    sent = write_to(client)
    page = client.get("/home?user=ada").text
    assert sent["message"]["message"].replace("'", "&#39;") in page
    assert 'id="no-messages"' in page
    wants(client, messages=False)
    assert 'id="no-messages"' not in client.get("/home?user=ada").text


def test_a_service_without_outreach_says_so(serve):
    answer = serve().post("/v1/outreach", json={"user_id": "ada"})
    assert answer.status_code == 404
    assert "nothing serves 'outreach'" in answer.text

"""Play something over HTTP: answers are events, a chain goes on from the log, and nothing comes twice."""

from __future__ import annotations

import numpy as np
import pytest
from service_fakes import small_catalog, suggestions_of

from matinee.data.asked import as_asked
from matinee.policies.uniform import Uniform
from matinee.service.keys import Keys

CATALOG = small_catalog()


POLICY = suggestions_of(CATALOG)


@pytest.fixture
def playing(serve):
    return serve(policies={"play_something": [("plain", POLICY)]})


def ask(client, **body) -> dict:
    answer = client.post("/v1/play_something", json={"user_id": "ada", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def events_of(client, user: str = "ada") -> list[tuple[str, str]]:
    return [(one["kind"], one["item_id"]) for one in client.get(f"/v1/exports/{user}").json()["events"]]


def test_one_call_answers_and_asks(playing, log):
    first = ask(playing)
    assert (first["surface"], first["step"]) == ("play_something", 0)
    second = ask(playing, after=first["decision_id"], answer="skip")
    third = ask(playing, after=second["decision_id"], answer="lighter")
    shown = [one["title"]["item_id"] for one in (first, second, third)]
    assert len(set(shown)) == 3
    assert events_of(playing) == [("skip", shown[0]), ("lighter", shown[1])]
    record = log.decisions.record(third["decision_id"])
    chain, step, suggested, answers = record["episode"]
    assert (step, suggested, answers) == (2, [CATALOG.index[one] for one in shown[:2]], [15, 18])
    assert chain == log.decisions.record(first["decision_id"])["episode"][0]


def test_what_was_logged_is_asked_again_from_the_log_alone(playing, log):
    last = ask(playing)
    for answer in ("not_now", "more_like", "thumbs_down", "heavier", "dismiss"):
        last = ask(playing, after=last["decision_id"], answer=answer)
        decisions = as_asked(log.decisions.get(last["decision_id"]), log, CATALOG)
        again = POLICY.log_prob(decisions)
        np.testing.assert_allclose(again, decisions.choices.log_probs, rtol=0, atol=1e-6)
        assert last["log_prob"] == pytest.approx(float(again.sum()), abs=1e-9)


def test_answers_may_come_as_events_and_the_latest_counts(playing, log):
    first = ask(playing)
    title = first["title"]["item_id"]
    said = {"user_id": "ada", "item_id": title, "decision_id": first["decision_id"], "row": 0, "column": 0}
    for kind in ("thumbs_up", "not_now"):
        answer = playing.post("/v1/events", json={"events": [{**said, "event_id": kind, "kind": kind}]})
        assert answer.json()["results"] == [{"event_id": kind, "status": "accepted"}]
    second = ask(playing, after=first["decision_id"])
    assert log.decisions.record(second["decision_id"])["episode"][2:] == [[CATALOG.index[title]], [16]]


def test_asking_again_because_no_reply_came_answers_once_and_gives_the_same(playing):
    first = ask(playing)
    twice = [ask(playing, after=first["decision_id"], answer="skip") for _ in range(2)]
    assert twice[0]["title"] == twice[1]["title"]
    assert events_of(playing) == [("skip", first["title"]["item_id"])]


def test_a_new_episode_leaves_out_what_was_just_passed_over_and_dismissed(playing):
    answers = [ask(playing)]
    for answer in ("skip", "dismiss"):
        answers.append(ask(playing, after=answers[-1]["decision_id"], answer=answer))
    gone = {one["title"]["item_id"] for one in answers[:2]}
    assert not gone & {ask(playing, exploration=1.0)["title"]["item_id"] for _ in range(20)}


def test_nobody_known_plays_on_too_and_no_event_is_kept(playing):
    first = playing.post("/v1/play_something", json={}).json()
    second = playing.post("/v1/play_something", json={"after": first["decision_id"], "answer": "skip"}).json()
    assert second["step"] == 1
    assert second["title"]["item_id"] != first["title"]["item_id"]


def test_an_episode_ends_when_all_was_suggested(serve):
    catalog = small_catalog(7)
    client = serve(catalog=catalog, policies={"play_something": [("uniform", Uniform(catalog))]})
    last, seen = ask(client), []
    while last["title"] is not None:
        seen.append(last["title"]["item_id"])
        last = ask(client, after=last["decision_id"], answer="skip")
    assert sorted(seen) == sorted(catalog.item_ids)
    assert ask(client, after=last["decision_id"], answer="skip")["title"] is None


def test_it_goes_on_from_no_other_decision(playing):
    first = ask(playing)
    home = playing.post("/v1/home", json={"user_id": "ada"}).json()
    bodies = (
        {"user_id": "bob", "after": first["decision_id"]},
        {"user_id": "ada", "after": home["decision_id"]},
        {"user_id": "ada", "after": "none", "answer": "skip"},
        {"user_id": "ada", "answer": "skip"},
    )
    assert [playing.post("/v1/play_something", json=one).status_code for one in bodies] == [404] * 4
    assert events_of(playing) == []


@pytest.mark.parametrize("body", [{"after": "x", "answer": "play"}, {"after": 3}, {"seeds": 1}])
def test_a_body_that_is_none_is_refused(playing, body):
    assert playing.post("/v1/play_something", json={"user_id": "ada", **body}).status_code == 422


def test_a_read_key_may_not_answer(serve):
    keys = Keys.of(read=["r" * 20], write=["w" * 20])
    client = serve(policies={"play_something": [("plain", POLICY)]}, keys=keys)
    codes = [
        client.post("/v1/play_something", json={"user_id": "ada"}, headers={"X-API-Key": key * 20}).status_code
        for key in "rw"
    ]
    assert codes == [403, 200]

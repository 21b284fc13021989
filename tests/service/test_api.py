"""What the HTTP interface promises: shapes, per-event results, limits, typed errors."""

from __future__ import annotations

import json
import math
import time

import pytest

from matinee.service.watched import Alarm, Watched


def event(n: int = 0, **fields):
    return {"event_id": f"e{n}", "user_id": "ada", "kind": "thumbs_up", "item_id": "t0", **fields}


def post_events(client, *events):
    return client.post("/v1/events", json={"events": list(events)})


def home(client, user="ada", **fields):
    return client.post("/v1/home", json={"user_id": user, **fields})


def test_a_home_page_is_complete_logged_and_says_its_probability(client):
    page = home(client, context={"country": "DK", "device": "web", "hour": 20, "weekday": 4}).json()
    assert page["surface"] == "home"
    assert page["user_id"] == "ada"
    assert page["fallback"] is None
    assert page["rows"][0]["kind"] == "billboard"
    assert len(page["rows"][0]["items"]) == 1
    total = sum(row["log_prob"] + sum(item["log_prob"] for item in row["items"]) for row in page["rows"])
    assert math.isclose(page["log_prob"], total, rel_tol=1e-9)
    assert {"item_id", "title", "column", "score", "log_prob", "reason", "genres", "image_url"} <= set(
        page["rows"][1]["items"][0]
    )
    assert page["timings"]["total"] >= page["timings"]["log"] > 0
    record = client.get(f"/v1/decisions/{page['decision_id']}").json()
    choices = record["choices"]
    shown = [f"t{action}" for action, layer in zip(choices["actions"], choices["layers"], strict=True) if layer == 2]
    assert shown == [item["item_id"] for row in page["rows"] for item in row["items"]]
    kept = 1e-6 * len(choices["log_probs"])  # the log keeps each to that
    assert math.isclose(sum(choices["log_probs"]), page["log_prob"], rel_tol=0, abs_tol=kept)
    assert record["row_names"] == [[row["kind"], *row["about"]] for row in page["rows"]]
    assert (record["context"]["country"], record["context"]["hour"], record["eligible"]) == ("DK", 20, 60)


def test_the_layout_follows_the_device_unless_it_is_given(client):
    phone = home(client, context={"device": "phone"}).json()
    assert max(len(row["items"]) for row in phone["rows"]) <= 12
    given = home(client, layout={"rows": 3, "columns": 2, "billboard": False}).json()
    assert [len(row["items"]) for row in given["rows"]] == [2, 2, 2]


def test_reasons_are_left_out_when_nobody_wants_them(client):
    assert all("reason" not in item for row in home(client, explain=False).json()["rows"] for item in row["items"])


def test_excluded_titles_and_titles_beyond_a_limit_are_not_shown(client):
    exclude = [f"t{n}" for n in range(30)] + ["of-another-catalogue"]
    shown = {item["item_id"] for row in home(client, exclude=exclude).json()["rows"] for item in row["items"]}
    assert shown
    assert not shown & set(exclude)
    client.put("/v1/profiles/kid", json={"kids": True})
    seen = {item["item_id"] for row in home(client, "kid").json()["rows"] for item in row["items"]}
    assert seen
    assert all(int(one[1:]) % 6 == 0 for one in seen)


def test_similar_titles_are_a_decision_of_one_row(client):
    page = client.post("/v1/similar", json={"item_id": "t3", "n": 5}).json()
    assert page["surface"] == "similar"
    assert len(page["rows"]) == 1
    assert len(page["rows"][0]["items"]) == 5
    assert page["rows"][0]["title"].startswith("More like ")
    assert client.get(f"/v1/decisions/{page['decision_id']}").status_code == 200
    assert client.post("/v1/similar", json={"item_id": "none"}).status_code == 404


def test_a_visitor_without_an_id_is_nobody_that_a_client_can_name(client, log):
    page = client.post("/v1/similar", json={"item_id": "t3", "n": 5}).json()
    assert page["user_id"] == ""
    for named in ("anonymous", "nobody", "%20"):
        assert client.delete(f"/v1/profiles/{named}").json()["removed"]["decisions"] == 0
    assert client.delete("/v1/profiles/").status_code in (404, 405)
    assert client.get(f"/v1/decisions/{page['decision_id']}").json()["user_id"] == ""
    assert [one for batch in log.decisions.read(2**62) for one in batch.ids] == [page["decision_id"]]
    for path, body in (("home", {"user_id": ""}), ("similar", {"item_id": "t3", "user_id": ""})):
        assert client.post(f"/v1/{path}", json=body).status_code == 422
    assert post_events(client, event(1, user_id="")).json()["rejected"] == 1


def test_similar_titles_are_none_that_the_member_turned_down_last(client):
    def similar(**fields):
        page = client.post("/v1/similar", json={"item_id": "t3", "user_id": "ada", "n": 60, **fields}).json()
        return {item["item_id"] for row in page["rows"] for item in row["items"]}

    assert {"t1", "t2", "t4", "t5"} <= similar()
    post_events(
        client,
        event(1, kind="dismiss", item_id="t1"),
        event(2, kind="thumbs_down", item_id="t2"),
        event(3, kind="thumbs_down", item_id="t4"),
        event(4, kind="play", item_id="t4", value=1.0),
        event(5, kind="dismiss", item_id="t5", user_id="bob"),
        event(6, kind="impression", item_id="t1"),
    )
    assert not similar() & {"t1", "t2"}
    assert {"t4", "t5"} <= similar()
    assert not similar(exclude=["t4"]) & {"t1", "t2", "t4"}


def test_a_like_counts_for_the_very_next_page(client):
    first = [row["title"] for row in home(client).json()["rows"]][1]
    assert first == "Action"
    post_events(client, event(1, item_id="t0"), event(2, item_id="t10"), event(3, item_id="t20"))
    assert [row["title"] for row in home(client).json()["rows"]][1] == "Western"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"kind": "teleport"}, "kind"),
        ({"item_id": None}, "item_id"),
        ({"item_id": "t9999"}, "catalogue"),
        ({"event_id": ""}, "event_id"),
        ({"kind": "play"}, "value"),
        ({"kind": "play", "value": 1.5}, "value"),
        ({"kind": "rating", "value": "much"}, "value"),
        ({"timestamp": -5}, "1970"),
        ({"timestamp": time.time() + 86_400}, "future"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"row": -1}, "row"),
        ({"column": 2**40}, "column"),
        ({"age": 40}, "age"),
        ({"user_id": "x" * 1_001}, "user_id"),
    ],
)
def test_a_bad_event_is_rejected_with_its_reason_and_costs_no_good_one(client, log, fields, word):
    answer = post_events(client, event(1), event(2, **fields), event(3)).json()
    assert [one["status"] for one in answer["results"]] == ["accepted", "rejected", "accepted"]
    assert word in answer["results"][1]["reason"]
    assert (answer["accepted"], answer["duplicate"], answer["rejected"]) == (2, 0, 1)
    assert set(log.read(2**62)["event_id"]) == {"e1", "e3"}


def test_sending_an_event_again_changes_nothing(client, log):
    assert [one["status"] for one in post_events(client, event(1), event(1)).json()["results"]] == [
        "accepted",
        "duplicate",
    ]
    assert post_events(client, event(1)).json()["duplicate"] == 1
    assert log.read(2**62).height == 1


def test_nan_in_an_event_is_rejected_and_elsewhere_refused(client):
    raw = json.dumps({"events": [event(1, kind="play", value=math.nan), event(2)]})
    answer = client.post("/v1/events", content=raw, headers={"content-type": "application/json"}).json()
    assert [one["status"] for one in answer["results"]] == ["rejected", "accepted"]
    raw = json.dumps({"user_id": "ada", "exploration": math.nan})
    assert client.post("/v1/home", content=raw, headers={"content-type": "application/json"}).status_code == 422


def test_the_server_gives_the_time_when_the_client_does_not(client, log):
    before = time.time()
    post_events(client, event(1), event(2, timestamp=1_000_000.5), event(3, timestamp="2020-01-01T00:00:00Z"))
    stamps = dict(log.read(2**62).select("event_id", "timestamp").iter_rows())
    assert before - 1 <= stamps["e1"].timestamp() <= time.time() + 1
    assert stamps["e2"].timestamp() == 1_000_000.5
    assert stamps["e3"].isoformat() == "2020-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/home", {"user_id": "ada", "colour": "red"}),
        ("/v1/home", {"user_id": ""}),
        ("/v1/home", {"user_id": "ada", "context": {"hour": 24}}),
        ("/v1/home", {"user_id": "ada", "context": {"country": "Denmark"}}),
        ("/v1/home", {"user_id": "ada", "layout": {"rows": 10_000}}),
        ("/v1/home", {"user_id": "ada", "exploration": 2}),
        ("/v1/similar", {"item_id": "t1", "n": 0}),
        ("/v1/events", {"events": []}),
        ("/v1/events", {"events": [{}] * 1_001}),
        ("/v1/events", []),
    ],
)
def test_a_wrong_body_is_refused_in_words(refusing, path, body):
    answer = refusing.post(path, json=body)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "message", "remedy"}
    assert answer.json()["error"] == "invalid"


def test_a_ten_megabyte_string_is_refused_before_it_is_read(client):
    answer = home(client, "x" * 10_000_000)
    assert answer.status_code == 413
    assert "smaller" in answer.json()["message"]
    assert home(client, "x" * 5_000).status_code == 422
    assert len(home(client, "x" * 5_000).content) < 1_000


def test_text_that_is_no_json_is_refused(client):
    for content, kind in (
        (b"{", "application/json"),
        (b'{"user_id": "ada"}', "text/plain"),
        (b"\xff", "application/json"),
    ):
        answer = client.post("/v1/home", content=content, headers={"content-type": kind})
        assert answer.status_code in (400, 422), content
        assert "error" in answer.json()


def test_an_id_longer_than_any_text_is_no_profile(client):
    assert client.put(f"/v1/profiles/{'x' * 1_000}", json={}).status_code == 200
    refused = client.put(f"/v1/profiles/{'x' * 1_001}", json={})
    assert refused.status_code == 422
    assert "1000" in refused.text


def test_profiles_are_stored_listed_and_never_hold_demographics(client):
    assert client.get("/v1/profiles/ada").status_code == 404
    stored = client.put("/v1/profiles/ada", json={"name": "Ada", "languages": ["en"], "maturity_limit": 12}).json()
    assert client.get("/v1/profiles/ada").json() == stored
    assert stored["maturity_limit"] == 12
    client.put("/v1/profiles/bob", json={})
    assert [one["user_id"] for one in client.get("/v1/profiles", params={"prefix": "ad"}).json()["profiles"]] == ["ada"]
    for field in ("age", "gender", "occupation", "zip_code"):
        assert client.put("/v1/profiles/ada", json={field: "1"}).status_code == 422


def test_a_time_zone_is_stored_and_one_that_nobody_knows_is_refused(client):
    stored = client.put("/v1/profiles/ada", json={"time_zone": "asia/tokyo"}).json()
    assert stored["time_zone"] == "Asia/Tokyo" == client.get("/v1/profiles/ada").json()["time_zone"]
    refused = client.put("/v1/profiles/ada", json={"time_zone": "Asia/Tokio"})
    assert refused.status_code == 422
    assert "Asia/Tokyo" in refused.text


def test_search_knows_what_the_member_may_see(client):
    client.put("/v1/profiles/kid", json={"kids": True})
    everyone = client.get("/v1/titles", params={"prefix": "WÉST", "n": 100}).json()["titles"]
    child = client.get("/v1/titles", params={"prefix": "west", "user_id": "kid", "n": 100}).json()["titles"]
    assert {one["item_id"] for one in everyone} == {"t0", "t10", "t20", "t30", "t40", "t50"}
    assert {one["item_id"] for one in child} == {"t0", "t30"}


def test_unknown_things_are_typed_errors(client):
    for path in ("/v1/decisions/none", "/v1/profiles/none", "/nowhere", "/posters/none.svg"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert {"error", "message"} <= set(answer.json())
    assert client.get("/v1/home").status_code == 405


def test_health_and_metrics_tell_what_happened(client):
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready"}
    home(client)
    post_events(client, event(1), event(1), {})
    text = client.get("/metrics").text
    for line in (
        'matinee_requests_total{path="/v1/home",status="200"} 1.0',
        'matinee_events_total{status="accepted"} 1.0',
        'matinee_events_total{status="duplicate"} 1.0',
        'matinee_events_total{status="rejected"} 1.0',
        "matinee_members_cached 1.0",
        "matinee_in_flight 0.0",
    ):
        assert line in text, line
    assert "matinee_commit_seconds_bucket" in text


def test_the_number_of_metric_series_does_not_grow_with_what_is_asked(client):
    for n in range(20):
        client.get(f"/v1/decisions/{n}")
        client.get(f"/{n}")
    paths = {
        line.split('path="')[1].split('"')[0] for line in client.get("/metrics").text.splitlines() if 'path="' in line
    }
    assert paths == {"/v1/decisions", "other"}


def test_every_endpoint_stands_in_the_api_page_and_in_the_documentation(client, request):
    schema = client.get("/openapi.json").json()
    page = client.get("/docs").text
    words = (request.config.rootpath / "docs" / "http.md").read_text()
    for path in schema["paths"]:
        assert f"<code>{path}</code>" in page
        assert path in words
    assert {'href="#PageOut"', 'id="PageOut"', 'id="HomeIn"'} <= set(page.replace(">", " ").split())
    assert "http://" not in page.replace("http://127.0.0.1", "")
    assert "https://" not in page


def test_alarms_degrade_the_service_and_are_over_when_they_are(serve):
    told = [Watched({"entropy": 0.1}, (Alarm("stale", "nothing is learned", "look at the disk"),))]
    client = serve(watched=lambda: told[-1])
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    alarm = {"name": "stale", "cause": "nothing is learned", "remedy": "look at the disk"}
    assert ready.json() == {"status": "degraded", "alarms": [alarm]}
    text = client.get("/metrics").text
    assert 'matinee_alarm{name="stale"} 1.0' in text
    assert 'matinee_learner{measure="entropy"} 0.1' in text
    told.append(Watched({"entropy": 2.0}))
    assert client.get("/health/ready").json() == {"status": "ready"}
    assert 'matinee_alarm{name="stale"} 0.0' in client.get("/metrics").text


def test_trainings_that_were_refused_are_an_alert(serve):
    for refused in ((), ("ease-recent",)):
        text = serve(refusals=lambda refused=refused: refused).get("/metrics").text
        assert f"matinee_trainings_refused {len(refused)}.0" in text


def test_feedback_loops_are_gauges_by_measure(serve):
    text = serve(loops=lambda: {"steps": 56, "alarm_swing": 1.0}).get("/metrics").text
    assert 'matinee_loops{measure="steps"} 56.0' in text
    assert 'matinee_loops{measure="alarm_swing"} 1.0' in text

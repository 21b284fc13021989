"""Watching together over HTTP: who watches reaches the policy and the log; whoever is nobody is refused in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from service_fakes import GenrePolicy, small_catalog

from matinee.data.asked import as_asked
from matinee.errors import BadData

CATALOG = small_catalog()


@pytest.fixture
def client(serve):
    return serve(catalog=CATALOG, policies={"together": [("genres", GenrePolicy(CATALOG))]})


@pytest.fixture
def family(client) -> list[str]:
    """Ada may see all, Bo is a child who never wants westerns, Cy has watched two titles and says nothing more."""
    for user, profile in (("ada", {"name": "Ada"}), ("bo", {"kids": True, "blocked_genres": ["Western"]})):
        assert client.put(f"/v1/profiles/{user}", json=profile).status_code == 200
    plays = [
        {"event_id": item, "user_id": "cy", "kind": "play", "item_id": item, "value": 1.0} for item in ("t1", "t6")
    ]
    assert client.post("/v1/events", json={"events": plays}).json()["accepted"] == 2
    return ["ada", "bo", "cy"]


def ask(client, *who: str, **fields):
    return client.post("/v1/together", json={"user_id": who[0], "with": list(who[1:]), **fields})


def test_who_watches_is_in_the_answer_and_in_the_log(client, family, log):
    page = ask(client, *family).json()
    assert (page["surface"], page["user_id"], page["watchers"]) == ("together", "ada", family)
    record = log.decisions.record(page["decision_id"])
    assert [one["user_id"] for one in record["together"]] == ["bo", "cy"]
    later = {"event_id": "later", "user_id": "cy", "kind": "open", "item_id": "t2"}
    client.post("/v1/events", json={"events": [later]}).raise_for_status()
    logged = replace(log.decisions.get(page["decision_id"]), catalog=len(CATALOG))
    seen = as_asked(logged, log, CATALOG).requests.together.histories
    assert [seen.take(np.array([k])).items.tolist() for k in range(2)] == [[], [1, 6]], "what each had done by then"
    other = replace(logged.requests.together, logged_digests=np.array([1, 2], np.uint64))
    with pytest.raises(BadData, match="is not the one it saw"):
        as_asked(replace(logged, requests=replace(logged.requests, together=other)), log, CATALOG)


def test_dials_are_taken_said_and_logged_on_the_page_too(client, family, log):
    page = ask(client, *family, dials={"novelty": 0.5, "freshness": 1}).json()
    assert (page["dials"]["novelty"], page["dials"]["freshness"]) == (0.5, 1.0)
    assert log.decisions.record(page["decision_id"])["dials"] == page["dials"]
    shown = client.get("/together?user=ada&with=bo&part=1&diversity=0.25").text
    assert '"diversity": 0.25' in shown


def test_only_what_each_of_them_may_see_is_shown(client, family):
    shown = {item["item_id"]: item["genres"] for row in ask(client, *family).json()["rows"] for item in row["items"]}
    assert shown, "every sixth title is for children"
    assert all(int(item[1:]) % 6 == 0 and "Western" not in genres for item, genres in shown.items())


def test_the_same_people_see_one_page_all_day_and_other_company_another(client, family):
    rows = [ask(client, *who).json()["rows"] for who in (("ada", "cy"), ("ada", "cy"), ("ada", "bo"))]
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize(
    ("who", "status", "said"),
    [
        (("ada", "zed"), 404, "there is no profile 'zed'"),
        (("ada",), 422, "at least 1"),
        (("ada", "ada"), 404, "nobody else watches"),
        (("ada", *(f"m{k}" for k in range(8))), 422, "at most 7"),
    ],
)
def test_company_that_is_none_is_refused_in_words(client, family, who, status, said):
    answer = ask(client, *who)
    assert answer.status_code == status
    assert said in answer.text


def test_whoever_is_named_twice_watches_once(client, family):
    assert ask(client, "ada", "cy", "ada", "cy").json()["watchers"] == ["ada", "cy"]


def test_a_change_of_one_of_them_counts_at_once(client, family):
    everything = {"blocked_genres": sorted({genre for row in CATALOG.titles["genres"] for genre in row})}
    assert client.put("/v1/profiles/bo", json=everything).status_code == 200
    assert ask(client, "ada", "bo").json()["rows"] == []


def test_the_web_page_asks_who_watches_and_draws_anew(client, family):
    assert "Who watches with you?" in client.get("/together?user=ada").text
    for address in ("/together?user=ada&with=bo", "/together?user=ada&with=bo&draw=5&part=1"):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "Tonight&#39;s pick for Ada and bo" in answer.text

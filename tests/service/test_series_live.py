"""Series over HTTP: told as titles are, played by episode, answered as one title with the next episode."""

from __future__ import annotations

import pytest
from service_fakes import growing, small_catalog

from matinee.data.log import EventLog

SHOW = [
    {"item_id": "show", "title": "Show", "genres": ["Comedy"]},
    {"item_id": "e1", "series": "show", "season": 1, "episode": 1, "title": "Pilot", "minutes": 40},
    {"item_id": "e2", "series": "show", "season": 1, "episode": 2, "available_from": "2020-01-01T00:00:00Z"},
]


@pytest.fixture
def client(serve):
    """A service that knows a show of two episodes."""
    client = serve(grow=growing(small_catalog()))
    assert client.post("/v1/titles", json={"titles": SHOW}).json()["added"] == 3
    return client


def play(client, item: str, value: float, **more) -> dict:
    event = {"event_id": f"{item}-{value}", "user_id": "ada", "kind": "play", "item_id": item, "value": value, **more}
    return client.post("/v1/events", json={"events": [event]}).json()


def shown(client) -> tuple[dict, dict]:
    """A page, and the place of the show on it."""
    page = client.post("/v1/home", json={"user_id": "ada"}).json()
    items = [{**item, "row": row["row"]} for row in page["rows"] for item in row["items"]]
    return page, next(one for one in items if one["item_id"] == "show")


def state(client) -> dict:
    return {one["item_id"]: one for one in client.get("/v1/state", params={"user_id": "ada"}).json()["titles"]}


def test_the_next_episode_follows_what_was_played(client):
    first = {"item_id": "e1", "season": 1, "episode": 1, "name": "Pilot", "resume": 0.0, "new": False}
    assert shown(client)[1]["next"] == client.get("/v1/titles/show").json()["next"] == first
    assert play(client, "e1", 0.4)["accepted"] == 1
    assert shown(client)[1]["next"] == {**first, "resume": 0.4}
    assert (state(client)["show"]["watched"], state(client)["show"]["next"]["item_id"]) == (0.4, "e1")
    play(client, "e1", 0.95)
    second = {"item_id": "e2", "season": 1, "episode": 2, "name": None, "resume": 0.0, "new": False}
    assert shown(client)[1]["next"] == state(client)["show"]["next"] == second
    play(client, "e2", 1.0)
    assert (state(client)["show"]["watched"], state(client)["show"]["next"]) == (1.0, first)
    assert all("next" not in one for item, one in state(client).items() if item != "show")


def test_an_episode_that_arrives_is_new_to_who_had_caught_up(client):
    play(client, "e2", 1.0)
    third = {"item_id": "e3", "series": "show", "season": 2, "episode": 1}
    assert client.post("/v1/titles", json={"titles": [third]}).json()["added"] == 1
    assert (state(client)["show"]["next"]["item_id"], state(client)["show"]["next"]["new"]) == ("e3", True)


def test_a_play_of_an_episode_answers_to_the_decision_that_showed_its_series(client, log: EventLog):
    page, place = shown(client)
    there = {"decision_id": page["decision_id"], "row": place["row"], "column": place["column"]}
    assert "decision" not in play(client, "e1", 1.0, **there)["results"][0]
    kept = log.read(2**62).row(0, named=True)
    assert (kept["item_id"], kept["decision_id"]) == ("e1", page["decision_id"])
    wrong = play(client, "e2", 1.0, **{**there, "column": place["column"] + 50})["results"][0]
    assert wrong["decision"] == "not shown there"


def test_members_read_anew_know_the_same_as_members_in_memory(client):
    for item, value in (("e1", 1.0), ("e2", 0.3)):
        play(client, item, value)
    live = state(client)
    client.post("/v1/titles", json={"titles": [{"item_id": "t0", "title": "Renamed"}]})
    assert state(client)["show"] == live["show"]


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        ({"item_id": "e9", "series": "nowhere", "season": 1, "episode": 1}, 409, "of no known title"),
        ({"item_id": "e9", "series": "show", "season": 1, "episode": 1}, 409, "season and number of another"),
        ({"item_id": "t1", "series": "show", "season": 3, "episode": 1}, 409, "have the item_id of a title"),
        ({"item_id": "e1", "title": "A title now"}, 409, "have the item_id of a title"),
        ({"item_id": "e9", "series": "show", "season": 1}, 422, "episode"),
        ({"item_id": "e9", "series": "show", "season": -1, "episode": 1}, 422, "season"),
        ({"item_id": "e9", "series": "show", "season": 1, "episode": 9, "maturity": 18}, 422, "maturity"),
    ],
)
def test_an_episode_that_cannot_be_is_refused_and_nothing_changes(client, told, status, words):
    before = shown(client)[1]["next"]
    answer = client.post("/v1/titles", json={"titles": [{"item_id": "t0", "title": "Changed"}, told]})
    assert answer.status_code == status, answer.text
    assert words in answer.json()["message"]
    assert shown(client)[1]["next"] == before
    assert client.get("/v1/titles/t0").json()["title"] != "Changed"


def test_pages_show_films_and_series_that_were_half_watched(client):
    for item, value in (("t0", 0.5), ("e1", 0.5)):
        play(client, item, value)
    for path in ("/home", "/list"):
        assert client.get(path, params={"user": "ada"}).status_code == 200
    shelf = client.get("/list", params={"user": "ada"}).text
    assert (shelf.count("data-next"), "S1 E1 – Pilot" in shelf) == (1, True)

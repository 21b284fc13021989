"""What the home page believes stands over HTTP, of what may be named; taking events back changes the next answer."""

from __future__ import annotations

import pytest

from matinee.decision.beliefs import Beliefs, GenreBelief, PersonBelief, ScreenBelief, TitleBelief
from matinee.service.web.words import compared, counted, toned


class Believing:
    """A policy that believes in every like alike."""

    def __init__(self, policy):
        self.policy, self.catalog = policy, policy.catalog

    def __getattr__(self, name):
        return getattr(self.policy, name)

    def beliefs(self, requests):
        liked = requests.histories.tastes.items.tolist()
        genres = dict.fromkeys(int(self.catalog.title_genres[item][0]) for item in liked)
        return Beliefs(
            len(liked),
            tuple(GenreBelief(genre, 1 / len(genres), 0.1, 1) for genre in genres),
            tuple(TitleBelief(item, 1 / len(liked)) for item in liked),
            (PersonBelief("Ann", 2),),
            (ScreenBelief("tv", 1.0),),
            0.5,
            0.1,
        )


@pytest.fixture
def believing(serve, deploy):
    policy = Believing(deploy().policies["home"][0][1])
    return serve(policies={"home": [("believing", policy)]})


def send(client, *acts):
    events = [
        {"event_id": f"{n} {kind} {item}", "user_id": "ada", "kind": kind, "item_id": item, "value": value}
        for n, (kind, item, value) in enumerate(acts)
    ]
    assert client.post("/v1/events", json={"events": events}).json()["accepted"] == len(acts)


def believed(client):
    return client.get("/v1/tastes", params={"user_id": "ada"}).json()


def test_each_title_says_why_it_counts_and_what_takes_it_back(believing):
    send(believing, ("rating", "t4", 0.8), ("play", "t4", 0.95), ("thumbs_up", "t7", None), ("play", "t1", 0.02))
    titles = {one["item_id"]: one for one in believed(believing)["titles"]}
    assert set(titles) == {"t4", "t7"}
    because = [(one["kind"], one["value"], one["cleared_by"]) for one in titles["t4"]["because"]]
    assert because == [("play", 0.95, "play_clear"), ("rating", 0.8, "rating_clear")]
    send(believing, *((one["cleared_by"], "t4", None) for one in titles["t4"]["because"]))
    assert [one["item_id"] for one in believed(believing)["titles"]] == ["t7"]


def test_hidden_genres_and_forbidden_titles_are_not_named(believing):
    send(believing, ("thumbs_up", "t4", None), ("thumbs_up", "t6", None), ("thumbs_up", "t7", None))
    asked = {"user_id": "ada", "genre": "Action", "wish": "never"}
    assert believing.post("/v1/wishes/genre", json=asked).status_code == 200
    found = believed(believing)
    assert [one["genre"] for one in found["genres"]] == ["Horror", "Film-Noir"]
    assert [one["item_id"] for one in found["titles"]] == ["t4", "t6"]
    believing.put("/v1/profiles/ada", json={"maturity_limit": 6, "less_genres": ["Film-Noir"]})
    found = believed(believing)
    assert [one["item_id"] for one in found["titles"]] == ["t6"]
    assert {one["genre"]: one["less"] for one in found["genres"]}["Film-Noir"]


def test_the_page_says_it_in_words_also_where_nothing_is_believed(believing, client):
    send(believing, ("thumbs_up", "t4", None))
    words = believing.get("/tastes?user=ada").text
    assert "lighter than what most watch" in words
    assert "10 times as much as most" in words
    assert "television (100 %)" in words
    assert client.get("/v1/tastes?user_id=ada").status_code == 404
    assert "does not say what it believes" in client.get("/tastes?user=ada").text


def test_words_are_true_to_their_numbers():
    genre = {"genre": "War", "titles": 1, "less": False}
    said = [compared({**genre, "share": share, "usual": 0.1}) for share in (0.31, 0.2, 0.12, 0.1, 0.05)]
    assert said == [
        "3 times as much as most",
        "twice as much as most",
        "more than most",
        "as much as most",
        "less than most",
    ]
    why = {"item_id": "t1", "timestamp": "2026-03-02T10:00:00Z", "cleared_by": ""}
    told = [("rating", 0.7), ("play", 0.4), ("play", 0.97), ("thumbs_up", None)]
    assert [counted({**why, "kind": kind, "value": value}) for kind, value in told] == [
        "You gave it 3.5 of 5 stars on 2 March 2026",
        "You watched 40% of it on 2 March 2026",
        "You watched it to the end on 2 March 2026",
        "You liked it on 2 March 2026",
    ]
    assert [toned({"tone": tone, "usual_tone": 0.0}) for tone in (-0.3, 0.05, 0.3)] == [
        "more serious than what most watch",
        "as light as what most watch",
        "lighter than what most watch",
    ]

"""Wishes hold from the next answer on, change nothing else, and all that is hidden stands in one place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from service_fakes import small_catalog

from matinee.profile import Profile
from matinee.surfaces.sway import Sway
from matinee.testing import make_events


def wish(client, wish: str, **about: str) -> dict:
    answer = client.post(
        f"/v1/wishes/{'genre' if 'genre' in about else 'title'}", json={"user_id": "ada", "wish": wish, **about}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def genres_on_page(client) -> set[str]:
    page = client.post("/v1/home", json={"user_id": "ada", "exploration": 1.0}).json()
    return {genre for row in page["rows"] for item in row["items"] for genre in item["genres"]}


def hidden(client) -> dict:
    return client.get("/v1/hidden", params={"user_id": "ada"}).json()


def send(client, *acts: tuple[str, str]) -> None:
    events = [{"event_id": f"{kind} {item}", "user_id": "ada", "kind": kind, "item_id": item} for kind, item in acts]
    assert client.post("/v1/events", json={"events": events}).json()["accepted"] == len(acts)


def test_a_hidden_genre_is_gone_from_the_very_next_answers_and_comes_back(client):
    assert "Horror" in genres_on_page(client)
    assert wish(client, "never", genre=" horror ")["blocked_genres"] == ["Horror"]
    assert "Horror" not in genres_on_page(client)
    assert client.get("/v1/titles/t4", params={"user_id": "ada"}).status_code == 404
    assert hidden(client)["genres"] == client.get("/v1/state?user_id=ada").json()["blocked_genres"] == ["Horror"]
    wish(client, "usual", genre="HORROR")
    assert "Horror" in genres_on_page(client)


def test_a_genre_is_hidden_or_held_back_and_a_title_blocked_one_wish_at_a_time(client):
    client.put("/v1/profiles/ada", json={"name": "Ada", "blocked_genres": ["Western"]})
    assert wish(client, "less", genre="Drama")["less_genres"] == ["Drama"]
    both = wish(client, "never", genre="Drama")
    assert (both["blocked_genres"], both["less_genres"], both["name"]) == (["Western", "Drama"], [], "Ada")
    assert wish(client, "never", item_id="t7")["blocked_titles"] == ["t7"]
    assert [(one["item_id"], one["why"]) for one in hidden(client)["titles"]] == [("t7", "blocked")]
    assert wish(client, "usual", item_id="t7")["blocked_titles"] == []


def test_less_of_a_genre_stands_on_record_beside_the_most_boosts(client, log):
    wish(client, "less", genre="Drama")
    page = client.post("/v1/home", json={"user_id": "ada", "boosts": [{"filter": "year > 2000", "factor": 2.0}] * 8})
    requests = log.decisions.get(page.json()["decision_id"]).requests
    assert requests.profile(0).less_genres == ("Drama",)
    drama = next(item for item, genres in enumerate(small_catalog().titles["genres"]) if "Drama" in genres)
    assert Sway.of(small_catalog(), requests).factors[0, drama] in (0.25, 0.25 * 2**8)


@pytest.mark.parametrize(
    ("about", "body", "status"),
    [
        ("genre", {"wish": "never"}, 422),
        ("genre", {"wish": "more", "genre": "Drama"}, 422),
        ("title", {"wish": "less", "item_id": "t1"}, 422),
        ("genre", {"wish": "never", "genre": "Dramma"}, 404),
        ("title", {"wish": "never", "item_id": "nowhere"}, 404),
    ],
)
def test_a_wish_that_cannot_be_understood_is_refused_and_changes_nothing(client, log, about, body, status):
    assert client.post(f"/v1/wishes/{about}", json={"user_id": "ada", **body}).status_code == status
    assert log.profile("ada") is None


def test_everything_hidden_stands_in_one_place_with_why_and_comes_back(client):
    send(client, ("dismiss", "t1"), ("thumbs_down", "t2"), ("seen", "t3"), ("thumbs_up", "t5"), ("dismiss", "t4"))
    assert [(one["item_id"], one["why"]) for one in hidden(client)["titles"]] == [
        ("t4", "dismissed"),
        ("t3", "seen"),
        ("t2", "disliked"),
        ("t1", "dismissed"),
    ]
    wish(client, "never", genre="Horror")
    assert "t4" not in [one["item_id"] for one in hidden(client)["titles"]], "a hidden genre's titles are not named"
    send(client, ("dismiss_clear", "t1"), ("seen_clear", "t3"), ("thumbs_clear", "t2"))
    assert hidden(client)["titles"] == []


def test_wishes_at_once_are_all_kept(log):
    def add(genre: str) -> None:
        log.change_profile("ada", lambda one: Profile("ada", blocked_genres=(*one.blocked_genres, genre)))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, map(str, range(40))))
    assert sorted(log.profile("ada").blocked_genres, key=int) == [str(n) for n in range(40)]


def test_an_import_takes_nothing_back_that_a_person_set(client, log):
    """An import brings profiles and older plays of the same member: what they set stands."""
    send(client, ("dismiss", "t1"), ("seen", "t3"))
    wish(client, "never", genre="Horror")
    wish(client, "less", genre="Drama")
    before = hidden(client)
    log.import_events(make_events([[1, 3]]).with_columns(pl.lit("ada").alias("user_id")))
    log.add_profiles([Profile("ada", name="Imported")])
    client.app.state.service.members.forget_all()
    assert hidden(client) == before

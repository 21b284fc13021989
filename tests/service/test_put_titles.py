"""Titles over HTTP: new and changed ones are on disk and serve together, or nothing of them does."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from service_fakes import GenrePolicy, growing, small_catalog

from matinee.errors import Overloaded

NEW = {"item_id": "n1", "title": "Noon", "genres": [" Western", " "], "maturity": 6, "released": "1952-07-24T00:00:00Z"}


def put(client, *titles):
    return client.post("/v1/titles", json={"titles": list(titles)})


def shown(client, user: str = "ada") -> dict[str, dict]:
    page = client.post("/v1/home", json={"user_id": user}).json()
    return {item["item_id"]: item for row in page["rows"] for item in row["items"]}


def test_new_and_changed_titles_serve_at_once_and_are_kept(serve):
    kept = []
    client = serve(grow=growing(small_catalog(), kept.append))
    answer = put(client, NEW, {"item_id": "t6", "title": "Renamed"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"added": 1, "changed": 1, "policies": {"home": ["grown"], "similar": ["grown"]}}
    page = shown(client)
    assert (page["n1"]["title"], page["n1"]["year"], page["n1"]["genres"]) == ("Noon", 1952, ["Western"])
    assert page["t6"]["title"] == "Renamed"
    assert page["t6"]["genres"] == ["Film-Noir"]
    assert kept[0].item_ids[:60] == small_catalog().item_ids
    assert kept[0].item_ids[60:] == ["n1"]
    assert client.get("/v1/titles", params={"prefix": "noon"}).json()["titles"][0]["item_id"] == "n1"
    like = {"event_id": "1", "user_id": "ada", "kind": "thumbs_up", "item_id": "n1"}
    assert client.post("/v1/events", json={"events": [like]}).json()["accepted"] == 1


def test_what_is_told_holds_everything_back_that_it_should(serve):
    client = serve(grow=growing(small_catalog()))
    client.put("/v1/profiles/kid", json={"kids": True})
    assert {"t0", "t6", "t12", "t18"} < shown(client, "kid").keys()
    ended, shut = {"item_id": "t0", "available_until": "2020-01-01"}, {"item_id": "t6", "closed": True}
    assert put(client, ended, shut, {"item_id": "t12", "maturity": 18}).status_code == 200
    assert shown(client, "kid").keys().isdisjoint({"t0", "t6", "t12"})
    assert (
        put(client, {"item_id": "t0", "available_until": None}, {"item_id": "t6", "closed": False}).status_code == 200
    )
    assert {"t0", "t6", "t18"} < shown(client, "kid").keys()


def test_what_fails_its_check_is_not_kept_and_the_old_titles_serve_on(serve):
    kept = []

    @contextmanager
    def broken(told):
        catalog = small_catalog().put(told)
        yield catalog, {"home": [("old", GenrePolicy(small_catalog()))], "similar": []}
        kept.append(catalog)

    client = serve(grow=broken)
    answer = put(client, NEW)
    assert answer.status_code == 409
    assert "the old policies stay" in answer.json()["message"]
    assert not kept
    assert "n1" not in shown(client)


def test_while_others_write_the_catalogue_it_says_when_to_try_again(serve):
    @contextmanager
    def busy(told):
        raise Overloaded("an import holds the workspace; try again", retry_after=5.0)
        yield

    answer = put(serve(grow=busy), NEW)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_service_without_a_catalogue_on_disk_says_so(client):
    answer = put(client, NEW)
    assert answer.status_code == 400
    assert "keeps no catalogue on disk" in answer.json()["message"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"item_id": "n1", "genre": ["Western"]},
        {"item_id": ""},
        {"title": "no id"},
        {"item_id": "n1", "maturity": "PG"},
        {"item_id": "n1", "countries": ["Denmark"]},
        {"item_id": "n1", "released": "23.12.1966"},
        {"item_id": "n1", "released": "0001-01-01T00:00:00+14:00"},
        {"item_id": "n1", "closed": 0},
    ],
    ids=lambda one: str(list(one.items())[-1]),
)
def test_a_title_is_read_strictly(serve, wrong):
    kept = []
    answer = put(serve(grow=growing(small_catalog(), kept.append)), NEW, wrong)
    assert answer.status_code == 422, answer.text
    assert not kept

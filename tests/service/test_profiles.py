"""Profiles at the door: names are understood whatever their case and blanks, or refused with the nearest known."""

from __future__ import annotations

import polars as pl
import pytest
from service_fakes import small_catalog

from matinee.catalog import Catalog
from matinee.errors import UnknownName
from matinee.profile import Profile
from matinee.service.profiles import understood


def shown(client, user: str) -> set[str]:
    page = client.post("/v1/home", json={"user_id": user, "layout": {"rows": 12, "columns": 20}}).json()
    return {item["item_id"] for row in page["rows"] for item in row["items"]}


def named_catalog() -> Catalog:
    frame = pl.DataFrame(
        {
            "item_id": ["A1", "b2", "B2", "c3"],
            "genres": [["Horror"], ["Comedy"], ["comedy "], ["Drama"]],
            "languages": [["en"], ["pt-BR"], [], ["Dansk"]],
            "countries": [["dk"], [" us"], [], []],
        }
    )
    return Catalog.from_frame(frame)


def test_blocks_are_understood_in_any_case_and_stored_as_the_catalogue_spells_them(client):
    body = {"blocked_genres": ["horror", " COMEDY", "horror "], "blocked_titles": [" T3", "t4"]}
    stored = client.put("/v1/profiles/ada", json=body).json()
    assert stored["blocked_genres"] == ["Horror", "Comedy"]
    assert stored["blocked_titles"] == ["t3", "t4"]
    assert client.get("/v1/profiles/ada").json() == stored
    comedies, horrors = set(range(1, 60, 10)), set(range(4, 60, 10))
    seen = {int(one[1:]) for one in shown(client, "ada")}
    assert seen == set(range(60)) - comedies - horrors - {3}  # t4 is horror


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"blocked_genres": ["Horror", "Horor"]}, ["blocked_genres", "'Horor'", "Horror"]),
        ({"blocked_titles": ["t61"]}, ["blocked_titles", "'t61'", "t6"]),
        ({"blocked_titles": ["x" * 900]}, ["blocked_titles"]),
        ({"languages": ["english"]}, ["languages", "'english'"]),
        ({"country": "XX"}, ["country", "'XX'"]),
    ],
)
def test_a_guarantee_that_cannot_be_understood_is_refused_and_changes_nothing(client, body, words):
    stored = client.put("/v1/profiles/ada", json={"blocked_genres": ["Drama"]}).json()
    refused = client.put("/v1/profiles/ada", json=body)
    assert refused.status_code == 422
    assert all(word in refused.json()["message"] for word in words)
    assert client.get("/v1/profiles/ada").json() == stored


def test_a_country_is_read_in_any_case(client):
    assert client.put("/v1/profiles/ada", json={"country": " dk "}).json()["country"] == "DK"


def test_languages_and_countries_are_those_of_the_catalogue():
    said = Profile("ada", languages=("EN", "dansk", "PT-br"), country="us", blocked_titles=("a1",))
    spelt = Profile("ada", languages=("en", "Dansk", "pt-BR"), country="US", blocked_titles=("A1",))
    assert understood(said, named_catalog()) == spelt
    with pytest.raises(UnknownName, match=r"languages: 'Danske' is not known .* Dansk"):
        understood(Profile("ada", languages=("Danske",)), named_catalog())
    assert understood(Profile("ada", languages=(" DA", "pt-BR")), small_catalog()).languages == ("da", "pt-br")


def test_an_id_of_the_catalogue_is_itself_and_any_other_spelling_all_that_it_may_mean():
    assert understood(Profile("ada", blocked_titles=("b2",)), named_catalog()).blocked_titles == ("b2",)
    assert understood(Profile("ada", blocked_titles=("b2 ",)), named_catalog()).blocked_titles == ("b2", "B2")


def test_what_is_stored_may_be_said_again_though_no_title_has_that_name_today(client, log):
    log.put_profile(Profile("ada", blocked_genres=("Giallo",), blocked_titles=("t99",)))
    known = client.get("/v1/profiles/ada").json()
    renamed = client.put("/v1/profiles/ada", json={"name": "Ada", **{k: known[k] for k in known if k[:7] == "blocked"}})
    assert renamed.status_code == 200
    assert renamed.json()["blocked_genres"] == ["Giallo"]
    assert client.put("/v1/profiles/bob", json={"blocked_genres": ["Giallo"]}).status_code == 422

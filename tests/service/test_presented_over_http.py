"""A billboard's picture and reason are chosen, served and shown; titles bring pictures of their own."""

from __future__ import annotations

import re

import numpy as np
import pytest
from service_fakes import GenrePolicy, growing, small_catalog

from matinee.decision import CHARTED, FAVOURITE
from matinee.decision.why import UNTRUE, Why
from matinee.policies.layered import Layered
from matinee.policies.presentation import PresentationArms
from matinee.policies.presented import Presented
from matinee.policies.uniform import Uniform

PICTURES = ["https://pictures.example/calm.jpg", "https://pictures.example/loud.jpg"]


class OfItsGenre:
    """Every title is of a genre that everybody likes, or just as truly popular."""

    parts = ()

    def of(self, requests, b, titles, evidence):
        found = np.full((len(titles), len(Why)), UNTRUE, np.int32)
        found[:, Why.CHARTED], found[:, Why.FAVOURITE] = CHARTED, FAVOURITE
        return found


def presented(catalog):
    return Presented(Layered(Uniform(catalog), GenrePolicy(catalog)), catalog, OfItsGenre(), PresentationArms())


def pages(client, n: int = 40):
    return [client.post("/v1/home", json={"user_id": "ada", "draw": draw}).json() for draw in range(n)]


@pytest.fixture
def drawn(serve):
    return serve(policies={"home": [("presented", presented(small_catalog()))]})


def test_the_answer_says_which_picture_and_which_reason(drawn):
    found = [page["rows"][0]["items"][0] for page in pages(drawn)]
    assert {one["art"] for one in found} == {0, 1, 2}
    assert {one["artwork_url"] for one in found} == {None}
    assert {one["reason"][:7] for one in found} == {"A genre", "Popular"}
    below = [item for page in pages(drawn, 1) for row in page["rows"][1:] for item in row["items"]]
    assert all("art" not in item for item in below)


def test_the_probability_of_the_page_is_that_of_all_its_layers(drawn):
    page = pages(drawn, 1)[0]
    lines = sum(row["log_prob"] + sum(item["log_prob"] for item in row["items"]) for row in page["rows"])
    told = page["rows"][0]["items"][0]["presentation_log_prob"]
    assert told == pytest.approx(-np.log(3) - np.log(2))
    assert page["log_prob"] == pytest.approx(lines + told, abs=1e-5)


def test_the_page_shows_the_picture_that_was_chosen(drawn):
    ways = set()
    for draw in range(30):
        page = drawn.get(f"/home?user=ada&part=1&draw={draw + 1}").text
        address = re.search(r'class="backdrop" src="([^"]+)"', page).group(1).replace("&amp;", "&")
        assert drawn.get(address).headers["content-type"] == "image/svg+xml"
        ways.add("".join(re.findall(r"&way=(\d)", address)))
    assert ways == {"", "1", "2"}


def test_a_title_is_drawn_in_three_ways_and_no_more(drawn):
    faces = {drawn.get(f"/posters/t2.svg?wide=1&way={way}").text for way in range(3)}
    assert len(faces) == 3
    assert drawn.get("/posters/t2.svg?way=3").status_code == 422


def test_pictures_of_a_forbidden_title_are_shown_in_no_way(drawn):
    drawn.put("/v1/profiles/kid", json={"maturity_limit": 6})
    assert all(drawn.get(f"/posters/t1.svg?user=kid&way={way}").status_code == 404 for way in range(3))


def test_titles_bring_pictures_of_their_own(serve):
    kept = []
    client = serve(grow=growing(small_catalog(), kept.append))
    told = {"titles": [{"item_id": "t0", "artworks": PICTURES}]}
    assert client.post("/v1/titles", json=told).status_code == 200
    catalog = kept[0]
    assert catalog.artworks[0] == tuple(PICTURES)
    assert catalog.artworks[1] == ("drawn 0", "drawn 1", "drawn 2")
    client = serve(catalog=catalog, policies={"home": [("presented", presented(catalog))]})
    others = [f"t{k}" for k in range(1, 60)]
    asked = [{"user_id": "ada", "draw": draw, "exclude": others} for draw in range(12)]
    found = [client.post("/v1/home", json=one).json()["rows"][0]["items"][0] for one in asked]
    assert {one["artwork_url"] for one in found} == set(PICTURES)
    assert all(one["artwork_url"] == PICTURES[one["art"]] for one in found)

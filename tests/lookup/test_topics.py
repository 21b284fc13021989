"""Titles by what they are about: genres, tags, people, years and words of descriptions."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.lookup.topics import MISTYPED, WEIGHTS, Topics, places, stem

FRAME = pl.DataFrame(
    {
        "item_id": ["apollo", "spaceballs", "alien", "heat", "blank"],
        "genres": [["Drama"], ["Comedy", "Sci-Fi"], ["Horror", "Sci-Fi"], ["Crime"], []],
        "tags": [["space", "moon"], ["space", "parody"], ["space"], ["bank robbery"], []],
        "people": [["Tom Hanks"], ["Mel Brooks"], ["Sigourney Weaver"], ["Al Pacino"], []],
        "text": ["Three astronauts.", None, "A crew in danger.", "A thief and a policeman in Los Angeles.", None],
        "released": [datetime(year, 6, 1, tzinfo=UTC) for year in (1995, 1987, 1979, 1995, 2000)],
    }
)
TOPICS = Topics(Catalog.from_frame(FRAME))


def about(query: str) -> list[str]:
    return [FRAME["item_id"][int(item)] for item in places(TOPICS.closeness(query), 5)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("funny space movies", "spaceballs"),
        ("scary films in space", "alien"),
        ("tom hanks", "apollo"),
        ("scifi", "spaceballs"),
        ("sci-fi comedies", "spaceballs"),
        ("1979", "alien"),
        ("70s horror", "alien"),
        ("1990s crime", "heat"),
        ("bank robberies", "heat"),
        ("thief", "heat"),
        ("astronau", "apollo"),
        ("astronats", "apollo"),
        ("weever", "alien"),
    ],
)
def test_a_subject_finds_its_titles(query, first):
    assert about(query)[0] == first


def test_closeness_is_the_share_of_the_weight_that_is_covered():
    """Comedy stands in one of five titles, space in three: weights log(6/2) and log(6/4)."""
    comedy, space = np.log(6 / 2), np.log(6 / 4)
    tag = WEIGHTS["tags"]
    found = TOPICS.closeness("space comedy films")
    assert found[1] == pytest.approx((comedy + tag * space) / (comedy + space))
    assert found[0] == pytest.approx(tag * space / (comedy + space))
    assert TOPICS.closeness("comdy")[1] == pytest.approx(MISTYPED)


@pytest.mark.parametrize("query", ["", "the", "movies with", "qqqqq", "!!!"])
def test_what_says_nothing_is_about_nothing(query):
    assert not TOPICS.closeness(query).any()


def test_plurals_and_places():
    assert [stem(one) for one in ("comedies", "films", "1990s", "gas", "class", "90s")] == [
        "comedy", "film", "1990s", "gas", "class", "90s",
    ]  # fmt: skip
    assert places(np.array([0.0, 0.2, 0.5, 0.5], np.float32), 3).tolist() == [2, 3, 1]
    assert places(np.zeros(3, np.float32), 3).tolist() == []
    assert not Topics(Catalog.from_frame(FRAME.head(0))).closeness("space").any()

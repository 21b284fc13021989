"""Search by the beginnings of words, and poster art that is deterministic, safe and varied."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.catalog import Catalog
from matinee.service.search import TitleSearch, words_of
from matinee.service.web.posters import STYLES, poster, split_year

TITLES = [
    "Amélie",
    "The Matrix",
    "Matrix Reloaded, The",
    "A Fistful of Dollars",
    "Heat",
    "Heathers",
    "Schindler's List",
    "用心棒",
]


def found(query, n=10, allowed=lambda item: True):
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": [str(i) for i in range(len(TITLES))], "title": TITLES}))
    return [TITLES[item] for item in TitleSearch(catalog).find(query, n, allowed)]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("amelie", ["Amélie"]),
        ("AMÉ", ["Amélie"]),
        ("heat", ["Heat", "Heathers"]),
        ("dollars fist", ["A Fistful of Dollars"]),
        ("matrix", ["Matrix Reloaded, The", "The Matrix"]),
        ("matrix rel", ["Matrix Reloaded, The"]),
        ("schindlers", ["Schindler's List"]),
        ("用", ["用心棒"]),
        ("zzz", []),
        ("  ", []),
        ("' OR 1=1", []),
    ],
)
def test_titles_are_found_by_the_beginnings_of_their_words(query, titles):
    assert found(query) == titles


def test_the_limit_and_the_guarantees_hold():
    assert found("heat", n=1) == ["Heat"]
    assert found("heat", allowed=lambda item: TITLES[item] != "Heat") == ["Heathers"]


@given(st.text(max_size=30))
def test_whatever_is_typed_words_are_plain_and_search_answers(text):
    assert all(word == word.casefold() for word in words_of(text))
    found(text)


@given(st.text(max_size=80), st.lists(st.sampled_from([*STYLES, "Western", "<script>"]), max_size=3), st.booleans())
def test_any_title_gives_well_formed_art_the_same_every_time(title, genres, wide):
    title = "".join(letter for letter in title if letter.isprintable())
    art = poster(title, genres, wide=wide)
    ET.fromstring(art)
    assert art == poster(title, genres, wide=wide)
    assert "<script" not in art


def test_a_hostile_title_stays_text_in_its_poster():
    art = ET.fromstring(poster("<script>alert(1)</script>", ["<b>"]))
    assert {element.tag.rpartition("}")[2] for element in art.iter()}.isdisjoint({"script", "b", "foreignObject"})


def test_posters_of_one_genre_differ_from_each_other():
    assert len({poster(f"Story {n}", ["Drama"], wide=True) for n in range(50)}) == 50


def test_names_are_read_as_people_say_them():
    assert split_year("Matrix, The (1999)") == ("The Matrix", "1999")
    assert split_year("Heat") == ("Heat", "")
    assert split_year("(1999)") == ("(1999)", "")
    assert split_year("M (1931) ") == ("M", "1931")

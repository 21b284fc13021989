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


def searching(titles):
    frame = pl.DataFrame({"item_id": [str(at) for at in range(len(titles))], "title": titles})
    return TitleSearch(Catalog.from_frame(frame))


def test_a_rare_title_is_found_behind_the_commonest_words():
    """Six thousand titles begin with "The", and a third of their other words with "z"."""
    titles = [f"The {'Z' if at % 3 else 'Y'}{at} Hello" for at in range(6_000)] + ["The Zz Top Story of Long Nights"]
    search = searching(titles)
    for query in ("the zz top", "zz", "the zz story", "the top", "t z t s", "of the"):
        assert search.find(query, 10, lambda item: True) == [6_000], query


def test_whatever_was_typed_every_match_is_found_up_to_the_limit():
    heads, tails = ("The", "A", "Of", "Their"), ("Thing", "Man of", "Theme the", "Of Thebes", "Zoo")
    titles = [f"{head} {tail} {'x' * (at % 5)}{at}" for at in range(700) for head in heads for tail in tails]
    search, words = searching(titles), [words_of(title) for title in titles]
    for query in ("the", "the th", "t o", "of the z", "the man", "zoo the x", "xxxx9 a", "the nothing"):
        typed = words_of(query)
        wanted = {
            at
            for at, held in enumerate(words)
            if all(any(word.startswith(prefix) for word in held) for prefix in typed)
        }
        found = search.find(query, 10, lambda item: True)
        assert len(found) == len(set(found)) == min(10, len(wanted)), query
        assert set(found) <= wanted


@pytest.mark.parametrize("query", ["!!!", "!", "🎬", "?!"])
def test_titles_of_marks_and_pictures_are_found(query):
    titles = ["!!!", "🎬 🎥", "?!", "Heat!"]
    assert [titles[at] for at in searching(titles).find(query, 10, lambda item: True)] == [
        title for title in titles[:3] if title.startswith(query)
    ]


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

"""Search by the beginnings of words: complete, and in an order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.lookup.words import WordIndex, words_of

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


def found(query, n=10, allowed=lambda title: True):
    mask = np.array([allowed(title) for title in TITLES])
    return [TITLES[item] for item in WordIndex(TITLES).find(query, n, mask)]


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


def test_a_rare_title_is_found_behind_the_commonest_words():
    """Six thousand titles begin with "The", and a third of their other words with "z"."""
    titles = [f"The {'Z' if at % 3 else 'Y'}{at} Hello" for at in range(6_000)] + ["The Zz Top Story of Long Nights"]
    search, everything = WordIndex(titles), np.ones(6_001, bool)
    for query in ("the zz top", "zz", "the zz story", "the top", "t z t s", "of the"):
        assert search.find(query, 10, everything) == [6_000], query


def test_whatever_was_typed_every_match_is_found_up_to_the_limit():
    heads, tails = ("The", "A", "Of", "Their"), ("Thing", "Man of", "Theme the", "Of Thebes", "Zoo")
    titles = [f"{head} {tail} {'x' * (at % 5)}{at}" for at in range(700) for head in heads for tail in tails]
    search, words = WordIndex(titles), [words_of(title) for title in titles]
    for query in ("the", "the th", "t o", "of the z", "the man", "zoo the x", "xxxx9 a", "the nothing"):
        typed = words_of(query)
        wanted = {
            at
            for at, held in enumerate(words)
            if all(any(word.startswith(prefix) for word in held) for prefix in typed)
        }
        found = search.find(query, 10, np.ones(len(titles), bool))
        assert len(found) == len(set(found)) == min(10, len(wanted)), query
        assert set(found) <= wanted
        assert set(np.flatnonzero(search.matching(query))) == wanted


@pytest.mark.parametrize("query", ["!!!", "!", "🎬", "?!"])
def test_titles_of_marks_and_pictures_are_found(query):
    titles = ["!!!", "🎬 🎥", "?!", "Heat!"]
    assert [titles[at] for at in WordIndex(titles).find(query, 10, np.ones(4, bool))] == [
        title for title in titles[:3] if title.startswith(query)
    ]


def test_the_limit_and_the_guarantees_hold():
    assert found("heat", n=1) == ["Heat"]
    assert found("heat", allowed=lambda title: title != "Heat") == ["Heathers"]


@given(st.text(max_size=30))
def test_whatever_is_typed_words_are_plain_and_search_answers(text):
    assert all(word == word.casefold() for word in words_of(text))
    found(text)

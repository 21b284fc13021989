"""Names found while they are typed: whole, begun, in any order, joined, split, mistyped, in other languages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.lookup.grams import gram_scores, grams_of, largest
from matinee.lookup.matcher import BEGUN, BY_WHOLE, WHOLE, WORDS, Matcher, likeness
from matinee.lookup.names import joined, spoken_names

NAMES = [
    "Star Wars: Episode IV - A New Hope",
    "Star Wars: The Clone Wars",
    "Starship Troopers",
    "Heat",
    "Heathers",
    "The Lord of the Rings: The Two Towers",
    "Seven Samurai (Shichinin no samurai)",
    "Bicycle Thieves (a.k.a. The Bicycle Thief) (Ladri di biciclette)",
    "Matrix, The",
    "Amélie",
    "用心棒",
    "Interview with the Vampire",
    "Interview with the Vampire: The Vampire Chronicles",
]
EVERYTHING = np.ones(len(NAMES), bool)
MATCHER = Matcher(NAMES)


def best(query: str, allowed=EVERYTHING) -> list[str]:
    found = MATCHER.match(query, allowed)
    return [NAMES[found.items[at]] for at in np.argsort(-found.closeness, kind="stable")]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("h", "Heat"),
        ("heat", "Heat"),
        ("starwars", "Star Wars: Episode IV - A New Hope"),
        ("star ship troopers", "Starship Troopers"),
        ("stra wars clone", "Star Wars: The Clone Wars"),
        ("towers rings", "The Lord of the Rings: The Two Towers"),
        ("two towers", "The Lord of the Rings: The Two Towers"),
        ("shichinin", "Seven Samurai (Shichinin no samurai)"),
        ("ladri di biciclete", "Bicycle Thieves (a.k.a. The Bicycle Thief) (Ladri di biciclette)"),
        ("the bicycle thief", "Bicycle Thieves (a.k.a. The Bicycle Thief) (Ladri di biciclette)"),
        ("the matrx", "Matrix, The"),
        ("AMELIE", "Amélie"),
        ("用心", "用心棒"),
        ("inteview with the vampire", "Interview with the Vampire"),
    ],
)
def test_what_people_type_finds_what_they_mean(query, name):
    assert best(query)[0] == name


def test_a_title_is_found_by_each_of_its_names():
    matcher = Matcher(["Spirited Away", "Heat"], [["千と千尋の神隠し", "Sen to Chihiro no Kamikakushi"], []])
    for query in ("spirited", "千と千尋", "kamikakushi chihiro", "sen to chihiro no kamikakshi"):
        found = matcher.match(query, np.ones(2, bool))
        assert found.items[found.closeness.argmax()] == 0, query


def test_closeness_says_how_a_name_was_found():
    def closeness(query):
        found = MATCHER.match(query, EVERYTHING)
        return dict(zip((NAMES[item] for item in found.items), found.closeness.tolist(), strict=True))

    assert closeness("heat")["Heat"] == WHOLE
    assert closeness("heat")["Heathers"] == pytest.approx(BEGUN)
    assert closeness("towers rings")["The Lord of the Rings: The Two Towers"] == pytest.approx(WORDS)
    assert closeness("heqt")["Heat"] == pytest.approx(WORDS * 0.75)


def test_likeness_is_arithmetic():
    """One of four letters is wrong: 3/4, of the beginning and of the whole; a beginning of eight letters is half."""
    assert likeness("heqt", ["heat"]) == pytest.approx([0.75])
    assert likeness("heat", ["heathers"]) == pytest.approx([1 - BY_WHOLE + BY_WHOLE / 2])
    assert likeness("heat", []).tolist() == []


def test_only_what_is_allowed_is_found_whatever_is_typed():
    allowed = EVERYTHING.copy()
    allowed[[3, 8]] = False
    for query in ("heat", "h", "the matrx", "matrix", "heqt"):
        assert set(best(query, allowed)).isdisjoint({"Heat", "Matrix, The"})


@pytest.mark.parametrize("query", ["", "  ", "\x00", "\x02\x02", "zzzzzz", "'", "🎬"])
def test_nothing_sensible_finds_nothing(query):
    assert best(query) == []


@given(st.text(max_size=40))
def test_whatever_is_typed_an_answer_comes(text):
    found = MATCHER.match(text, EVERYTHING)
    assert ((found.closeness > 0) & (found.closeness <= 1)).all()


def test_names_in_brackets_are_names():
    assert spoken_names(NAMES[7]) == ["Bicycle Thieves", "The Bicycle Thief", "Ladri di biciclette"]
    assert spoken_names("Matrix, The") == ["Matrix, The", "The Matrix"]
    assert spoken_names("(500) Days of Summer") == ["Days of Summer", "(500) Days of Summer"]
    assert joined("(500) Days") == "500days"


def test_an_empty_catalogue_is_searched_too():
    assert len(Matcher([]).match("heat", np.ones(0, bool)).items) == 0


def test_rare_triples_weigh_their_idf():
    """ "abc" stands in one of three strings, "bcd" in two: log(4/2) and log(4/3)."""
    strings = ["abcd", "xbcd", "yyyy"]
    grams = grams_of(strings)
    scores = gram_scores(grams, "abcd", 3)
    begun = 2 * np.log(4 / 2)  # the two marks and "a", a mark and "ab"
    assert scores == pytest.approx([begun + np.log(4 / 2) + np.log(4 / 3), np.log(4 / 3), 0.0])
    owner = np.arange(3, dtype=np.int32)
    assert largest(scores, owner, np.ones(3, bool), 5).tolist() == [0, 1]
    assert largest(scores, owner, np.array([False, True, True]), 5).tolist() == [1]
    assert largest(scores, owner, np.ones(3, bool), 1).tolist() == [0]

"""Cells: what says nothing is null, an id is one id however it is written, lists of names are their names."""

from __future__ import annotations

import polars as pl
import pytest

from matinee.data.sources.values import EXACT, NOTHING, ids, known, names, numbers, text_of
from matinee.errors import BadData

TMDB = "[{'id': 16, 'name': 'Animation'}, {'id': 35, 'name': \"Children's\"}]"
JSON = '[{"id": 16, "name": "Animation"}, {"id": 35, "name": "Children\'s"}]'


@pytest.mark.parametrize("word", NOTHING)
def test_what_says_nothing_is_null_in_every_form(word):
    frame = known(pl.DataFrame({"a": [f" {word} ", "x"], "b": [float("nan"), 1.0]}))
    assert frame.rows() == [(None, None), ("x", 1.0)]
    assert ids(pl.Series([word, "7"])).to_list() == [None, "7"]
    assert names(pl.Series([f"Drama|{word}"])).to_list() == [["Drama"]]
    assert names(pl.Series([["Drama", word]])).to_list() == [["Drama"]]
    assert text_of(word) is None


@pytest.mark.parametrize(
    "column", [[1, 2], [1.0, 2.0, None], ["1.0", "2.0"], ["1", "2.0"], [" 1", "2 "], ["\t1\n", "2"]]
)
def test_one_id_however_it_is_written(column):
    assert ids(pl.Series(column)).drop_nulls().to_list() == ["1", "2"]


def test_ids_that_only_look_like_numbers_stay():
    assert ids(pl.Series(["007", "1.0", "2.5"])).to_list() == ["007", "1.0", "2.5"]
    with pytest.raises(BadData, match="whole numbers or text"):
        ids(pl.Series([float(EXACT), 1.0]))


def test_numbers_with_a_decimal_comma():
    assert numbers(pl.Series(["3,5", "4", "-0,25", "1,234", "four"])).to_list() == [3.5, 4.0, -0.25, None, None]


@pytest.mark.parametrize("text", [TMDB, JSON, "['Animation', \"Children's\"]", "['Animation' \"Children's\"]"])
def test_a_list_in_a_cell_is_what_it_lists(text):
    assert names(pl.Series([text, None, "[]"])).to_list() == [["Animation", "Children's"], None, []]


def test_lists_of_structures_are_their_names():
    column = pl.Series([[{"id": 1, "name": "A"}, {"id": 2, "name": None}], None])
    assert names(column).to_list() == [["A"], None]
    with pytest.raises(BadData, match=r"\['id'\]; give each one of"):
        names(pl.Series("genres", [[{"id": 1}]]))


@pytest.mark.parametrize(
    "text", ["[{'id': 16, 'name': 'Animation'", "[{'id': 16}]", "[" * 100_000 + "{", "[__import__('os'){}]"]
)
def test_a_list_that_cannot_be_read_is_null_and_never_runs(text):
    assert names(pl.Series([text, "Drama"])).to_list() == [None, ["Drama"]]

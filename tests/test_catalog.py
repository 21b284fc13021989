"""The catalogue: indexes that never change, and arrays that say what the frame says."""

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.catalog import FOREVER, UNRATED, Catalog
from matinee.errors import BadData
from matinee.maths.ragged import Ragged, transpose

FRAME = pl.DataFrame(
    {
        "item_id": ["heat", "babe", "duck"],
        "title": ["Heat", "Babe", None],
        "genres": [["Crime", "Drama", "Crime"], ["Children", None], None],
        "maturity": [17, 0, None],
        "available_from": [None, datetime(2020, 1, 1, tzinfo=UTC), None],
        "released": [datetime(1995, 1, 1, tzinfo=UTC), datetime(1995, 1, 1, tzinfo=UTC), None],
        "available_until": [datetime(2030, 1, 1, tzinfo=UTC), None, None],
    }
)
IDS = st.lists(st.text(min_size=1, max_size=4), unique=True, max_size=30)


def test_columns_that_are_not_given_are_empty_and_lists_hold_each_name_once():
    catalog = Catalog.from_frame(FRAME)
    assert catalog.genres == ("Children", "Crime", "Drama")
    assert catalog.titles["genres"].to_list() == [["Crime", "Drama"], ["Children"], []]
    assert catalog.titles["languages"].to_list() == [[], [], []]
    assert catalog.names == ["Heat", "Babe", "duck"]


def test_indexes_stay_when_titles_are_appended_and_closed():
    first = Catalog.from_frame(FRAME, unrated_age=12)
    grown = first.append(pl.DataFrame({"item_id": ["seven", "heat 2"]})).close(["babe"])
    assert grown.item_ids == ["heat", "babe", "duck", "seven", "heat 2"]
    assert grown.unrated_age == 12
    start, end = grown.available
    assert [bool(s < e) for s, e in zip(start, end, strict=True)] == [True, False, True, True, True]


def test_a_known_id_cannot_be_appended_nor_an_unknown_one_closed():
    catalog = Catalog.from_frame(FRAME)
    with pytest.raises(BadData, match="heat"):
        catalog.append(pl.DataFrame({"item_id": ["heat"]}))
    with pytest.raises(BadData, match="nowhere"):
        catalog.close(["nowhere"])


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.DataFrame({"id": ["a"]}), "item_id"),
        (pl.DataFrame({"item_id": ["a", None]}), "without an item_id"),
        (pl.DataFrame({"item_id": ["a", ""]}), "without an item_id"),
        (pl.DataFrame({"item_id": ["a", "a"]}), "repeats item_id 'a'"),
        (pl.DataFrame({"item_id": ["a"], "minutes": ["long"]}), "wrong type"),
        (pl.DataFrame({"item_id": ["a"], "genres": [3.5]}), "wrong type"),
    ],
)
def test_what_cannot_be_a_catalogue_is_refused(frame: pl.DataFrame, said: str):
    with pytest.raises(BadData, match=said):
        Catalog.from_frame(frame)


def test_maturity_availability_and_arrival_as_arrays():
    catalog = Catalog.from_frame(FRAME)
    micros = {year: int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000 for year in (1995, 2020, 2030)}
    least = np.iinfo(np.int64).min
    assert catalog.maturity.tolist() == [17, 0, UNRATED]
    assert Catalog.from_frame(FRAME, unrated_age=18).maturity.tolist() == [17, 0, 18]
    assert [column.tolist() for column in catalog.available] == [
        [least, micros[2020], least],
        [micros[2030], FOREVER, FOREVER],
    ]
    assert catalog.arrived.tolist() == [micros[1995], micros[2020], least]


@pytest.mark.timeout(20)
def test_a_catalogue_that_is_a_pipe_or_too_long_is_refused(tmp_path: Path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadData, match="no file"):
        Catalog.load(tmp_path / "pipe")
    Catalog.from_frame(FRAME).save(tmp_path / "three")
    monkeypatch.setattr("matinee.catalog.MOST_TITLES", 2)
    with pytest.raises(BadData, match="3 titles and at most 2"):
        Catalog.load(tmp_path / "three")


def test_a_saved_catalogue_comes_back_the_same(tmp_path: Path):
    catalog = Catalog.from_frame(FRAME, unrated_age=9).close(["duck"])
    catalog.save(tmp_path / "catalog.parquet")
    back = Catalog.load(tmp_path / "catalog.parquet")
    assert back.titles.equals(catalog.titles)
    assert back.unrated_age == 9


def test_vectors_follow_their_titles(tmp_path: Path):
    two, four = np.arange(6.0).reshape(3, 2), np.ones((3, 4))
    catalog = Catalog.from_frame(FRAME.head(3)).with_vectors({"poster": two}).with_vectors({"sound": four})
    catalog.save(tmp_path / "catalog.parquet")
    back = Catalog.load(tmp_path / "catalog.parquet")
    assert back.titles.equals(catalog.titles)
    assert list(back.vectors) == ["poster", "sound"]
    np.testing.assert_array_equal(back.vectors["poster"], two)
    assert back.vectors["poster"].dtype == np.float32
    grown = back.append(pl.DataFrame({"item_id": ["new"]}))
    np.testing.assert_array_equal(grown.vectors["poster"], [*two, [0, 0]])
    few = grown.take(np.array([3, 1], np.int32))
    assert few.item_ids == ["new", catalog.item_ids[1]]
    np.testing.assert_array_equal(few.vectors["poster"], [[0, 0], two[1]])


NO_NUMBERS = [np.full((3, 2), odd) for odd in (np.nan, np.inf, -np.inf)]


@pytest.mark.parametrize("bad", [np.ones((2, 3)), np.ones(3), np.ones((3, 0)), *NO_NUMBERS])
def test_vectors_of_another_shape_or_not_finite_are_refused(bad):
    with pytest.raises(BadData, match="poster"):
        Catalog.from_frame(FRAME.head(3)).with_vectors({"poster": bad})


@pytest.mark.parametrize("content", [None, b"", b"PAR1 is not enough"])
def test_a_missing_or_broken_catalogue_file_is_said_so(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "c.parquet").write_bytes(content)
    with pytest.raises(BadData, match=r"c\.parquet"):
        Catalog.load(tmp_path / "c.parquet")


@given(IDS, st.lists(st.text(min_size=1, max_size=4), max_size=8), st.booleans())
def test_few_and_many_ids_find_the_same_indexes(ids: list[str], asked: list[str], many: bool):
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": ids}, schema={"item_id": pl.String}))
    query = (asked + ids) * (10 if many else 1) + ([] if many else asked)
    found = catalog.indexes_of(pl.Series(query, dtype=pl.String))
    assert found.tolist() == [ids.index(one) if one in ids else -1 for one in query]


@given(st.lists(st.lists(st.integers(0, 9), unique=True, max_size=5).map(sorted), max_size=12))
def test_turning_a_ragged_table_round_twice_gives_it_back(lists: list[list[int]]):
    ragged = Ragged.of(lists)
    assert [one.tolist() for one in ragged] == lists
    turned = transpose(ragged, 10)
    assert [[k for k, one in enumerate(lists) if value in one] for value in range(10)] == [t.tolist() for t in turned]
    assert [one.tolist() for one in transpose(turned, len(lists))] == lists


@given(st.data(), st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=6))
def test_taking_lists_gives_those_lists_in_that_order(data: st.DataObject, lists: list[list[int]]):
    rows = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=8)) if lists else []
    taken = Ragged.of(lists).take(np.array(rows, np.int64))
    assert [one.tolist() for one in taken] == [lists[row] for row in rows]
    assert taken.values.dtype == np.int32


def test_genres_and_their_titles_agree():
    catalog = Catalog.from_frame(FRAME)
    crime = catalog.genres.index("Crime")
    assert catalog.genre_titles[crime].tolist() == [0]
    assert [[catalog.genres[g] for g in one] for one in catalog.title_genres] == [["Crime", "Drama"], ["Children"], []]


def test_what_is_told_of_titles_changes_those_columns_alone():
    shot = datetime(1995, 12, 15, tzinfo=UTC)
    columns = {
        "item_id": ["heat", "babe"],
        "genres": [["Crime"], ["Comedy"]],
        "minutes": [170, 92],
        "released": [shot, None],
    }
    first = Catalog.from_frame(pl.DataFrame(columns)).with_vectors({"look": np.eye(2, dtype=np.float32)})
    told = [
        {"item_id": "new", "countries": ["dk"]},
        {"item_id": "babe", "genres": [], "closed": True},
        {"item_id": "babe", "minutes": None, "closed": False},
        {"item_id": "new", "title": "New"},
    ]
    put = first.put(told)
    assert put.item_ids == ["heat", "babe", "new"]
    assert put.titles["genres"].to_list() == [["Crime"], [], []]
    assert put.titles["minutes"].to_list() == [170, None, None]
    assert put.titles["released"].to_list() == [shot, None, None]
    assert put.titles["countries"].to_list() == [[], [], ["DK"]]
    assert put.titles["closed"].to_list() == [False] * 3
    assert put.names == ["heat", "babe", "New"]
    np.testing.assert_array_equal(put.vectors["look"], [[1, 0], [0, 1], [0, 0]])
    assert first.put([]).titles.equals(first.titles)
    with pytest.raises(BadData, match="no two-letter codes"):
        first.put([{"item_id": "heat", "countries": ["Denmark"]}])

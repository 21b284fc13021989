"""Episodes beside the titles: an index that never changes, ids that speak for their series, and one file for both."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.errors import BadData
from matinee.series import ALWAYS, Series
from matinee.workspace import grown

LATE = datetime(2024, 5, 1, tzinfo=UTC)


def episodes(*rows: tuple) -> Series:
    """Episodes of (item_id, series_id, season, episode)."""
    return Series.from_frame(pl.DataFrame(rows, ["item_id", "series_id", "season", "episode"], orient="row"))


def shows() -> Catalog:
    """A film, and a show of which the second season was told before the first."""
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": ["film", "show"]}))
    return catalog.with_series(episodes(("b1", "show", 2, 1), ("a2", "show", 1, 2), ("a1", "show", 1, 1)))


def test_an_episode_speaks_for_its_series_and_nothing_else_does():
    asked = pl.Series(["film", "a1", "b1", "unknown", None, "show"])
    assert shows().spoken_for(asked).tolist() == [0, 1, 1, -1, -1, 1]
    assert shows().episodes_of(asked).tolist() == [-1, 2, 0, -1, -1, -1]
    assert shows().indexes_of(asked).tolist() == [0, -1, -1, -1, -1, 1]
    assert shows().speaks_for == {"film": 0, "show": 1, "a1": 1, "a2": 1, "b1": 1}


def test_the_guide_is_in_the_order_to_watch():
    guide = shows().guide
    assert guide.order.tolist() == [2, 1, 0]
    assert guide.places.tolist() == [2, 1, 0]
    assert guide.offsets.tolist() == [0, 0, 3]
    assert guide.added.tolist() == [ALWAYS] * 3


def test_one_file_keeps_both_and_files_without_episodes_are_read_as_ever(tmp_path):
    path = tmp_path / "catalog.parquet"
    shows().save(path)
    assert Catalog.load(path).series.frame.equals(shows().series.frame)
    assert Catalog.load(path).titles.equals(shows().titles)
    Catalog(shows().titles).save(path)
    assert "episodes" not in pl.read_parquet_schema(path)
    assert len(Catalog.load(path).series) == 0


def test_an_index_stays_when_titles_and_episodes_are_told_and_when_catalogues_grow():
    told = [
        {"item_id": "new"},
        {"item_id": "n1", "series_id": "new", "season": 1, "episode": 1},
        {"item_id": "a2", "series_id": "show", "name": "Renamed", "added": LATE},
    ]
    put = shows().put(told)
    assert put.episode_index == {"b1": 0, "a2": 1, "a1": 2, "n1": 3}
    assert put.series.frame.row(1) == ("a2", "show", 1, 2, "Renamed", None, LATE)
    other = Catalog.from_frame(pl.DataFrame({"item_id": ["show", "else"]}))
    other = other.with_series(episodes(("e1", "else", 1, 1), ("a1", "show", 1, 7)))
    whole = grown(shows(), other)
    assert whole.episode_index == {"b1": 0, "a2": 1, "a1": 2, "e1": 3}
    assert whole.series.frame["episode"].to_list() == [1, 2, 7, 1]
    assert (
        grown(shows(), Catalog.from_frame(pl.DataFrame({"item_id": ["film"]}))).episode_index == shows().episode_index
    )


def test_a_catalogue_with_fewer_titles_keeps_the_indexes_of_its_episodes():
    fewer = shows().first(1)
    assert fewer.spoken_for(pl.Series(["a1", "film"])).tolist() == [-1, 0]
    assert fewer.speaks_for == {"film": 0}
    assert shows().take(np.array([1], np.int32)).guide.titles.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("film", "show", 3, 1), "1 episodes have the item_id of a title, first 'film'"),
        (("c1", "nowhere", 3, 1), "1 episodes are of no known title, first of 'nowhere'"),
        (("c1", "show", 1, 1), "repeating the season and number of another"),
        (("a1", "show", 3, 1), "repeating an item_id"),
        (("c1", "show", None, 1), "without a season and a number"),
        (("c1", "show", -1, 1), "without a season and a number"),
        (("", "show", 3, 1), "without an item_id"),
        (("c1", "a1", 3, 1), "episodes of an episode"),
    ],
)
def test_an_episode_that_does_not_fit_is_refused_with_the_reason(row, words):
    known = shows().series.frame.select("item_id", "series_id", "season", "episode")
    with pytest.raises(BadData, match=words):
        shows().with_series(Series.from_frame(pl.concat([known, pl.DataFrame([row], known.schema, orient="row")])))


def test_a_title_with_the_id_of_an_episode_is_refused():
    with pytest.raises(BadData, match="have the item_id of a title, first 'a1'"):
        shows().put([{"item_id": "a1", "title": "Not an episode"}])

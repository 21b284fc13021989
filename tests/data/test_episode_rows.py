"""Episodes in a table of titles: read with their series, or counted with the reason."""

from __future__ import annotations

import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.data.log import EventLog
from matinee.data.sources import tabular
from matinee.errors import BadData
from matinee.workspace import Workspace

TITLES = """item_id,title,genres,series_id,season,episode,released,maturity
f1,A Film,Drama,,,,2001-01-01,
s1,A Show,Comedy|Drama,,,,2003-01-01,6
e1,Pilot,Comedy,s1,1,1,2003-01-01,12
e2,Second,Comedy,s1,1,2,2003-01-08,
e3,Bad,Comedy,s1,x,2,2003-01-08,
e4,Repeat,Comedy,s1,1,2,2003-01-08,
f1,Own,Comedy,s1,1,3,2003-01-08,
x1,Other,Horror,s2,1,1,2004-01-08,
saga,A Film of a Saga,Drama,s1,,,2004-01-08,
"""
PLAYS = "user_id,item_id,timestamp,value\nu,e1,1100000000,1\nu,x1,1100000001,.4\nu,e3,1100000002,.4\n"


@pytest.fixture
def files(tmp_path):
    """The paths of interactions and titles, the titles as given."""

    def write(titles: str):
        (tmp_path / "plays.csv").write_text(PLAYS)
        (tmp_path / "titles.csv").write_text(titles)
        return tmp_path / "plays.csv", tmp_path / "titles.csv"

    return write


def read(files, titles: str = TITLES, **options):
    return tabular.read(*files(titles), columns={"share": "value", "value": ""}, **options)


def test_episodes_stand_beside_their_series_and_bad_ones_are_counted(files):
    found = read(files)
    assert found.catalog.item_ids == ["f1", "s1", "saga", "s2"]
    known = found.catalog.series.frame
    assert known.select("item_id", "series_id", "season", "episode", "name").rows() == [
        ("e1", "s1", 1, 1, "Pilot"),
        ("e2", "s1", 1, 2, "Second"),
        ("x1", "s2", 1, 1, "Other"),
    ]
    assert known["added"].dt.date().cast(pl.String).to_list() == ["2003-01-01", "2003-01-08", "2004-01-08"]
    assert found.rejections.counts == {
        "about a title that is not in the catalogue": 1,
        "episodes repeating the season and number of another": 1,
        "episodes with the item_id of a title": 1,
        "episodes without a season and a number": 1,
    }
    assert found.rejections.examples["episodes repeating the season and number of another"] == ("row 6",)
    assert found.events["item_id"].to_list() == ["e1", "x1"]


def test_a_series_is_for_nobody_younger_than_one_of_its_episodes_and_has_all_their_genres(files):
    titles = read(files).catalog.titles
    assert titles["maturity"].to_list() == [None, 12, None, None]
    assert titles["genres"].to_list() == [["Drama"], ["Comedy", "Drama"], ["Drama"], ["Horror"]]


def test_what_holds_an_episode_back_is_not_lost_in_silence(files):
    held = "item_id,series_id,season,episode,available_until\ns1,,,,\ne1,s1,1,1,2020-01-01\n"
    with pytest.raises(BadData, match="1 episodes have available_until, first row 2"):
        read(files, held)


def test_a_column_called_series_means_nothing_without_seasons_and_numbers(files):
    found = read(files, "item_id,title,series\ne1,One,Star Wars\nx1,Two,Star Wars\n")
    assert (found.catalog.item_ids, len(found.catalog.series)) == (["e1", "x1"], 0)


def test_frames_and_workspaces_take_them_too_and_twice_in_a_row(files, tmp_path):
    plays, titles = files(TITLES)
    schema = {"season": pl.String, "series_id": pl.String}
    frames = pl.read_csv(plays), pl.read_csv(titles, schema_overrides=schema)
    columns = {"share": "value", "value": ""}
    of_frames = tabular.read(*frames, columns=columns)
    assert of_frames.catalog.series.frame.equals(read(files).catalog.series.frame)
    workspace = Workspace(tmp_path / "workspace")
    assert [workspace.bring_in(of_frames), workspace.bring_in(of_frames)] == [2, 0]
    more = "item_id,series_id,season,episode\ns1,,,\ne9,s1,2,1\n"
    (tmp_path / "more.csv").write_text("user_id,item_id,timestamp,value\nv,e9,1100000009,1\nv,e1,1100000010,1\n")
    (tmp_path / "late.csv").write_text(more)
    workspace.bring_in(tabular.read(tmp_path / "more.csv", tmp_path / "late.csv", columns=columns))
    assert Catalog.load(workspace.catalog_path).episode_index == {"e1": 0, "e2": 1, "x1": 2, "e9": 3}
    with EventLog(workspace.log_path) as log:
        assert sorted(log.read(2**62)["item_id"].to_list()) == ["e1", "e1", "e9", "x1"]

"""Files as shops, players and members of the public write them: read, understood, counted or refused, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.data.dataset import Use
from matinee.data.histories import training_data
from matinee.data.log import EventLog
from matinee.data.sources import ranklens
from matinee.data.sources.tabular import read
from matinee.data.units import Units
from matinee.errors import BadData
from matinee.workspace import Workspace

SECONDS = 1_700_000_000


def write(folder: Path, text: str, name: str = "interactions.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def rows(folder: Path, header: str, *cells: str, **options):
    lines = [f"u{n},i{n},{SECONDS + n},{one}" for n, one in enumerate(cells)]
    return read(write(folder, "\n".join([f"user_id,item_id,timestamp,{header}", *lines])), **options)


def test_clicks_are_openings_and_what_was_not_clicked_was_shown(tmp_path):
    data = rows(tmp_path, "click", *["0"] * 7, *["1"] * 3)
    assert data.events["kind"].to_list() == ["impression"] * 7 + ["open"] * 3
    assert data.events["value"].null_count() == 10
    played = rows(tmp_path, "click", "0", "1.0", kinds={"1": "play"})
    assert played.events["kind"].to_list() == ["impression", "play"]
    with pytest.raises(BadData, match=r"'7' \(1 rows\).*--kinds 7=open"):
        rows(tmp_path, "click", "0", "7")


def test_seconds_watched_over_the_duration_are_the_share(tmp_path):
    data = rows(tmp_path, "watch_seconds,duration", "30,120", "120,120", "300,120", "5,0", ",120")
    assert data.events["value"].to_list() == [30 / 120, 1.0, 1.0]
    assert data.rejections.counts == {"with a value that is not a number in 0..1": 2}
    with pytest.raises(BadData, match=r"without how long the title is.*--map duration=NAME"):
        rows(tmp_path, "watch_seconds", "30")
    with pytest.raises(BadData, match="give both in one unit"):
        rows(tmp_path, "watch_seconds,duration", "3000,50", "2400,40")


def test_a_label_is_refused_until_told(tmp_path):
    with pytest.raises(BadData, match=r"'label' may be a click, a play or a rating.*--map kind=label --kinds 1=open"):
        rows(tmp_path, "label", "1", "0")
    said = rows(tmp_path, "label", "1", "0", columns={"kind": "label"}, kinds={"1": "thumbs_up", "0": "impression"})
    assert said.events["kind"].to_list() == ["thumbs_up", "impression"]
    assert rows(tmp_path, "label,rating", "1,5", "0,3", best=5).events["value"].to_list() == [5 / 5, 3 / 5]


def test_two_columns_that_each_say_what_a_row_is_are_refused_until_one_is_left_out(tmp_path):
    with pytest.raises(BadData, match=r"\['click', 'rating'\] each say.*--map click="):
        rows(tmp_path, "click,rating", "1,5")
    assert rows(tmp_path, "click,rating", "1,5", columns={"click": ""}, best=5).events["kind"].to_list() == ["rating"]


def test_a_day_of_ones_is_read_as_the_workspace_reads_the_others(tmp_path):
    with pytest.raises(BadData, match="--best"):
        rows(tmp_path, "rating", *["1"] * 100)
    data = rows(tmp_path, "rating", *["1"] * 100, units=Units(best=5.0))
    assert data.events["value"].to_list() == [1 / 5] * 100


def test_one_wild_rating_is_counted_with_its_value(tmp_path):
    data = rows(tmp_path, "rating", *["5"] * 499, "10", "5")
    assert data.events["value"].to_list() == [5 / 5] * 500
    assert str(data.rejections).endswith("not a number in 0..1 (for example row 500: '10')")


def test_nothing_is_no_member_and_no_genre(tmp_path):
    words = ["\\N", "nan", "None", "NULL", "", " "]
    lines = [f"{word},i,{SECONDS}" for word in words] + [f"ann,i,{SECONDS}"]
    titles = write(tmp_path, "item_id,title,genres\ni,Heat,(no genres listed)\n", "titles.csv")
    data = read(write(tmp_path, "\n".join(["user_id,item_id,timestamp", *lines])), titles)
    assert list(data.profiles) == ["ann"]
    assert data.rejections.counts == {"without a user_id": len(words)}
    assert data.catalog.genres == ()


def test_a_null_beside_whole_numbers_makes_no_second_member(tmp_path):
    for users in ([1, 2, 3], [1.0, 2.0, None]):
        pl.DataFrame({"user_id": users, "item_id": [7, 8, 9], "timestamp": [SECONDS] * 3}).write_parquet(
            tmp_path / "i.parquet"
        )
        data = read(tmp_path / "i.parquet")
        assert list(data.profiles) == [str(int(user)) for user in users if user]


def test_where_a_title_was_made_hides_it_from_nobody(tmp_path):
    played = write(tmp_path, f"user_id,item_id,timestamp\nu,i,{SECONDS}\n")
    made = read(played, write(tmp_path, "item_id,title,country\ni,Heat,United States\n", "titles.csv"))
    assert made.catalog.titles["countries"].to_list() == [[]]
    assert [(one.name, one.use) for one in made.columns if one.file == "titles.csv"] == [
        ("item_id", Use.READ),
        ("title", Use.READ),
        ("country", Use.UNDERSTOOD),
    ]
    assert "country (where a title was made; it restricts nothing)" in made.describe()
    shown = read(played, write(tmp_path, "item_id,available_countries\ni,us|de\n", "titles.csv"))
    assert shown.catalog.titles["countries"].to_list() == [["US", "DE"]]
    for header, cell in (("available_countries", "Germany"), ("countries", "US|Germany")):
        with pytest.raises(BadData, match="'Germany', which is no two-letter code"):
            read(played, write(tmp_path, f"item_id,{header}\ni,{cell}\n", "titles.csv"))
    names = read(played, write(tmp_path, "item_id,countries\ni,Japan\n", "titles.csv"))
    assert names.catalog.titles["countries"].to_list() == [[]]


def test_a_date_that_holds_titles_back_and_cannot_be_read_is_refused(tmp_path):
    played = write(tmp_path, f"user_id,item_id,timestamp\nu,i,{SECONDS}\n")
    titles = "item_id,released,runtime,available_until\ni,someday,90 min,2024-01-01\n"
    data = read(played, write(tmp_path, titles, "titles.csv"))
    assert "1 values of runtime cannot be read as minutes (for example '90 min')" in data.notes
    assert "1 values of released cannot be read as released (for example 'someday')" in data.notes
    with pytest.raises(BadData, match="'someday'; what it holds back would be shown"):
        read(played, write(tmp_path, titles.replace("2024-01-01", "someday"), "titles.csv"))


def test_a_year_of_nothing_is_no_year(tmp_path):
    played = write(tmp_path, f"user_id,item_id,timestamp\nu,i,{SECONDS}\n")
    titles = "item_id,year\ni,0\nj,1376\nk,1999\n"
    released = read(played, write(tmp_path, titles, "titles.csv")).catalog.titles["released"].to_list()
    assert released == [None, None, datetime(1999, 1, 1, tzinfo=UTC)]


def test_every_column_and_value_is_accounted_for(tmp_path):
    data = rows(tmp_path, "rating,age", "5,31", "4,x", "good,22", best=5)
    text = data.describe()
    assert "columns read in interactions.csv: user_id, item_id, timestamp, rating as value" in text
    assert "columns ignored in interactions.csv: age" in text
    assert "1 with a value that is not a number in 0..1 (for example row 3: 'good')" in text
    late = read(write(tmp_path, "user_id,item_id,timestamp\nu,i,yesterday\nu,i,2023-11-05\n"))
    assert late.rejections.examples == {"without a readable time": ("row 1: 'yesterday'",)}


def test_equal_times_keep_the_order_of_the_file(tmp_path):
    order = [f"i{n}" for n in (5, 1, 9, 3, 7)]
    lines = [f"u,{item},{SECONDS}" for item in order]
    data = read(write(tmp_path, "\n".join(["user_id,item_id,timestamp", *lines])))
    assert data.events["item_id"].to_list() == order
    place = Workspace(tmp_path / "ws")
    place.bring_in(data)
    with EventLog(place.log_path) as log:
        assert log.read(2**62)["item_id"].to_list() == order
        learned = training_data(log.read(2**62), Catalog.load(place.catalog_path), 2**62)
    told = training_data(data.events, data.catalog, 2**62)
    np.testing.assert_array_equal(learned.histories.items, told.histories.items)


def test_a_ranking_of_nobody_is_counted_and_is_no_member(tmp_path):
    lines = [
        '{"event":"item","id":"1","item":"1","timestamp":1,"fields":[{"name":"title","value":"Heat"}]}',
        '{"event":"ranking","id":"r","user":null,"timestamp":1700000000000,"items":[{"id":"1"}]}',
        '{"event":"interaction","type":"click","id":"c","user":"ann","item":"1","ranking":"r","timestamp":1700000000000}',
    ]
    data = ranklens.read(write(tmp_path, "\n".join(lines), "events.jsonl"))
    assert list(data.profiles) == ["ann"]
    assert data.rejections.counts == {"without a user_id": 1}

"""The Netflix Prize: both layouts say the same, titles get their names, broken files are explained."""

import zipfile
from datetime import UTC, datetime

import pytest

from matinee.data.sources import netflix, sequences
from matinee.errors import BadData

FIRST = "1:\n7,5,2005-09-06\n8,3,2005-05-13\n"
SECOND = "2:\n7,1,2005-09-07\n"
TITLES = "1,2003,Dinosaur Planet\n2,NULL,Isle, of Man\n3,1997,Character\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "training_set").mkdir()
    (tmp_path / "training_set" / "mv_0000001.txt").write_text(FIRST)
    (tmp_path / "training_set" / "mv_0000002.txt").write_text(SECOND)
    (tmp_path / "movie_titles.txt").write_bytes((TITLES + "4,1994,Amélie\n").encode("latin-1"))
    return tmp_path


def test_a_rating_is_an_event_of_its_day(folder):
    assert netflix.holds(folder)
    data = netflix.read(folder)
    rows = data.events.select("user_id", "item_id", "kind", "value").rows()
    assert rows == [("8", "1", "rating", 3 / 5), ("7", "1", "rating", 5 / 5), ("7", "2", "rating", 1 / 5)]
    assert data.events["timestamp"][0] == datetime(2005, 5, 13, tzinfo=UTC)
    assert (data.timed, data.rejections.total, set(data.profiles)) == (True, 0, {"7", "8"})
    assert data.catalog.names == ["Dinosaur Planet", "Isle, of Man"]
    assert [one and one.year for one in data.catalog.titles["released"]] == [2003, None]


def test_files_of_several_titles_and_archives_say_the_same(folder, tmp_path):
    expected = netflix.read(folder).events
    together = tmp_path / "together"
    together.mkdir()
    (together / "combined_data_1.txt").write_text(FIRST + SECOND)
    assert netflix.read(together).events.equals(expected)
    assert netflix.read(together).catalog.item_ids == ["1", "2"]
    with zipfile.ZipFile(tmp_path / "prize.zip", "w") as archive:
        archive.write(together / "combined_data_1.txt", "netflix/combined_data_1.txt")
    assert netflix.holds(tmp_path / "prize.zip")
    assert netflix.read(tmp_path / "prize.zip").events.equals(expected)


def test_titles_stand_by_number_whatever_the_order_of_their_file(folder):
    (folder / "movie_titles.txt").write_text("2,1990,Isle\n3,1997,Character\n1,2003,Dinosaur Planet\n2,1991,Again\n")
    data = netflix.read(folder)
    assert (data.catalog.item_ids, data.catalog.names) == (["1", "2"], ["Dinosaur Planet", "Isle"])


def test_bad_lines_are_counted(tmp_path):
    (tmp_path / "combined_data_1.txt").write_text(
        FIRST + "9,six,2005-01-01\n9,4,yesterday\n,4,2005-01-01\n8,3,2005-05-13\n"
    )
    data = netflix.read(tmp_path)
    assert data.events.height == 2
    assert data.rejections.total == 4


@pytest.mark.parametrize(
    ("content", "said"), [("7,5,2005-09-06\n1:\n", "before the first title"), ("1:\n", "no readable rating")]
)
def test_what_is_not_the_prize_is_refused(tmp_path, content, said):
    (tmp_path / "combined_data_1.txt").write_text(content)
    with pytest.raises(BadData, match=said):
        netflix.read(tmp_path)


def test_other_folders_are_refused_and_sequences_refuse_the_prize(tmp_path):
    with pytest.raises(BadData, match="give the folder"):
        netflix.read(tmp_path)
    (tmp_path / "combined_data_1.txt").write_text(FIRST)
    with pytest.raises(BadData, match="read it as netflix"):
        sequences.read(tmp_path / "combined_data_1.txt")

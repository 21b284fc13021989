"""The Taste Profile of the Million Song Dataset: what is read, what is counted, what is refused."""

import pytest

from matinee.data.sources import taste_profile
from matinee.errors import BadData

TRIPLETS = "aa\tSO2\t5\naa\tSO1\t1\nbb\tSO2\t2\n"
TRACKS = "TR1<SEP>SO1<SEP>Björk<SEP>Jóga\nTR2<SEP>SO9<SEP>Nobody<SEP>Unheard\nTR3<SEP>SO1<SEP>Björk<SEP>Jóga (live)\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train_triplets.txt").write_text(TRIPLETS)
    (tmp_path / "unique_tracks.txt").write_text(TRACKS)
    return tmp_path


def test_a_triplet_is_a_play_and_has_no_time(folder):
    assert taste_profile.holds(folder)
    data = taste_profile.read(folder)
    rows = data.events.select("user_id", "item_id", "kind", "value").rows()
    assert rows == [("aa", "SO2", "play", 1.0), ("aa", "SO1", "play", 1.0), ("bb", "SO2", "play", 1.0)]
    assert (data.timed, data.rejections.total, set(data.profiles)) == (False, 0, {"aa", "bb"})
    assert data.catalog.item_ids == ["SO1", "SO2"]
    assert data.catalog.titles["title"].to_list() == ["Jóga", None]
    assert data.catalog.titles["people"].to_list()[0] == ["Björk"]


def test_the_file_itself_will_do(folder):
    assert taste_profile.holds(folder / "train_triplets.txt")
    assert taste_profile.read(folder / "train_triplets.txt").events.equals(taste_profile.read(folder).events)


def test_bad_lines_are_counted(tmp_path):
    (tmp_path / "train_triplets.txt").write_text(TRIPLETS + "cc\tSO1\t0\ncc\tSO1\tmany\n\tSO1\t3\naa\tSO2\t7\n")
    data = taste_profile.read(tmp_path)
    assert data.events.height == 3
    assert data.rejections.total == 4


@pytest.mark.parametrize(("content", "said"), [("aa SO2 5\n", "expected"), ("aa\tSO1\tx\n", "no readable play")])
def test_other_files_are_refused(tmp_path, content, said):
    (tmp_path / "train_triplets.txt").write_text(content)
    with pytest.raises(BadData, match=said):
        taste_profile.read(tmp_path)


def test_a_folder_without_it_is_refused(tmp_path):
    assert not taste_profile.holds(tmp_path)
    with pytest.raises(BadData, match="give the folder"):
        taste_profile.read(tmp_path)

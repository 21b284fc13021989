"""Pairs of files of ratings, chosen and at random: matrices and triplets, and what is refused."""

import numpy as np
import pytest

from matinee.data.sources import mnar
from matinee.data.sources.reading import Source, guess
from matinee.errors import BadData


def written(folder, train, test, names=("train.ascii", "test.ascii")):
    for name, text in zip(names, (train, test), strict=True):
        (folder / name).write_text(text)
    return folder


def test_a_matrix_has_a_member_a_line_and_nothing_where_0_stands(tmp_path):
    folder = written(tmp_path, "5 0 1 0\n0 0 2 0\n", "0 3 0 0\n0 0 0 4\n")
    assert guess(folder) is Source.MNAR
    pair = mnar.read_pair(folder)
    assert pair.chosen.shape == (2, 4)
    assert pair.item_ids == ["0", "1", "2", "3"]
    assert next(zip(pair.chosen.members, pair.chosen.titles, pair.chosen.values, strict=True)) == (0, 0, 5.0)
    assert len(pair.at_random.values) == 2


def test_triplets_carry_ids_and_what_is_wrong_is_counted(tmp_path):
    train = "ann\tx\t5\nann\ty\t1\nann\tx\t4\nbob\ty\tnan\nbob\ty\t-1\nbob\ty\t2\n"
    names = ("ydata-ymusic-rating-study-v1_0-train.txt", "ydata-ymusic-rating-study-v1_0-test.txt")
    folder = written(tmp_path, train, "bob\tx\t3\n", names)
    assert guess(folder) is Source.MNAR
    pair = mnar.read_pair(folder)
    assert (pair.user_ids, pair.item_ids, pair.chosen.shape) == (["ann", "bob"], ["x", "y"], (2, 2))
    np.testing.assert_array_equal(pair.chosen.values, [5, 1, 2])
    assert pair.rejections.counts == {"without a finite number of at least 0": 2, "rating a title again": 1}
    assert pair.rejections.examples["rating a title again"] == ("line 3",)


def test_names_of_columns_are_no_rating(tmp_path):
    folder = written(tmp_path, "user,item,stars\n1,2,3\n", "user,item,stars\n1,3,4\n", ("train.csv", "test.csv"))
    pair = mnar.read_pair(folder)
    assert (len(pair.chosen.values), pair.rejections.total, pair.item_ids) == (1, 0, ["2", "3"])
    assert guess(folder) is not Source.MNAR  # nothing in the names says so


def test_the_data_set_holds_what_members_chose(tmp_path):
    data = mnar.read(written(tmp_path, "5 0 1 0\n0 0 2 0\n", "0 4 0 0\n0 0 0 4\n"))
    assert data.events.select("user_id", "kind", "value").rows() == [
        ("0", "rating", 1.0),
        ("0", "rating", 0.2),
        ("1", "rating", 0.4),
    ]
    assert len(data.catalog) == 4
    assert not data.timed


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ("1 2\n", "1 2\n", "begins with"),
        ("5 0 0 1\n5 0\n", "0 0 0 1\n", "no matrix of numbers"),
        ("0 0 0 0\n", "0 0 0 1\n", "no readable rating in its train file"),
        ("1 1 5\n1 2\n", "1 3 5\n", "on line 2"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, train, test, said):
    with pytest.raises(BadData, match=said):
        mnar.read_pair(written(tmp_path, train, test))


def test_a_pair_needs_both_files(tmp_path):
    (tmp_path / "train.ascii").write_text("1 2 3 4\n")
    with pytest.raises(BadData, match="no file to test on"):
        mnar.read_pair(tmp_path)
    assert not mnar.holds(tmp_path)
    with pytest.raises(BadData, match="there is nothing"):
        mnar.read_pair(tmp_path / "absent")

"""Sequence files: one line a member, Parquet, folders with several, and the files of NCF."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.data.histories import histories_of
from matinee.data.sources import sequences
from matinee.data.sources.reading import Source, guess
from matinee.errors import BadData

LATER = 10**15


def order_of(data):
    """Member -> titles, in the order that models will see."""
    users = data.events["user_id"].unique(maintain_order=True).to_list()
    histories = histories_of(data.events, users, data.catalog, LATER)
    parts = [histories.take(np.array([b])).items for b in range(len(users))]
    return {user: [data.catalog.item_ids[i] for i in items] for user, items in zip(users, parts, strict=True)}


@pytest.mark.parametrize("separator", [" ", "\t", ",", " , ", ";"])
def test_a_line_is_a_member_and_titles_in_order(tmp_path, separator):
    path = tmp_path / "plays.txt"
    path.write_text("\n".join(separator.join(line) for line in (["7", "b", "a", "c"], ["3", "a", "b"])) + "\n\n")
    data = sequences.read(path)
    assert order_of(data) == {"7": ["b", "a", "c"], "3": ["a", "b"]}
    assert (data.timed, data.name, data.rejections.total) == (False, "plays", 0)
    assert set(data.events["kind"]) == {"play"}
    assert "only an order" in data.describe()


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True), min_size=1, max_size=6))
def test_text_and_parquet_say_the_same(tmp_path_factory, lists):
    folder = tmp_path_factory.mktemp("same")
    (folder / "s.txt").write_text("\n".join(" ".join(map(str, [f"m{k}", *items])) for k, items in enumerate(lists)))
    rows = [(f"m{k}", item, at) for k, items in enumerate(lists) for at, item in enumerate(items)]
    frame = pl.DataFrame(rows, ["user_id", "item_id", "order"], orient="row")
    frame.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(folder / "s.parquet")
    text, parquet = sequences.read(folder / "s.txt"), sequences.read(folder / "s.parquet")
    assert order_of(text) == order_of(parquet) == {f"m{k}": [str(i) for i in items] for k, items in enumerate(lists)}
    assert text.catalog.item_ids == parquet.catalog.item_ids == sorted({str(i) for one in lists for i in one}, key=int)


def test_a_colon_after_the_member_is_part_of_the_name(tmp_path):
    path = tmp_path / "colons.txt"
    path.write_text("1: 10 9\n2: 9\n")
    assert order_of(sequences.read(path)) == {"1:": ["10", "9"], "2:": ["9"]}


def test_one_pair_a_line_goes_on_where_the_member_was(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("1 10\n1 9\n2 9\n1 8\n")
    assert order_of(sequences.read(path)) == {"1": ["10", "9", "8"], "2": ["9"]}


def test_members_without_a_title_are_counted(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("1 10 9\n2\n3 9\n4\n")
    data = sequences.read(path)
    assert set(data.profiles) == {"1", "3"}
    assert data.rejections.counts == {"without an item_id": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "no member"), ("1\n2\n", "no member"), ("user_id,item_id,timestamp\n1,2,3\n", "tabular")],
)
def test_what_is_no_sequence_is_refused(tmp_path, content, said):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(BadData, match=said):
        sequences.read(path)


def test_utf16_is_named(tmp_path):
    (tmp_path / "x.txt").write_text("1 20 10\n2 10\n", encoding="utf-16")
    with pytest.raises(BadData, match="UTF-16; save it as UTF-8"):
        sequences.read(tmp_path / "x.txt")


def test_missing_files_columns_and_ambiguous_folders_are_explained(tmp_path):
    with pytest.raises(BadData, match="nothing at"):
        sequences.read(tmp_path / "nowhere")
    pl.DataFrame({"user": [1]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(BadData, match="lacks the column"):
        sequences.read(tmp_path / "x.parquet")
    (tmp_path / "y.txt").write_text("1 2")
    with pytest.raises(BadData, match="give the file itself"):
        sequences.read(tmp_path)


@pytest.fixture
def folder(tmp_path):
    """The layout of an assembled MovieLens 1M."""
    ordered = [(1, 20, 0), (1, 10, 1), (2, 10, 0), (2, 20, 1)]
    pl.DataFrame(ordered, ["user_id", "item_id", "order"], orient="row").write_parquet(tmp_path / "sequences.parquet")
    pairs = [(1, 10), (1, 20), (1, 30), (2, 10), (2, 20)]
    pl.DataFrame(pairs, ["user_id", "item_id"], orient="row").write_parquet(tmp_path / "pairs.parquet")
    asked = {"user_id": [1, 2], "item_id": [30, 20], "negatives": [[40], [30, 40]]}
    pl.DataFrame(asked).write_parquet(tmp_path / "ncf_test.parquet")
    movies = "10::Matrix, The (1999)::Action|Sci-Fi\n20::Amélie (2001)::Romance\n99::Unseen (1980)::Drama\n"
    (tmp_path / "movies.dat").write_bytes(movies.encode("latin-1"))
    return tmp_path


def test_a_folder_gives_sequences_or_pairs_with_their_questions(folder):
    assert sequences.holds(folder)
    ordered = sequences.read(folder)
    assert order_of(ordered) == {"1": ["20", "10"], "2": ["10", "20"]}
    assert ordered.questions is None
    assert ordered.catalog.names == ["The Matrix", "Amélie"]
    pairs = sequences.read(folder, pairs=True)
    assert pairs.events.height == 5
    assert pairs.catalog.item_ids == ["10", "20", "30", "40"]
    assert (pairs.questions.user_ids, pairs.questions.answers) == (["1", "2"], ["30", "20"])
    assert [pairs.questions.candidates[k].tolist() for k in (0, 1)] == [[3, 2], [2, 3, 1]]


@pytest.mark.parametrize("ids", [[["10"]], [b"\xff"]])
def test_ids_that_are_no_text_are_explained(tmp_path, ids):
    pl.DataFrame({"user_id": [1], "item_id": ids}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(BadData, match="give text or numbers"):
        sequences.read(tmp_path / "x.parquet")


def test_negatives_that_are_no_lists_are_explained(folder):
    pl.DataFrame({"user_id": [1], "item_id": [30], "negatives": ["10 20"]}).write_parquet(folder / "ncf_test.parquet")
    with pytest.raises(BadData, match="negatives of type String; give a list"):
        sequences.read(folder, pairs=True)


def test_the_files_of_ncf(tmp_path):
    (tmp_path / "ml-1m.train.rating").write_text("0\t5\t4\t200\n0\t6\t3\t100\n1\t5\t5\t50\n")
    (tmp_path / "ml-1m.test.rating").write_text("0\t7\t4\t300\n1\t6\t2\t60\n")
    (tmp_path / "ml-1m.test.negative").write_text("(0,7)\t8\t9\n(1,6)\t7\t8\n")
    assert sequences.holds(tmp_path)
    data = sequences.read(tmp_path)
    assert order_of(data) == {"0": ["6", "5", "7"], "1": ["5", "6"]}
    assert data.questions.answers == ["7", "6"]
    assert [len(data.questions.candidates[k]) for k in (0, 1)] == [3, 3]
    (tmp_path / "ml-1m.test.negative").write_text("0,7\t8\t9\n")
    with pytest.raises(BadData, match="user,item"):
        sequences.read(tmp_path)
    (tmp_path / "ml-1m.test.negative").unlink()
    with pytest.raises(BadData, match="lacks"):
        sequences.read(tmp_path)


def test_attributes_beside_a_text_become_tags(tmp_path):
    (tmp_path / "toys.txt").write_text("1 5 6\n2 6 7\n")
    (tmp_path / "item2attributes.json").write_text('{"5": [1, 2], "6": ["red"], "99": [3]}')
    catalog = sequences.read(tmp_path).catalog
    assert dict(catalog.titles.select("item_id", "tags").iter_rows()) == {"5": ["1", "2"], "6": ["red"], "7": []}


@pytest.mark.parametrize(
    ("names", "source"),
    [
        (["toys.txt"], Source.SEQUENCES),
        (["toys.txt", "item2attributes.json"], Source.SEQUENCES),
        (["Toys_and_Games.txt", "Toys_and_Games_item2attributes.json"], Source.SEQUENCES),
        (["toys.txt", "other.txt", "item2attributes.json"], Source.MOVIELENS),
        (["toys.txt", "README.md"], Source.MOVIELENS),
        (["item2attributes.json"], Source.MOVIELENS),
        (["ratings.csv", "movies.csv"], Source.MOVIELENS),
        (["combined_data_1.txt", "item2attributes.json"], Source.NETFLIX),
        (["train.jsonl", "item2attributes.json"], Source.RANKLENS),
        (["train_triplets.txt", "item2attributes.json"], Source.TASTE_PROFILE),
        (["train.ascii", "test.ascii", "item2attributes.json"], Source.MNAR),
    ],
)
def test_a_text_alone_or_beside_its_attributes_is_told_from_other_sources(tmp_path, names, source):
    for name in names:
        (tmp_path / name).write_text("1 5 6\n")
    assert guess(tmp_path) == source


@pytest.mark.parametrize("broken", ["[1, 2]", "{", '{"5": 3}'])
def test_attributes_that_are_no_lists_are_refused(tmp_path, broken):
    (tmp_path / "toys.txt").write_text("1 5 6\n")
    (tmp_path / "item2attributes.json").write_text(broken)
    with pytest.raises(BadData, match="no object of lists"):
        sequences.read(tmp_path)

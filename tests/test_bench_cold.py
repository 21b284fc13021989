"""The benchmark of cold start runs on a small data set, and its parts say what they should."""

from pathlib import Path

import numpy as np
import pytest

from matinee.history import Histories
from matinee.testing.worlds import make_catalog

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bench_cold

    return bench_cold


def movielens(folder: Path) -> Path:
    """Sixty members; comedies come first, then dramas; the last titles of both come late."""
    rng, titles = np.random.default_rng(0), 40
    (folder / "movies.csv").write_text(
        "movieId,title,genres\n"
        + "".join(f"{i},Film {i} ({1950 + i}),{'Comedy' if i % 2 else 'Drama'}\n" for i in range(titles))
    )
    lines = []
    for user in range(60):
        seen = rng.choice(np.arange(user % 2, titles - 6, 2), 13, replace=False).tolist()
        late = [i for i in range(titles - 6, titles) if i % 2 == user % 2]
        lines += [f"{user},{item},5.0,{10_000 + 100 * user + at}\n" for at, item in enumerate([*seen, *late])]
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "".join(lines))
    return folder


def test_it_runs_and_returns_what_it_says(bench, tmp_path):
    told = []
    result = bench.run(lambda what, done: told.append(done), [movielens(tmp_path)], ["popularity"], ["content"], 1)
    (one,) = result["results"]
    assert all(key in bench.__doc__ for key in one if key != "data")
    assert told == sorted(told)
    titles = {row["model"]: row["ndcg"] for row in one["new_titles"]}
    assert set(titles) == {"random", "newest release", "genre popularity", "later popularity", "content"}
    assert all(0 <= row["low"] <= row["ndcg"] <= row["high"] <= 1 for row in one["new_titles"] + one["new_members"])
    for question in ("new_members", "beginnings"):
        assert {(row["model"], row["likes"]) for row in one[question]} == {("popularity", k) for k in bench.LIKES}


def test_the_last_likes_alone(bench):
    histories = Histories.of_items([[3, 1, 2], [], [5]])
    shown = bench.last_likes(histories, 2)
    assert shown.offsets.tolist() == [0, 2, 2, 3]
    assert shown.items.tolist() == [1, 2, 5]
    assert bench.last_likes(histories, 0).items.tolist() == []


def test_members_as_they_begin(bench, tmp_path):
    """Of each the first likes in order, and as the answer, at its own moment, the one that followed."""
    dataset = bench.movielens.read(movielens(tmp_path))
    split, _, histories = bench.held_out_members(dataset)
    tastes = histories.tastes
    assert len(split) > 5
    for k in (0, 2, 10):
        begun, shown = bench.beginning(split, histories, k)
        assert np.diff(shown.offsets).tolist() == [k] * len(split)
        for b, first in enumerate(tastes.offsets[:-1]):
            assert shown.items[k * b : k * (b + 1)].tolist() == tastes.items[first : first + k].tolist()
            assert begun.targets[b].tolist() == [tastes.items[first + k]]
            assert begun.as_of[b] == tastes.times[first + k]
    whole = int(tastes.lengths.max())
    last, everything = bench.beginning(split, histories, whole)
    assert everything.items.tolist() == tastes.items.tolist()
    assert last.targets.values.tolist() == split.targets.values.tolist()
    assert last.as_of.tolist() == split.as_of.tolist()


def test_genre_popularity_by_hand(bench):
    catalog = make_catalog(5, genres=[["a"], ["a", "b"], ["b"], [], ["b"]])
    # liked titles of a: 4 and 2, mean 3; of b: 2 and 6, mean 4; the unseen last title takes no part in the means
    found = bench.genre_popularity(catalog, np.array([4.0, 2.0, 6.0, 1.0, 0.0]))
    assert found.tolist() == [3.0, 3.5, 4.0, 0.0, 4.0]


def test_content_predicts_new_titles_of_movielens_better_than_what_knows_no_content(bench, ml100k):
    """Over three cuts of MovieLens 100K, on which nothing was tuned; chance passes the p-value once in a thousand."""
    rows = {row["model"]: row for row in bench.new_titles(ml100k, ["content"], 3, lambda what, done: None)}
    rivals = [rows[name] for name in ("random", "newest release", "genre popularity")]
    assert rows["content"]["low"] > max(row["high"] for row in rivals)
    assert rows["content"]["p"] < 0.001

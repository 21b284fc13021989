"""The door for data scientists: frames and paths in, frames out, ids as they came, every model by its name."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import polars as pl
import pytest

import matinee
from matinee.errors import BadData, BadRequest
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.profile import Profile
from matinee.recipes.registry import MODELS

NOTEBOOK = Path(__file__).parents[2] / "examples" / "five_lines.ipynb"
TITLES = 12
LONG = pytest.mark.slow
NETWORKS = ("factorization-machine", "two-tower", "feed-forward", "sequence-ranker")


def plays(ids: type = str) -> dict[str, list]:
    """Two tastes: members of one parity played all titles of their parity but one, the later the larger the number."""
    rows = [(k, t) for k in range(20) for t in range(k % 2, TITLES, 2) if t // 2 != k % 6]
    return {
        "user_id": [ids(k) for k, _ in rows],
        "item_id": [ids(t) for _, t in rows],
        "timestamp": [1_700_000_000 + 3_600 * t + k for k, t in rows],
    }


@pytest.fixture(scope="module")
def model() -> matinee.Recommender:
    return matinee.fit("ease", matinee.read(pl.DataFrame(plays())))


def test_a_member_is_recommended_the_one_title_of_their_taste_that_they_have_not_seen(model):
    answer = model.recommend(users=["3"], n=4)
    assert answer.columns == ["user_id", "item_id", "score", "rank"]
    assert answer["item_id"][0] == str(2 * (3 % 6) + 1)
    assert answer["rank"].to_list() == [1, 2, 3, 4]
    assert answer["score"].is_sorted(descending=True)
    assert set(answer["item_id"]).isdisjoint({"1", "3", "5", "9", "11"})


def test_seen_titles_come_when_they_are_asked_for(model):
    assert model.recommend("3", n=TITLES)["item_id"].len() == TITLES - 5
    assert model.recommend("3", n=TITLES, seen=True)["item_id"].len() == TITLES


def test_everybody_is_asked_when_nobody_is_named_and_the_order_asked_for_is_kept(model):
    assert model.recommend(n=1)["user_id"].n_unique() == 20
    assert model.recommend(users=["7", "2"], n=1)["user_id"].to_list() == ["7", "2"]
    assert model.recommend(users=[], n=1).height == 0


def test_similar_titles_are_of_the_same_taste_and_not_the_title_itself(model):
    answer = model.similar("4", n=5)
    assert answer.columns == ["item_id", "score", "rank"]
    assert {int(item) % 2 for item in answer["item_id"]} == {0}
    assert "4" not in answer["item_id"]


def test_ids_that_came_as_numbers_go_as_numbers():
    frame = pl.DataFrame(plays(int))
    model = matinee.fit("ease", matinee.read(frame))
    for users in ([3], ["3"], 3, "3"):
        answer = model.recommend(users, n=1)
        assert answer.join(frame, on=["user_id"]).height == 5
        assert answer.schema["item_id"] == pl.Int64
    assert model.similar(4, n=1)["item_id"].to_list() == model.similar("4", n=1)["item_id"].to_list()


@pytest.mark.parametrize("ids", [str, int])
def test_pandas_goes_in_and_comes_out(ids):
    frame = pandas.DataFrame(plays(ids))
    model = matinee.fit("ease", matinee.read(frame))
    answer = model.recommend(n=2)
    assert isinstance(answer, pandas.DataFrame)
    assert len(answer.merge(frame[["user_id"]].drop_duplicates(), on="user_id")) == 40
    same = matinee.fit("ease", matinee.read(pl.DataFrame(plays(ids)))).recommend(n=2)
    assert answer["item_id"].tolist() == same["item_id"].to_list()


def test_every_kind_of_column_of_pandas_is_read():
    odd = pandas.DataFrame(plays())
    odd["timestamp"] = pandas.to_datetime(odd["timestamp"], unit="s", utc=True)
    odd["user_id"] = odd["user_id"].astype("category")
    odd["item_id"] = pandas.array([int(item) for item in odd["item_id"]], dtype="Int64")
    odd["value"] = np.where(odd.index == 0, np.nan, 5.0)
    data = matinee.read(odd)
    assert data.events.height == len(odd) - 1
    assert data.rejections.total == 1
    assert set(data.events["timestamp"]) <= set(matinee.read(pl.DataFrame(plays())).events["timestamp"])
    assert data.numeric_ids == {"item_id"}


@pytest.mark.parametrize("path", [str, Path])
def test_a_path_may_be_text(path, tmp_path):
    pl.DataFrame(plays()).write_csv(tmp_path / "plays.csv")
    data = matinee.read(path(tmp_path / "plays.csv"))
    assert data.events.height == 100
    titles = pl.DataFrame({"item_id": [str(t) for t in range(TITLES)], "title": [f"Film {t}" for t in range(TITLES)]})
    titles.write_csv(tmp_path / "titles.csv")
    assert matinee.read(path(tmp_path / "plays.csv"), path(tmp_path / "titles.csv")).catalog.names[0] == "Film 0"
    assert matinee.read(pl.DataFrame(plays()), titles).catalog.names[0] == "Film 0"


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", [pytest.param(name, marks=LONG if name in NETWORKS else ()) for name in MODELS])
def test_every_model_answers(name):
    model = matinee.fit(name, matinee.read(pl.DataFrame(plays())))
    answer = model.recommend(users=["1", "2"], n=3)
    assert answer["rank"].to_list() == [1, 2, 3, 1, 2, 3]
    assert np.isfinite(answer["score"].to_numpy()).all()
    assert model.similar("4", n=3).height <= 3


def test_a_model_of_ones_own_settings_is_fitted_too():
    model = matinee.fit(Ease(EaseConfig(l2=10.0)), matinee.read(pl.DataFrame(plays())))
    assert model.recommend("3", n=1)["item_id"].to_list() == ["7"]


def test_what_a_member_may_not_see_is_not_recommended(model):
    barred = replace(model.data, profiles={"3": Profile("3", blocked_titles=("7",))})
    limited = replace(model, data=barred)
    assert "7" not in limited.recommend("3", n=TITLES)["item_id"]


def test_what_is_unknown_is_refused_with_what_was_meant(model):
    with pytest.raises(BadRequest, match="no member 'ada' in the data; it holds 20, such as '0'"):
        model.recommend(["1", "ada"])
    with pytest.raises(BadRequest, match="no title 99"):
        model.similar(99)
    with pytest.raises(BadRequest, match="did you mean 'ease'"):
        matinee.fit("eas", model.data)
    with pytest.raises(BadRequest, match="n is 0"):
        model.recommend(n=0)
    with pytest.raises(BadData, match="cannot read a int"):
        matinee.read(7)
    with pytest.raises(BadData, match="holds no event"):
        matinee.fit("ease", matinee.read(pl.DataFrame(plays()).with_columns(timestamp=pl.lit("never"))))


def test_what_is_printed_at_a_prompt_is_one_short_line(model):
    shown = [repr(one) for one in (model, model.data, model.data.catalog, model.training, model.training.histories)]
    assert shown[1] == "Dataset(frame: 12 titles, 20 members, 100 events)"
    assert shown[0] == f"Recommender('ease', {shown[1]})"
    assert max(len(one) for one in shown) <= 100


def test_the_package_is_imported_at_once_and_says_its_version():
    code = "import sys, matinee; print(matinee.__version__, *sys.modules)"
    version, *loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert version == matinee.__version__
    assert not set(loaded) & {"numpy", "polars", "numba", "scipy", "pandas"}


def test_the_notebook_runs(monkeypatch, ml100k):
    monkeypatch.chdir(NOTEBOOK.parent)
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    names: dict = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), NOTEBOOK.name, "exec"), names)
    assert names["model"].recommend(users=["ada"], n=3).height == 3
    westerns = names["model"].recommend(users=["ada"], n=10).join(names["titles"], on="item_id")
    assert sum("Western" in genres for genres in westerns["genres"]) >= 1


@pytest.mark.parametrize("n", [0, -1, 2.5, "3", None, True])
def test_a_number_of_titles_that_is_none_is_refused(model, n):
    for ask in (lambda: model.recommend("3", n=n), lambda: model.similar("4", n=n)):
        with pytest.raises(BadRequest, match="ask for a whole number of titles, at least one"):
            ask()


def test_one_member_may_be_named_by_a_number_of_numpy_and_not_by_a_fraction(model):
    assert model.recommend(np.int64(3), n=1).equals(model.recommend("3", n=1))
    with pytest.raises(BadRequest, match=r"users is 3\.0"):
        model.recommend(3.0)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"model": None}, "a NoneType is no model"),
        ({"model": Ease}, "the class Ease is no model"),
        ({"data": "ratings.csv"}, "a str is no data set; read it first"),
        ({"data": pl.DataFrame(plays())}, "a DataFrame is no data set; read it first"),
        ({"seed": -1}, "the seed is -1"),
        ({"seed": "1"}, "the seed is '1'"),
    ],
)
def test_what_cannot_be_fitted_is_refused_by_name(model, asked, message):
    with pytest.raises(BadRequest, match=message):
        matinee.fit(**{"model": "ease", "data": model.data, **asked})

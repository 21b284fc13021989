"""A model that learns from what it showed: arms and measures, by hand and in a small world; what is refused."""

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.errors import BadRequest
from matinee.evaluate.retrained import MEASURES, Retrained
from matinee.recipes.retraining import retraining
from matinee.report.retraining import RetrainingReport
from matinee.testing import make_events


@pytest.fixture(scope="module")
def dataset():
    """Eighty members, sixty titles of two genres; each member likes one genre alone."""
    rng, ids = np.random.default_rng(0), [f"t{k}" for k in range(60)]
    frame = pl.DataFrame({"item_id": ids, "title": ids, "genres": [[("Drama", "War")[k % 2]] for k in range(60)]})
    likes = [(2 * rng.permutation(30)[:12] + member % 2).tolist() for member in range(80)]
    return Dataset("likes", "made up", Catalog.from_frame(frame), {}, make_events(likes))


def test_both_arms_live_in_the_same_worlds_until_the_first_training(dataset):
    told = retraining(dataset, members=1_200, days=9, every=3, seeds=2)
    assert list(told.arms["damped"]) == list(told.arms["as it is"])
    for key in ("overlap", "gini", "coverage", "reward"):
        plain, damped = (told.arms[arm][key] for arm in ("as it is", "damped"))
        assert plain.shape == (2, 3)
        np.testing.assert_array_equal(plain[:, 0], damped[:, 0])
    assert (told.arms["as it is"]["swing"][:, 1:] != told.arms["damped"]["swing"][:, 1:]).any()


def test_a_model_of_the_registry_learns_from_its_own_log_and_narrows_what_is_shown(dataset):
    """What chance shows is even; popularity shows the same few of what each has not met."""
    told = retraining(dataset, "popularity", False, members=1_200, days=9, every=3, seeds=2)
    assert list(told.arms) == ["as it is"]
    gini = told.arms["as it is"]["gini"]
    assert (gini[:, 1:] > gini[:, :1] + 0.2).all()


def test_late_is_the_later_half_of_the_trainings_and_changes_are_of_the_same_worlds(tmp_path):
    """Trainings 3 and 4 of 4: means 3.5 and 5.5, damped 1 less; t of one degree of freedom at .975 is 12.7062."""
    course = np.array([[9.0, 1, 2, 3, 4], [9.0, 3, 4, 5, 6]])
    arms = {name: {metric.key: course - less for metric in MEASURES} for name, less in (("as it is", 0), ("damped", 1))}
    told = Retrained("ease", 7, 10, arms)
    late, change = told.late("as it is", "gini"), told.change("damped", "gini")
    assert late.value == pytest.approx(4.5)
    assert late.high - late.value == pytest.approx(12.7062 * np.sqrt(2) / np.sqrt(2), rel=1e-4)
    assert (change.value, change.low, change.high) == pytest.approx((-1.0, -1.0, -1.0))
    report = RetrainingReport(told, "a test")
    report.write_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "ease retrained every 7 days" in page
    assert all(one in page for one in report.findings())
    assert report.json()["arms"]["damped"]["reward"] == (course - 1).tolist()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"model": "sequence"}, "choose from genre-rates"),
        ({"days": 5}, "give at least 6"),
        ({"seeds": 1}, "two seeds"),
        ({"members": 3, "days": 8}, "give more members"),
    ],
)
def test_what_can_tell_nothing_is_refused(dataset, wrong, says):
    with pytest.raises(BadRequest, match=says):
        retraining(dataset, **{"members": 150, "every": 2, "seeds": 2, **wrong})

"""Learners from ratings that members chose: the verb, the report, and a world in which the correction is worth it."""

import json

import numpy as np
import pytest

from matinee.errors import BadRequest
from matinee.evaluate.self_selected import Propensity, SelfSelectedConfig, graded_ndcg, judge, propensities_of
from matinee.maths.rating_factors import Ratings
from matinee.report.self_selected import SelfSelectedReport
from matinee.simulate.self_selected import SelfSelectedConfig as Generator
from matinee.simulate.self_selected import self_selected


@pytest.fixture(scope="module")
def world():
    return self_selected(np.random.default_rng(5), Generator(120, 120, 18.0, 12))


def test_correction_helps_where_members_choose_what_they_like(world, tmp_path):
    judged = judge("a pair", world.chosen, world.at_random, SelfSelectedConfig(size=4, rounds=6), seeds=3)
    scores = {line.model: line.estimates["mse"].value for line in judged.lines}
    assert scores["IPS"] < 0.95 * scores["naive"]
    assert scores["doubly robust"] < 0.95 * scores["naive"]
    told = dict(judged.told)
    for name in ("IPS", "SNIPS", "doubly robust"):
        assert abs(told[name].value - judged.truth.value) < abs(told["naive"].value - judged.truth.value)
    report = SelfSelectedReport(judged)
    report.write_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("<svg") == 3
    assert "lower MSE than naive" in page
    assert json.loads(json.dumps(report.json()))["seeds"] == 3


def test_the_verb_prints_every_learner(verb, tmp_path, world):
    for name, ratings in (("train", world.chosen), ("test", world.at_random)):
        matrix = np.zeros(ratings.shape)
        matrix[ratings.members, ratings.titles] = ratings.values
        np.savetxt(tmp_path / f"{name}.ascii", matrix, fmt="%d")
    code, said = verb("evaluate", str(tmp_path), "--source", "mnar", "--seeds", "2", "--propensity", "logistic")
    assert code == 0, said
    for word in ("naive", "IPS", "SNIPS", "doubly robust", "MSE", "MAE", "NDCG@5", "the truth"):
        assert word in said


@pytest.mark.parametrize("how", list(Propensity))
def test_propensities_average_to_the_share_that_was_rated(world, how):
    found = propensities_of(world.chosen, world.at_random, how)
    assert ((found > 0) & (found <= 1)).all()
    assert (1 / found).sum() == pytest.approx(world.chosen.cells, rel=0.35)


def test_graded_gain_counts_the_first_five():
    tested = Ratings(np.zeros(2, np.int32), np.arange(2, dtype=np.int32), np.array([1.0, 2.0]), (1, 2))
    right = 3 + 1 / np.log2(3)
    assert graded_ndcg(tested, np.array([0.0, 1.0])) == 1.0
    assert graded_ndcg(tested, np.array([1.0, 0.0])) == pytest.approx((1 + 3 / np.log2(3)) / right)
    assert graded_ndcg(tested, np.array([1.0, 0.0]), depth=1) == pytest.approx(1 / 3)


def test_too_few_ratings_at_random_are_refused(world):
    with pytest.raises(BadRequest, match="too few"):
        judge("a pair", world.chosen, world.at_random.take(np.arange(5)), seeds=2)
    with pytest.raises(BadRequest, match="the cap is 0"):
        SelfSelectedConfig(cap=0)

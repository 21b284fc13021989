"""Interests: two tastes in one history are told apart, one is left alone, and a reason is of the interest it is for."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.maths.directions import directions
from matinee.models.interests import Interests, InterestsConfig
from matinee.models.neighbors import Neighbors
from matinee.models.user_neighbors import UserNeighbors
from matinee.testing import check_scorer
from matinee.testing.worlds import checkerboard


def test_directions_into_groups():
    """Three at 0, 10 and 20 degrees and two at 90 and 100: two groups, a third brings little."""
    degrees = np.radians([0, 10, 20, 90, 100])
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], axis=1)
    groups = directions(vectors, 3, 0.05)
    assert (groups[:3] == groups[0]).all()
    assert (groups[3:] != groups[0]).all()
    assert directions(vectors, 1, 0.0).tolist() == [0] * 5
    assert directions(vectors[:3], 3, 0.05).tolist() == [0] * 3, "one taste stays one"
    assert directions(np.zeros((0, 2)), 3, 0.05).tolist() == []
    assert directions(np.zeros((4, 2)), 3, 0.05).tolist() == [0] * 4, "titles of which nothing is known"


@pytest.mark.parametrize("base", [Neighbors, UserNeighbors])
def test_it_keeps_the_contract_of_scorers(base):
    check_scorer(lambda: Interests(InterestsConfig(least=4, gain=0.05), base()))


DATA = checkerboard(titles=24)
SCORER = Interests(InterestsConfig(least=4, gain=0.05), Neighbors()).fit(DATA, np.random.default_rng(0))
BOTH = Requests.of_histories(Histories.of_items([[0, 2, 4, 6, 1, 3, 5, 7, 9, 11], [0, 2, 4, 6]]))


def test_two_people_in_one_history_are_told_apart():
    parts = SCORER._parts(BOTH)
    assert parts.whose.tolist() == [0, 0]
    alone = parts.requests.histories
    assert sorted(sorted(alone.take(np.array([k])).items.tolist()) for k in range(2)) == [
        [0, 2, 4, 6],
        [1, 3, 5, 7, 9, 11],
    ]
    np.testing.assert_allclose(sorted(np.exp(parts.log_shares)), [0.4, 0.6])


def test_a_reason_is_of_the_interest_that_the_title_comes_from():
    items = np.array([[8, 10, 13, 15]], np.int32)
    reasons = SCORER.explain(BOTH.take(np.array([0])), items)[0]
    assert (reasons % 2).tolist() == [0, 0, 1, 1]


def test_one_interest_is_scored_as_the_base_scores_it():
    one = BOTH.take(np.array([1]))
    ours, base = SCORER.score(one)[0], SCORER.base.score(one)[0]
    np.testing.assert_allclose(ours, (base - base.mean()) / base.std(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("wrong", [{"most": 0}, {"least": 0}, {"size": 0}, {"weight": -0.1}, {"gain": -1.0}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(BadRequest, match=next(iter(wrong))):
        InterestsConfig(**wrong)

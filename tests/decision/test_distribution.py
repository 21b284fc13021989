"""A distribution over titles: what does not sum to 1 is refused, whatever the rewards."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.decision import Distribution, Enumerates, Requests
from matinee.errors import BadData
from matinee.history import Histories
from matinee.maths.ragged import Ragged
from matinee.policies.uniform import Uniform
from matinee.testing import make_catalog

LISTS = Ragged.of([[0, 3, 5], [], [2]])


def test_the_probability_of_one_title_each():
    made = Distribution(LISTS, np.array([0.2, 0.3, 0.5, 1.0]))
    assert made.of(np.array([3, 0, 2], np.int32)).tolist() == [0.3, 0.0, 1.0]
    assert made.of(np.array([4, -1, -1], np.int32)).tolist() == [0.0, 0.0, 0.0]
    assert made.sums(made.probs * [1, 2, 3, 4]).tolist() == pytest.approx([0.2 + 0.6 + 1.5, 0, 4])


@pytest.mark.parametrize("probs", [[0.2, 0.3, 0.4, 1], [0.2, 0.3, 0.6, 1], [0, 0, 0, 1], [0.5, 0.8, -0.3, 1]])
def test_what_does_not_sum_to_one_is_refused(probs):
    with pytest.raises(BadData):
        Distribution(LISTS, np.array(probs, np.float64))


def test_nan_is_refused():
    with pytest.raises(BadData):
        Distribution(LISTS, np.array([np.nan, 0.5, 0.5, 1]))


def test_from_masks():
    masks = np.array([[True, False, True], [False, False, False]])
    made = Distribution.of_masks(masks, np.array([[0.25, 9, 0.75], [9, 9, 9]]))
    assert made.candidates[0].tolist() == [0, 2]
    assert made.of(np.array([2, 0], np.int32)).tolist() == [0.75, 0.0]


def test_the_uniform_policy_enumerates():
    policy = Uniform(make_catalog(4))
    requests = Requests.of_histories(Histories.empty(2), exclude=Ragged.of([[1], [0, 1, 2, 3]]))
    made = policy.probabilities(requests)
    assert isinstance(policy, Enumerates)
    assert made.candidates[0].tolist() == [0, 2, 3]
    np.testing.assert_allclose(made.probs, 1 / 3)
    assert len(made.candidates[1]) == 0

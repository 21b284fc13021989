"""The best rating: told surely by a file, said, or refused; never guessed from a day that looks like another scale."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.data.sources.scales import best_of, require_fit
from matinee.errors import BadData

STARS = [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("values", "best"),
    [
        (STARS * 10, 5),
        ([*STARS * 100, 10], 5),  # one wild 10 among 500: it is counted, the others keep their stars
        ([0, 1] * 10, 1),
        ([0.25, 0.5, 1.0] * 10, 1),
        (list(range(1, 11)) * 3, 10),
        (list(range(5, 101, 5)), 100),
    ],
)
def test_a_scale_that_leaves_no_doubt(values, best):
    assert best_of(np.array(values, float)) == best


@pytest.mark.parametrize(
    "values",
    [
        [1] * 1_000,  # a day of a five-star log
        [0.5, 1.0] * 50,
        [4, 3] * 50,  # a day of a log of ten points
        STARS * 3,  # too few
        [*STARS * 10, 10],  # one of 51
        [12, 15, 18] * 20,  # a scale of 20
        [5832] * 30,
    ],
)
def test_a_scale_in_doubt_is_refused_with_the_option(values):
    with pytest.raises(BadData, match="--best"):
        best_of(np.array(values, float))


def test_many_ratings_above_the_known_best_are_no_slips():
    require_fit(np.array([*STARS * 10, 10.0]), 5.0)
    with pytest.raises(BadData, match=r"15 of 30 ratings, such as 6, are above the best rating 5.*--best"):
        require_fit(np.array(list(range(1, 11)) * 3, float), 5.0)

"""Fairness of lists: who is served by history length, and the tails of what titles give, on a world by hand."""

import numpy as np
import pytest

from matinee.evaluate.fairness import KEYS, OF_TITLES, fairness
from matinee.history import Histories
from matinee.maths.ragged import Ragged

MEMBERS = 40
HISTORIES = Histories.of_items([list(range(k % 8)) for k in range(MEMBERS)])
TARGETS = Ragged.of([np.array([8 + k % 10], np.int32) for k in range(MEMBERS)])
PERFECT = np.array([[8 + k % 10, 0] for k in range(MEMBERS)], np.int32)
ONE_FOR_ALL = np.tile(np.array([8, 9], np.int32), (MEMBERS, 1))


@pytest.fixture(scope="module")
def table():
    right = {"perfect": np.ones(MEMBERS), "popular": (np.arange(MEMBERS) % 10 == 0).astype(float)}
    lists = {"perfect": PERFECT, "popular": ONE_FOR_ALL}
    return fairness(right, lists, HISTORIES, TARGETS, 18, np.random.default_rng(0))


def test_members_are_told_apart_by_their_likes(table):
    of_members = [metric.label for metric in table.metrics[: -len(OF_TITLES)]]
    assert of_members == ["0 likes", "1 to 5 likes", "6 to 20 likes"]
    popular = table.lines[1].estimates
    asked = np.array([k % 8 == 0 for k in range(MEMBERS)])
    assert popular["ndcg_likes_0"].value == pytest.approx((np.arange(MEMBERS)[asked] % 10 == 0).mean())


def test_one_list_for_all_serves_a_tenth_of_the_titles_alone(table):
    perfect, popular = (line.estimates for line in table.lines)
    assert [perfect[key].value for key in KEYS] == pytest.approx([1, 1, 1, 1])
    assert [popular[key].value for key in KEYS] == pytest.approx([0, 0, 0, 1])
    assert all(0 <= one.low <= one.value <= one.high <= 1 for one in popular.values())

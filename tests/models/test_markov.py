"""Markov: following counted by hand, decay over the last titles, and the contract."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.markov import Markov, MarkovConfig, follow_rates
from matinee.testing import check_scorer, cyclic
from matinee.testing.worlds import make_catalog, make_data, make_events


def rates(lists, n, reach=1, shrink=10.0):
    starts, titles, values = follow_rates(Histories.of_items(lists).tastes, n, reach, shrink)
    dense = np.zeros((n, n))
    for j in range(n):
        dense[j, titles[starts[j] : starts[j + 1]]] = values[starts[j] : starts[j + 1]]
    return dense


def test_keeps_the_contract_as_first_order_chain():
    check_scorer(Markov, personal=False)  # it knows the one title that came next, not a taste


def test_keeps_the_contract_as_co_visitation():
    check_scorer(lambda: Markov(MarkovConfig(reach=5, last=5)))


def test_following_is_counted_and_shrunk():
    # 0 is followed twice by 1 and once by 2: 2 / (3 + 10) and 1 / (3 + 10)
    found = rates([[0, 1], [0, 1], [0, 2]], 3)
    np.testing.assert_allclose(found, [[0, 2 / 13, 1 / 13], [0, 0, 0], [0, 0, 0]], rtol=1e-6)


def test_the_second_to_follow_counts_half():
    # 0 -> 1 counts 1 and 0 -> 2 counts 1/2 of a total of 3/2, 1 -> 2 is the only follower of 1
    found = rates([[0, 1, 2]], 3, reach=2, shrink=0.5)
    np.testing.assert_allclose(found, [[0, 1 / 2, 1 / 4], [0, 0, 1 / 1.5], [0, 0, 0]], rtol=1e-6)


@given(st.lists(st.permutations(range(6)).map(lambda p: p[:4]), min_size=1, max_size=8), st.integers(1, 4))
def test_rates_equal_a_loop_over_all_pairs(lists, reach):
    counts = np.zeros((6, 6))
    for one in lists:
        for at, j in enumerate(one):
            for gap, i in enumerate(one[at + 1 : at + 1 + reach], start=1):
                counts[j, i] += 1 / gap
    np.testing.assert_allclose(rates(lists, 6, reach), counts / (counts.sum(axis=1, keepdims=True) + 10), rtol=1e-5)


def test_only_the_last_titles_speak_and_the_older_ones_less():
    data = make_data(make_events([[0, 2], [1, 3]]), make_catalog(4))
    chain = Markov(MarkovConfig(last=2, decay=0.5, shrink=1.0, kappa=1e-9)).fit(data, np.random.default_rng(0))
    scores = chain.score(Requests.of_histories(Histories.of_items([[0, 1], [1, 0], [0, 1, 2]])))
    # every title that is followed is followed once: rate 1 / (1 + 1)
    np.testing.assert_allclose(scores[0], [0, 0, 0.25, 0.5], atol=1e-6)
    np.testing.assert_allclose(scores[1], [0, 0, 0.5, 0.25], atol=1e-6)
    np.testing.assert_allclose(scores[2], [0, 0, 0, 0.25], atol=1e-6)


def test_on_a_circle_the_next_title_comes_first():
    chain = Markov().fit(cyclic(), np.random.default_rng(0))
    scores = chain.score(Requests.of_histories(Histories.of_items([[i, i + 1] for i in range(9)])))
    np.testing.assert_array_equal(scores.argmax(axis=1), np.arange(2, 11))


def test_the_reason_is_the_title_that_is_followed():
    chain = Markov(MarkovConfig(last=2)).fit(cyclic(), np.random.default_rng(0))
    reasons = chain.explain(Requests.of_histories(Histories.of_items([[7, 3]])), np.array([[4, 8, 11]], np.int32))
    np.testing.assert_array_equal(reasons, [[3, 7, -1]])


@pytest.mark.parametrize("fields", [{"reach": 0}, {"last": 0}, {"shrink": 0}, {"decay": 1.5}, {"kappa": -1}])
def test_senseless_settings_are_refused(fields):
    with pytest.raises(BadRequest):
        MarkovConfig(**fields)

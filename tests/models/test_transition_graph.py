"""The transition graph: steps, two steps and likeness counted by hand, settings found, and the contract."""

import numpy as np
import pytest

from matinee.decision import Requests, no_progress
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.transition_graph import TransitionGraph
from matinee.models.transition_search import foretold, found_config
from matinee.models.transitions import TransitionConfig, alike, graphs
from matinee.testing import check_scorer, cyclic
from matinee.testing.worlds import make_catalog, make_data, make_events

ONE_STEP = TransitionConfig(reach=1, backwards=0.0, shrink=1.0, hop=0.0, content=0.0)


def graph_of(lists, n, catalog=None, **settings):
    config = TransitionConfig(**{"reach": 1, "backwards": 0.0, "shrink": 1.0, "hop": 0.0, "content": 0.0, **settings})
    return graphs(Histories.of_items(lists).tastes, catalog or make_catalog(n))(config).toarray()


def test_keeps_the_contract():
    check_scorer(lambda: TransitionGraph(TransitionConfig(last=10, decay=0.9)))


def test_keeps_the_contract_with_settings_of_its_own():
    check_scorer(TransitionGraph)


def test_steps_fade_with_distance_and_count_less_backwards():
    # 0 -> 1 counts 1, 0 -> 2 counts 1/2, 1 -> 2 counts 1; backwards a tenth of each; a shrink of 1 in every total
    near = np.array([[0, 1, 0.5], [0.1, 0, 1], [0.05, 0.1, 0]])
    expected = near / (near.sum(axis=1, keepdims=True) + 1)
    np.testing.assert_allclose(graph_of([[0, 1, 2]], 3, reach=2, fade=0.5, backwards=0.1), expected, rtol=1e-6)


def test_two_steps_reach_what_nobody_played_next():
    # 0 -> 1 and 1 -> 2, once each: 1/2; 0 -> 1 -> 2 is 1/4 and counts 0.8 of that
    found = graph_of([[0, 1], [1, 2]], 3, hop=0.8)
    np.testing.assert_allclose(found, [[0, 0.5, 0.2], [0, 0, 0.5], [0, 0, 0]], rtol=1e-6)


def test_the_way_back_is_no_recommendation():
    assert not np.diag(graph_of([[0, 1], [1, 0]], 2, hop=1.0, backwards=1.0)).any()


def test_likeness_is_shared_out_over_those_alike():
    catalog = make_catalog(9, genres=[["Western"]] * 3 + [["Musical"]] + [[]] * 5)
    np.testing.assert_allclose(alike(catalog).toarray()[0], [0, 0.5, 0.5, *[0] * 6], rtol=1e-6)
    assert not alike(catalog).toarray()[3].any()


def test_names_of_a_genre_and_of_a_tag_are_not_the_same():
    catalog = make_catalog(9, genres=[["War"]] + [[]] * 8, tags=[[], ["War"]] + [[]] * 7)
    assert not alike(catalog).toarray().any()


def test_the_reason_is_the_last_title_that_leads_there():
    data = make_data(make_events([[0, 2], [1, 3]]), make_catalog(4))
    graph = TransitionGraph(ONE_STEP).fit(data, np.random.default_rng(0))
    asked = Requests.of_histories(Histories.of_items([[0, 1]]))
    np.testing.assert_array_equal(graph.explain(asked, np.array([[2, 3, 0]], np.int32)), [[0, 1, -1]])


def test_ndcg_of_the_search_by_hand():
    # after 0 comes 1 at place 1; after 1 comes 2 before 3, so 3 stands at place 2; nobody follows 2: ties of 4 share
    graph = graphs(Histories.of_items([[0, 1], [1, 2], [1, 2], [1, 3]]).tastes, make_catalog(5))
    asked, wanted = Histories.of_items([[0], [1], [2]]), np.array([1, 3, 4], np.int32)
    config = TransitionConfig(reach=1, backwards=0.0, hop=0.0, content=0.0, last=1)
    expected = (1 + 1 / np.log2(3) + 1 / np.log2(1.5 + 2)) / 3
    assert foretold(graph, config, asked, wanted) == pytest.approx(expected, rel=1e-6)


def test_what_leads_astray_counts_nothing():
    # titles 2k and 2k + 1 are played together, and each pair shares its genre with the titles of another pair alone
    likes = [[2 * k, 2 * k + 1] for k in range(8) for _ in range(6)]
    genres = [[f"genre {(item // 2 + (item % 2) * 4) % 8}"] for item in range(16)]
    data = make_data(make_events(likes), make_catalog(16, genres=genres))
    misled = TransitionConfig(reach=1, hop=0.0, content=30.0)
    graph = graphs(Histories.of_items(likes).tastes, data.catalog)
    asked, wanted = Histories.of_items([[2 * k] for k in range(8)]), np.arange(1, 16, 2, dtype=np.int32)
    found = found_config(data, np.random.default_rng(0), no_progress)
    assert foretold(graph, misled, asked, wanted) < foretold(graph, found, asked, wanted) == 1.0


def test_defaults_stand_where_nobody_played_two_titles():
    data = make_data(make_events([[0], [1]]), make_catalog(2))
    assert found_config(data, np.random.default_rng(0), no_progress) == TransitionConfig()


def test_settings_that_are_given_stay():
    data = cyclic()
    assert TransitionGraph(ONE_STEP).fit(data, np.random.default_rng(0)).config == ONE_STEP


def test_a_refit_counts_what_came_and_keeps_the_settings():
    before, after = (make_data(make_events(likes), make_catalog(3)) for likes in ([[0, 1]], [[0, 1], [0, 2], [0, 2]]))
    graph = TransitionGraph(ONE_STEP).fit(before, np.random.default_rng(0)).refit(after, np.random.default_rng(0))
    asked = Requests.of_histories(Histories.of_items([[0]]))
    afresh = TransitionGraph(ONE_STEP).fit(after, np.random.default_rng(0))
    np.testing.assert_allclose(graph.score(asked), afresh.score(asked), rtol=1e-6)
    assert graph.score(asked)[0, 2] > graph.score(asked)[0, 1]


@pytest.mark.parametrize("wrong", [{"reach": 0}, {"fade": 0.0}, {"decay": 1.1}, {"hop": -1.0}, {"shrink": 0.0}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(BadRequest, match="transition graph needs"):
        TransitionConfig(**wrong)

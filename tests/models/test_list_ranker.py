"""The list ranker: lists are read as shown, a place earns no credit, what was passed over speaks, content knows."""

import numpy as np
import polars as pl
import pytest

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.events import clean
from matinee.history import Histories
from matinee.models.ranking.list_features import Appeal, ShownLists, nearest_liked, passed_over
from matinee.models.ranking.list_ranker import ListRanker, ListRankerConfig
from matinee.models.ranking.trees import TreesConfig
from matinee.testing import check_scorer
from matinee.testing.worlds import NOW, START, make_catalog, make_data

TREES = TreesConfig(rounds=60, patience=20, rate=0.1, least=20, leaves=6, threads=1)


def shown(lists):
    """Events of lists (member, titles in order, liked titles), one a minute; likes come a second later."""
    rows = []
    for at, (member, titles, likes) in enumerate(lists):
        seconds = START + 60 * at
        rows += [(f"m{member}", f"t{i}", "impression", seconds, f"d{at}", place) for place, i in enumerate(titles)]
        rows += [(f"m{member}", f"t{i}", "thumbs_up", seconds + 1, f"d{at}", titles.index(i)) for i in likes]
    columns = ["user_id", "item_id", "kind", "timestamp", "decision_id", "column"]
    frame = pl.DataFrame(rows, columns, orient="row").with_row_index("event_id")
    return clean(frame.with_columns(pl.col("event_id").cast(pl.String)), NOW)[0]


def test_keeps_the_contract():
    check_scorer(ListRanker)


def test_keeps_the_contract_with_content_alone():
    check_scorer(lambda: ListRanker(ListRankerConfig(collaborative=False)), personal=False)


def test_lists_are_read_with_places_and_likes():
    data = make_data(
        shown([(1, [2, 0, 1], [0]), (0, [1, 2], [2]), (0, [0, 1], []), (0, [0, 1], [0, 1])]), make_catalog(3)
    )
    lists = ShownLists.of(data)
    assert lists.candidates.offsets.tolist() == [0, 3, 5]  # a list without a choice teaches nothing
    assert lists.candidates.items.tolist() == [2, 0, 1, 1, 2]
    assert lists.columns.tolist() == [0, 1, 2, 0, 1]
    assert lists.liked.tolist() == [False, True, False, False, True]
    assert [data.user_ids[m] for m in lists.members] == ["m1", "m0"]
    assert lists.take(np.array([False, True])).candidates.items.tolist() == [1, 2]


def test_a_list_is_explained_by_what_came_before_it():
    data = make_data(shown([(0, [0, 1], [0]), (0, [1, 2], [2])]), make_catalog(3))
    histories = ShownLists.of(data).requests(data).histories
    assert histories.offsets.tolist() == [0, 0, 3]
    assert histories.tastes.items.tolist() == [0]
    assert passed_over(histories).items.tolist() == [1]


def test_rates_are_shrunk_towards_the_mean():
    data = make_data(shown([(k, [0, 1], [0]) for k in range(30)]), make_catalog(3))
    appeal = Appeal.fit(data, np.zeros((3, 1), np.float32))
    # 30 of 30, 0 of 30 and nothing, with 10 impressions at the mean of 1/2 added
    np.testing.assert_allclose(appeal.rates[0], [35 / 40, 5 / 40, 1 / 2], rtol=1e-6)
    np.testing.assert_allclose(appeal.rates[1], [1 / 2] * 3, rtol=1e-6)


def test_what_nobody_likes_counts_against_a_title_in_lists_without_a_like_too():
    data = make_data(shown([(k, [0, 1], [0]) for k in range(30)] + [(k, [2], []) for k in range(30)]), make_catalog(4))
    appeal = Appeal.fit(data, np.zeros((4, 1), np.float32))
    # 30 of 30, 0 of 30, 0 of 30 and nothing, with 10 impressions at the mean of 30/90 added
    mean = 30 / 90
    np.testing.assert_allclose(
        appeal.rates[0], [(30 + 10 * mean) / 40, 10 * mean / 40, 10 * mean / 40, mean], rtol=1e-6
    )
    np.testing.assert_allclose(appeal.shown, np.log([31, 31, 31, 1]), rtol=1e-6)


def test_members_may_share_a_decision_id():
    data = make_data(
        shown([(0, [0, 1], [0]), (1, [0, 1], [1])]).with_columns(pl.lit("d").alias("decision_id")), make_catalog(2)
    )
    lists = ShownLists.of(data)
    assert [data.user_ids[m] for m in lists.members] == ["m0", "m1"]
    assert lists.candidates.offsets.tolist() == [0, 2, 4]
    assert lists.liked.tolist() == [True, False, False, True]


def placed_world(lists=600, seed=0):
    """Six titles; 0 and 1 are liked alike, the first place doubles the chance; 0 stands first four times in five."""
    rng = np.random.default_rng(seed)
    appeal = np.array([0.4, 0.4, 0.2, 0.2, 0.2, 0.2])
    made = []
    for k in range(lists):
        titles = rng.permutation(6).tolist()
        if rng.random() < 0.8:
            titles.remove(0)
            titles.insert(0, 0)
        chance = appeal[titles] * np.where(np.arange(6) == 0, 2.0, 1.0)
        made.append((k, titles, [i for i, hit in zip(titles, rng.random(6) < chance, strict=True) if hit]))
    return make_data(shown(made), make_catalog(6))


def test_what_a_place_earned_is_not_credited_to_the_title():
    data = placed_world()
    gaps = []
    for position in (True, False):
        config = ListRankerConfig(content=False, position=position, objective="binary", ridge=1e6, trees=TREES)
        scores = ListRanker(config).fit(data, np.random.default_rng(0)).score(Requests.of_histories(Histories.empty(1)))
        gaps.append(float(scores[0, 0] - scores[0, 1]))
    handled, naive = gaps
    assert handled < naive  # 0 is shown first and liked twice as often, yet no better than 1


@pytest.mark.parametrize("collaborative", [True, False])
def test_who_liked_war_is_offered_war(collaborative):
    rng = np.random.default_rng(1)
    genres = [["War"] if i % 2 else ["Comedy"] for i in range(40)]
    lists = []
    for _ in range(3):
        for member in range(80):
            titles = rng.permutation(40)[:8].tolist()
            lists.append((member, titles, [i for i in titles if i % 2 == member % 2]))
    data = make_data(shown(lists), make_catalog(40, genres=genres))
    config = ListRankerConfig(collaborative=collaborative, trees=TREES)
    ranker = ListRanker(config).fit(data, np.random.default_rng(0))
    war, comedy = ranker.score(Requests.of_histories(Histories.of_items([[1, 3, 5], [0, 2, 4]])))
    odd, even = np.arange(7, 40, 2), np.arange(6, 40, 2)
    assert war[odd].mean() > war[even].mean()
    assert comedy[even].mean() > comedy[odd].mean()


def test_the_reason_is_the_liked_title_of_nearest_content():
    content = np.array([[1, 0], [0, 1], [0.8, 0.6], [0, 0]], np.float32)
    found = nearest_liked(Histories.of_items([[0, 1], []]), np.array([[2, 3, -1]] * 2, np.int32), content)
    assert found.tolist() == [[0, -1, -1], [-1, -1, -1]]


@pytest.mark.parametrize(
    "fields", [{"content": False, "collaborative": False}, {"objective": "mse"}, {"folds": 1}, {"l2": 0}]
)
def test_senseless_settings_are_refused(fields):
    with pytest.raises(BadRequest):
        ListRankerConfig(**fields)

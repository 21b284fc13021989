"""Watching together: the promises of every policy, who each title is for, whose turn it is, and no leak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pages import NOW, policy_of, world
from test_eligibility import may_see, random_catalog, random_requests

from matinee.decision import UNSPOKEN, Company, Decisions, Layer, People, Requests
from matinee.errors import BadRequest
from matinee.events import Kind
from matinee.history import Histories
from matinee.page import Layout, RowKind
from matinee.profile import Profile
from matinee.surfaces.together.policy import TogetherPolicy
from matinee.surfaces.together.watchers import Watchers
from matinee.surfaces.together.wishes import Rule, TogetherConfig, wishes_of
from matinee.testing import check_policy

N = 120
CATALOG = world(N)
LAYOUT = Layout(rows=5, columns=6, visible=3)
DAY = 86_400_000_000


def policy(exploration: float = 0.0, **config) -> TogetherPolicy:
    return TogetherPolicy("together", policy_of(CATALOG, exploration), TogetherConfig(**config))


def ago(lists: list[list[int]]) -> Histories:
    """Watched a day ago, one a second."""
    histories = Histories.of_items(lists)
    return replace(histories, times=histories.times + NOW - DAY)


def asking(own: list[list[int]], others: list[list[list[int]]], **fields) -> Requests:
    """Member b watched `own[b]`, and each who watches along one of the lists `others[b]`."""
    profiles = [Profile(f"m{b}") for b in range(len(own))]
    along = [[Profile(f"m{b}.{k}") for k in range(len(one))] for b, one in enumerate(others)]
    requests = Requests.of_histories(ago(own), NOW, profiles, layout=LAYOUT, surface="together", **fields)
    starts = np.cumsum([len(own), *map(len, others)])
    lists = [list(range(int(starts[b]), int(starts[b]) + len(one))) for b, one in enumerate(others)]
    people = People.of([*profiles, *(one for some in along for one in some)])
    company = Company.of(lists, ago([one for some in others for one in some]))
    return replace(requests, people=people, together=company)


ASKED = asking([[], [1, 2, 3], [4], [5, 6, 7, 8]], [[[1, 9]], [[20, 21]], [[]], [[30], [5, 40, 41]]])


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("exploration", [0.0, 0.4])
def test_it_keeps_the_promises_of_every_policy(rule, exploration):
    check_policy(lambda: policy(exploration, rule=rule), CATALOG, ASKED)


def test_nobody_watches_together_alone():
    alone = replace(ASKED, together=None)
    with pytest.raises(BadRequest, match="takes two or more"):
        policy().decide(alone, np.random.default_rng(0))


def test_what_one_has_seen_is_left_out_for_all():
    made = policy(0.5).decide(ASKED, np.random.default_rng(0))
    for b, seen in enumerate(([1, 9], [1, 2, 3, 20, 21], [4], [5, 6, 7, 8, 30, 40, 41])):
        assert not set(made.take(np.array([b])).titles.tolist()) & set(seen)
    kinds = {name.kind for name in made.row_names}
    assert not kinds & {RowKind.CONTINUE_WATCHING, RowKind.WATCH_AGAIN}


def test_rows_grow_from_the_likes_of_both():
    """Ben watched his titles long before Ada hers; the latest likes of both found rows."""
    made = policy().decide(asking([[1, 2, 3, 4, 5, 6]], [[[60, 61, 62]]]), np.random.default_rng(0))
    as_one = Watchers.of(made.requests).as_one(made.requests)
    assert as_one.histories.items.tolist() == [1, 2, 3, 60, 4, 61, 5, 62, 6]


def test_each_title_says_whom_it_is_for_and_why():
    made = policy(approves=10).decide(asking([[1, 2]], [[[50, 51]]]), np.random.default_rng(0))
    choices, watcher = made.choices, made.layer(Layer.WATCHER)
    before = np.flatnonzero(watcher) - 1
    assert np.isin(choices.layers[before], (Layer.TITLE, Layer.WATCHER)).all(), "whom it is for stands behind a title"
    for person, own in ((0, {1, 2}), (1, {50, 51})):
        theirs = watcher & (choices.actions == person)
        assert theirs.any()
        assert set(choices.evidence[theirs].tolist()) <= own | {-1, UNSPOKEN}
        alone = Watchers.of(made.requests).alone.take(np.array([person]))
        worth = policy().home.worth(policy().home.scorer.score(alone), alone)[0]
        assert (worth[_titles(made, theirs)] >= np.sort(worth)[-10 - 4]).all(), "among their best"


def _titles(made, lines: np.ndarray) -> np.ndarray:
    page = made.page()
    return page.items[0, made.choices.rows[lines], made.choices.columns[lines]]


def test_a_night_together_is_a_title_that_all_played_at_once():
    def plays(titles: list[int], minutes: list[int]) -> Histories:
        one = Histories.of_items([titles])
        return replace(one, times=NOW - DAY + np.array(minutes, np.int64) * 60_000_000)

    asked = asking([[]], [[[]]])
    ada, ben = plays([3, 4, 5, 6], [0, 10, 200, 300]), plays([4, 5, 6, 8], [12, 100, 300, 400])
    asked = replace(asked, histories=ada, together=replace(asked.together, histories=ben))
    assert Watchers.of(asked).nights(0).tolist() == [6, 4], "5 was watched at two times; the latest night comes first"


@pytest.mark.parametrize(("refused", "favoured"), [(False, 1), (True, 0)])
def test_who_gave_in_weighs_more(refused, favoured):
    """Ada got her wish the last night, so it is Ben's turn; had she turned it down, she got nothing."""
    wishes = np.array([[1.0, 0.2, 0.9], [0.1, 1.0, 0.5]], np.float32)
    kinds = np.array([Kind.PLAY, Kind.THUMBS_DOWN][: 1 + refused], np.int8)
    ada = replace(ago([[0, 0][: 1 + refused]]), kinds=kinds)
    asked = asking([[]], [[[]]])
    watchers = Watchers.of(replace(asked, histories=ada, together=replace(asked.together, histories=ago([[0]]))))
    offered = np.array([[False, True, True]])
    found = wishes_of(watchers, wishes, offered, TogetherConfig())
    assert found.weights.argmax() == favoured
    even = wishes_of(watchers, wishes, offered, TogetherConfig(fairness=0.0))
    assert even.weights.tolist() == [0.5, 0.5]


def test_the_worth_to_all_is_between_that_to_each():
    worths = np.array([[0.4, 0.2, 0.1], [0.1, 0.2, 0.05]], np.float32)
    watchers, offered = Watchers.of(asking([[]], [[[]]])), np.ones((1, 3), bool)
    found = wishes_of(watchers, worths, offered, TogetherConfig(fairness=0.0))
    np.testing.assert_allclose(found.worth[0], np.array([0.75, 0.75, 0.25]) * 0.3, rtol=1e-5)


def wanting_less(requests: Requests, genres: list[tuple[str, ...]]) -> Requests:
    """Each person of `requests.people` wants less of these genres."""
    return replace(requests, people=People.of([Profile(f"m{p}", less_genres=one) for p, one in enumerate(genres)]))


@pytest.mark.parametrize("rule", Rule)
def test_it_keeps_the_promises_of_every_policy_where_some_want_less(rule):
    less = [("g1",), (), ("g2", "g3"), (), ("g4",), (), ("g1",), (), ("g5",)]
    check_policy(lambda: policy(0.4, rule=rule), CATALOG, wanting_less(ASKED, less))


QUARTER = np.log(0.25)


@pytest.mark.parametrize("asks", [0, 1])
def test_less_weighs_in_the_wishes_of_whoever_asked_for_it(asks):
    """Worth .4 and .2 to both. A quarter of the odds .4 / .6 is 1 / 6, so 1 / 7: the second title is now the best of
    one of them, of whose it has 5 / 7. Their mean wishes are 6 / 7 and 3 / 4 of the mean best .3.
    """
    worths, offered = np.array([[0.4, 0.2]] * 2, np.float32), np.ones((1, 2), bool)
    less = np.zeros((2, 2))
    less[asks, 0] = QUARTER
    found = wishes_of(Watchers.of(asking([[]], [[[]]])), worths, offered, TogetherConfig(), less)
    np.testing.assert_allclose(found.worth[0], [0.4, 0.2], rtol=1e-6)
    held = 0.3 * np.array([6 / 7, 3 / 4])
    odds = held / (1 - held) / np.array([0.4 / 0.6, 0.2 / 0.8])
    np.testing.assert_allclose(np.exp(found.less[0]), odds, rtol=1e-5)
    assert odds[0] < 0.6


def test_what_all_want_less_of_counts_a_quarter():
    worths, offered = np.array([[0.4, 0.2]] * 2, np.float32), np.ones((1, 2), bool)
    less = np.array([[QUARTER, 0.0]] * 2)
    found = wishes_of(Watchers.of(asking([[]], [[[]]])), worths, offered, TogetherConfig(), less)
    np.testing.assert_allclose(np.exp(found.less[0]), [0.25, 1.0], rtol=1e-5)


@pytest.mark.parametrize("wanting", [0, 1])
def test_a_title_that_one_wants_less_of_is_not_pushed_on_them_whoever_asks(wanting):
    """Of 100 pages each, drawn with the same luck: fewer titles of the genre, and the worth that is told stays."""
    asked = asking([[1, 2]] * 100, [[[50, 51]]] * 100)
    people = [("g1",) if k // 100 == wanting else () for k in range(200)]
    made = [
        policy(0.5, fairness=0.0).decide(wanting_less(asked, one), np.random.default_rng(3))
        for one in ([()] * 200, people)
    ]
    of_genre = np.zeros(N, bool)
    of_genre[CATALOG.genre_titles[CATALOG.genres.index("g1")]] = True
    before, after = (of_genre[one.titles].mean() for one in made)
    assert after < 0.8 * before
    told = [_worth_of_picks(one) for one in made]
    both = sorted(told[0].keys() & told[1].keys())
    assert of_genre[both].any()
    np.testing.assert_allclose([told[0][k] for k in both], [told[1][k] for k in both], rtol=1e-4)


def _worth_of_picks(made: Decisions) -> dict[int, float]:
    page = made.page()
    picks = page.row_kinds == RowKind.TOP_PICKS
    items, scores = page.items[picks], page.scores[picks]
    return dict(zip(items[items >= 0].tolist(), scores[items >= 0].tolist(), strict=True))


def test_who_wants_less_of_it_would_not_choose_it_alone():
    worths, offered = np.array([[0.4, 0.2]] * 2, np.float32), np.ones((1, 2), bool)
    less = np.array([[QUARTER, 0.0], [0.0, 0.0]])
    found = wishes_of(Watchers.of(asking([[]], [[[]]])), worths, offered, TogetherConfig(approves=1), less)
    assert found.approves.tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize("wrong", [{"fairness": 1.5}, {"memory": -0.1}, {"approves": 0}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(BadRequest, match=next(iter(wrong))):
        TogetherConfig(**wrong)


def test_no_leak_where_several_watch():
    """Every slot, every reason and every title above a row is one that each of them could see alone."""
    rng, slots = np.random.default_rng(7), 0
    while slots < 3_000:
        n, batch = 200, 30
        catalog = random_catalog(rng, n, 0)
        home = policy_of(catalog, exploration=float(rng.choice([0.0, 1.0])), seed=int(rng.integers(1e9)))
        requests = random_requests(rng, n, batch, Layout(rows=10, columns=12, visible=1))
        with_whom = [rng.choice(batch, rng.integers(1, 3), replace=False).tolist() for _ in range(batch)]
        company = Company.of(with_whom, requests.histories.take(np.concatenate(with_whom)))
        requests = replace(requests, together=company)
        made = TogetherPolicy("together", home).decide(requests, rng)
        page, titles, choices = made.page(), catalog.titles.to_dicts(), made.choices
        named = np.flatnonzero(choices.evidence >= 0)
        shown = [(b, page.items[b, r, c]) for b, r, c in np.argwhere(page.items >= 0).tolist()]
        for b, item in [*shown, *zip(choices.decisions[named].tolist(), choices.evidence[named].tolist(), strict=True)]:
            context, time = requests.situations.context(b), int(requests.times[b])
            for person in (b, *with_whom[b]):
                assert may_see(catalog, titles[item], requests.people.profile(person), context, time)
        slots += len(shown)

"""The home page: conformance, exact probabilities, true evidence, live histories, cold members."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pages import NOW, Linear, catalog_of, charts_of, policy_of, world
from scipy.stats import chi2
from threadpoolctl import threadpool_info, threadpool_limits

from matinee.data.histories import histories_of
from matinee.decision import CHARTED, Context, Layer, Requests, Situations
from matinee.decision.evidence import row_title, title_reasons
from matinee.errors import BadData
from matinee.events import Kind
from matinee.history import Histories
from matinee.maths.calibration import Platt
from matinee.maths.ragged import Ragged
from matinee.page import PHONE, TV, Layout, RowKind
from matinee.profile import Profile
from matinee.surfaces.home import HomeConfig, HomePolicy
from matinee.surfaces.pages.builder import Where
from matinee.testing import check_policy, make_events

DAY = 86_400_000_000
LAYOUT = Layout(rows=8, columns=10, visible=4)


def requests_of(n: int, batch: int = 12, layout: Layout = LAYOUT, seed: int = 0, **fields) -> Requests:
    """Members with histories of 0, 1, 2, ... plays a day apart, some unfinished, some disliked later."""
    rng = np.random.default_rng(seed)
    counts = np.arange(batch) % 9
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    total = int(offsets[-1])
    kinds = rng.choice([Kind.PLAY, Kind.PLAY, Kind.THUMBS_UP, Kind.LIST_ADD, Kind.DISMISS], total).astype(np.int8)
    values = rng.choice([0.05, 0.5, 1.0], total).astype(np.float32)
    times = np.concatenate([NOW - DAY * np.arange(c, 0, -1) * 9 for c in counts]).astype(np.int64)
    items = rng.integers(0, n, total).astype(np.int32)
    return Requests.of_histories(Histories(offsets, items, kinds, values, times), times=NOW, layout=layout, **fields)


@pytest.mark.parametrize("exploration", [0.0, 0.15, 1.0])
@pytest.mark.parametrize("layout", [LAYOUT, TV, PHONE, Layout(rows=1, columns=1, visible=1)])
def test_conformance(exploration, layout):
    catalog = world()
    check_policy(lambda: policy_of(catalog, exploration), catalog, requests_of(len(catalog), layout=layout))


@pytest.mark.parametrize(
    "where",
    [Where(0), Where(1), Where(2), Where(0, by_chance=0), Where(0, by_chance=2), Where(1, by_chance=4), Where(None, 1)],
    ids=str,
)
def test_conformance_where_chance_decides_in_a_part(where):
    catalog = world()
    check_policy(lambda: policy_of(catalog, 0.4, where=where), catalog, requests_of(len(catalog)))


def test_chance_decides_in_the_first_rows_alone():
    catalog = world()
    asked = requests_of(len(catalog), batch=30)
    for rows in (0, 1, 2):
        decisions = policy_of(catalog, 0.4, where=Where(rows)).decide(asked, np.random.default_rng(0))
        certain = decisions.choices.log_probs == 0
        assert certain[decisions.choices.rows >= rows].all()
        assert (~certain).any() == (rows > 0)
    best = policy_of(catalog).decide(asked, np.random.default_rng(1))
    none = policy_of(catalog, 0.4, where=Where(0)).decide(asked, np.random.default_rng(2))
    np.testing.assert_array_equal(none.page().items, best.page().items)


def test_a_row_by_chance_shows_every_fresh_title_as_often():
    """3,000 rows of 4 titles; a chi-square of 99.9 % holds but for 1 in 1,000 seeds."""
    catalog = world(24)
    asked = requests_of(len(catalog), batch=1, layout=Layout(rows=2, columns=4, visible=4, billboard=False))
    many = asked.take(np.zeros(3_000, np.int64))
    decisions = policy_of(catalog, 0.4, where=Where(0, by_chance=0)).decide(many, np.random.default_rng(3))
    assert decisions.row_names[decisions.page().rows[0, 0]].kind is RowKind.BY_CHANCE
    first = decisions.choices.actions[decisions.layer(Layer.TITLE) & (decisions.choices.rows == 0)]
    times = np.bincount(first)
    times = times[times > 0]
    open_titles = decisions.choices.among[decisions.layer(Layer.TITLE)][0]
    assert len(times) == open_titles > 10
    assert ((times - times.mean()) ** 2 / times.mean()).sum() < chi2.ppf(0.999, len(times) - 1)
    probs = decisions.choices.log_probs[decisions.layer(Layer.TITLE)][:4]
    np.testing.assert_allclose(probs, -np.log(open_titles - np.arange(4)))


def test_a_request_that_names_its_exploration_explores_everywhere():
    catalog = world()
    asked = requests_of(len(catalog), batch=20)
    policy = policy_of(catalog, 0.4, where=Where(0, by_chance=2))
    own, bold = (policy.decide(one, np.random.default_rng(4)) for one in (asked, replace(asked, exploration=0.4)))
    assert RowKind.BY_CHANCE in {name.kind for name in own.row_names}
    assert RowKind.BY_CHANCE not in {name.kind for name in bold.row_names}
    everywhere = policy_of(catalog, 0.4).decide(asked, np.random.default_rng(4))
    np.testing.assert_array_equal(bold.choices.actions, everywhere.choices.actions)


def test_conformance_over_blocks_of_a_large_batch():
    catalog = world(60)
    check_policy(lambda: policy_of(catalog, 0.3), catalog, requests_of(len(catalog), batch=200))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_tiny_catalogues(n):
    catalog = world(n)
    check_policy(lambda: policy_of(catalog, 0.5), catalog, requests_of(n))


def test_the_history_shapes_the_page():
    """What was started is to be continued, what was dismissed is nowhere, what was listed is on the list."""
    catalog = world()
    events = make_events([[3, 4, 5]]).with_columns(
        pl.Series("kind", ["play", "dismiss", "list_add"]), pl.Series("value", [0.5, None, None])
    )
    now = int(events["timestamp"].cast(pl.Int64).max()) + DAY
    histories = histories_of(events, ["m0"], catalog, now)
    page = (
        policy_of(catalog).decide(Requests.of_histories(histories, now, layout=LAYOUT), np.random.default_rng(0)).page()
    )
    rows = {int(kind): page.items[0, r] for r, kind in enumerate(page.row_kinds[0])}
    assert rows[RowKind.CONTINUE_WATCHING][0] == 3
    assert rows[RowKind.MY_LIST][0] == 5
    assert 4 not in page.items


def test_a_play_a_second_ago_counts():
    catalog = catalog_of([[]] * 120)
    policy, rng = policy_of(catalog), np.random.default_rng(0)
    before = policy.decide(Requests.of_histories(Histories.empty(1), NOW, layout=LAYOUT), rng).page()
    top = int(before.items[0, 0, 0])
    watched = replace(Histories.of_items([[top]]), times=np.array([NOW - 1_000_000]))
    after = policy.decide(Requests.of_histories(watched, NOW, layout=LAYOUT), rng).page()
    assert top not in after.items
    assert RowKind.BECAUSE_YOU_WATCHED in after.row_kinds


def test_unfinished_plays_stop_after_ninety_days():
    catalog = world()
    for days, offered in ((89, True), (91, False)):
        histories = Histories(
            np.array([0, 1]), np.array([7], np.int32), np.array([Kind.PLAY], np.int8), np.array([0.5], np.float32),
            np.array([NOW - days * DAY]),
        )  # fmt: skip
        requests = Requests.of_histories(histories, NOW, layout=replace(LAYOUT, rows=30))
        page = policy_of(catalog).decide(requests, np.random.default_rng(0)).page()
        assert (RowKind.CONTINUE_WATCHING in page.row_kinds) == offered


def test_evidence_is_what_adds_most():
    """Against the scorer's own numbers: the evidence of every title is the history title with the largest term."""
    catalog = world()
    policy, requests = policy_of(catalog, 0.2), requests_of(len(catalog))
    page = policy.decide(requests, np.random.default_rng(0)).page()
    tastes = requests.histories.tastes
    scorer = policy.scorer
    assert isinstance(scorer, Linear)
    for b, r, c in zip(*np.nonzero(page.items >= 0), strict=True):
        mine = tastes.items[tastes.offsets[b] : tastes.offsets[b + 1]]
        terms = scorer.weights[mine, page.items[b, r, c]]
        source = page.evidence[b, r, c]
        if source < 0:
            assert terms.max(initial=0.0) <= 0
        else:
            assert scorer.weights[source, page.items[b, r, c]] == terms.max()


def test_because_rows_hold_the_nearest_titles_of_what_was_watched():
    catalog = world()
    policy, requests = policy_of(catalog), requests_of(len(catalog), batch=30)
    page = policy.decide(requests, np.random.default_rng(0)).page()
    tastes = requests.histories.tastes
    checked = 0
    for b, r in zip(*np.nonzero(np.isin(page.row_kinds, (3, 12))), strict=True):
        seed = catalog.index[page.name(b, r).about[0]]
        at = tastes.offsets[b] + list(tastes.items[tastes.offsets[b] : tastes.offsets[b + 1]]).index(seed)
        liked = page.row_kinds[b, r] == RowKind.BECAUSE_YOU_LIKED
        assert (tastes.kinds[at] != Kind.PLAY) == liked
        alone = policy.scorer.score(Requests.of_histories(Histories.of_items([[seed]])))[0]
        alone[seed] = -np.inf
        nearest = set(np.argsort(-alone)[:60].tolist())
        shown = page.items[b, r][page.items[b, r] >= 0]
        assert set(shown.tolist()) <= nearest
        only = Requests.of_histories(Histories.of_items([[seed]]))
        assert (policy.scorer.explain(only, shown[None, :]) == seed).all(), "the seed adds nothing to a title"
        title = row_title(page.name(b, r), catalog)
        assert title == f"Because you {'liked' if liked else 'watched'} t{seed}"
        checked += 1
    assert checked > 10


def test_genre_rows_hold_their_genre_and_charts_their_order():
    catalog = world()
    charts = charts_of(catalog)
    policy = policy_of(catalog, charts=charts)
    requests = requests_of(len(catalog), layout=replace(LAYOUT, rows=30))
    requests = replace(requests, situations=Situations.of([Context(country="DK")] * len(requests)))
    page = policy.decide(requests, np.random.default_rng(0)).page()
    kinds = set(page.row_kinds.ravel().tolist())
    assert {RowKind.GENRE, RowKind.POPULAR, RowKind.TRENDING} <= kinds
    for b, r in zip(*np.nonzero(page.row_kinds != RowKind.EMPTY), strict=True):
        shown = page.items[b, r][page.items[b, r] >= 0]
        match page.row_kinds[b, r]:
            case RowKind.GENRE:
                assert all(page.name(b, r).about[0] in catalog.titles["genres"][int(i)] for i in shown)
            case RowKind.POPULAR:
                places = [charts.popular["DK"].items.tolist().index(i) for i in shown]
                assert places == sorted(places)
                assert row_title(page.name(b, r), catalog) == "Popular in Denmark this week"
            case RowKind.TRENDING:
                places = [charts.trending.items.tolist().index(i) for i in shown]
                assert places == sorted(places)


def test_new_arrivals_arrived_lately():
    days = np.arange(120)
    arrived = [NOW - int(d) * DAY for d in days]
    catalog = world(available_from=pl.Series(arrived, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).to_list())
    page = policy_of(catalog).decide(requests_of(120, layout=replace(LAYOUT, rows=30)), np.random.default_rng(0)).page()
    rows = np.argwhere(page.row_kinds == RowKind.NEW_ARRIVALS)
    assert len(rows)
    for b, r in rows:
        assert all(days[i] <= 60 for i in page.items[b, r] if i >= 0)
        assert title_reasons(page, b, r, catalog)[0].startswith("Arrived on ")


def test_what_is_shown_before_its_release_has_not_arrived():
    released = [NOW + (1 if i < 60 else -1) * DAY for i in range(120)]
    catalog = world(released=pl.Series(released, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).to_list())
    page = policy_of(catalog).decide(requests_of(120, layout=replace(LAYOUT, rows=30)), np.random.default_rng(0)).page()
    shown = page.items[page.row_kinds == RowKind.NEW_ARRIVALS]
    assert len(shown)
    assert shown[shown >= 0].min() >= 60
    assert page.items[page.items >= 0].min() < 60


def test_a_cold_member_is_told_the_truth():
    catalog = world()
    page = (
        policy_of(catalog)
        .decide(Requests.of_histories(Histories.empty(1), NOW, layout=LAYOUT), np.random.default_rng(0))
        .page()
    )
    picks = int(np.argmax(page.row_kinds[0] == RowKind.TOP_PICKS))
    words = {-1: "Among the likeliest to please you", CHARTED: "Popular with members this week"}
    told = page.evidence[0, picks][page.items[0, picks] >= 0]
    assert title_reasons(page, 0, picks, catalog) == [words[source] for source in told]
    charted = np.isin(page.items, charts_of(catalog).popular[None].items[:6])  # one in twenty of 120
    np.testing.assert_array_equal(page.evidence, np.where(charted, CHARTED, -1))


def test_exclusions_and_exploration_of_the_request():
    catalog = world()
    policy, plain = policy_of(catalog), requests_of(len(catalog), batch=1)
    first = policy.decide(plain, np.random.default_rng(0)).page()
    hidden = first.items[first.items >= 0][:20]
    second = policy.decide(replace(plain, exclude=Ragged.of([hidden])), np.random.default_rng(0)).page()
    assert not np.isin(hidden, second.items).any()
    bold = policy.decide(replace(plain, exploration=1.0), np.random.default_rng(0)).page()
    assert bold.item_log_probs.sum() < 0 == first.item_log_probs.sum()


def test_ten_thousand_members_are_one_call():
    catalog = world(50)
    histories = Histories.of_items([[k % 50] for k in range(2_000)])
    profiles = tuple(Profile(f"m{k}") for k in range(2_000))
    requests = Requests.of_histories(histories, NOW, layout=Layout(rows=3, columns=4, visible=4), profiles=profiles)
    scorer = Linear(np.eye(50), np.zeros(50))
    policy = HomePolicy("home", "fixed", catalog, scorer, Platt(1.0, 0.0), charts_of(catalog), HomeConfig())
    decisions = policy.decide(requests, np.random.default_rng(0))
    assert decisions.page().items.shape == (2_000, 3, 4)
    assert decisions.requests.user_ids[1_999] == "m1999"


@pytest.mark.parametrize("exploration", [5e-324, 2.2e-311, 1e-9])
def test_next_to_no_exploration_is_the_best_page_with_certainty(exploration):
    catalog = world()
    policy = policy_of(catalog, 0.5)
    asked = requests_of(len(catalog), exploration=exploration)
    pages = policy.decide(asked, np.random.default_rng(1))
    best = policy.decide(replace(asked, exploration=0.0), np.random.default_rng(2))
    assert (pages.page().items == best.page().items).all()
    assert (pages.log_probs == 0).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e-6])
def test_a_page_without_its_probability_cannot_be_made(wrong):
    catalog = world()
    choices = policy_of(catalog, 0.5).decide(requests_of(len(catalog)), np.random.default_rng(1)).choices
    log_probs = choices.log_probs.copy()
    log_probs[3] = wrong
    with pytest.raises(BadData, match=f"choice 3 has the log-probability {wrong}"):
        replace(choices, log_probs=log_probs)


@pytest.mark.parametrize("batch", [1, 200])
def test_products_of_a_page_start_no_threads_of_their_own(batch):
    """Threads of BLAS spin beside those that decide; a page of a busy machine took ten times as long with them."""
    catalog, threads = world(), set()

    class Watched(Linear):
        def score(self, requests):
            own = [one for one in threadpool_info() if {"numpy.libs", "scipy.libs"} & set(Path(one["filepath"]).parts)]
            threads.update(one["num_threads"] for one in own if one["user_api"] == "blas")
            return super().score(requests)

    policy = policy_of(catalog)
    watched = replace(policy, scorer=Watched(policy.scorer.weights, policy.scorer.base))
    with threadpool_limits(2, user_api="blas"):
        watched.decide(requests_of(len(catalog), batch=batch), np.random.default_rng(0))
    assert threads == {1}

"""The words of every kind of row, each checked against the data that put the title there."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from pages import NOW, Linear, charts_of, policy_of, world

from matinee.decision import CHARTED, Context, Requests, RowName, Situations, row_name
from matinee.decision.evidence import COUNTRIES, row_title, title_reasons
from matinee.decision.rows import UNDATED
from matinee.events import DAY, FINISHED, PLAYED, Kind
from matinee.history import Histories
from matinee.page import Layout, RowKind

TAGGED = [["quiet"] if i % 3 == 0 else [] for i in range(120)]
CATALOG = world(tags=TAGGED)
TALL = Layout(rows=40, columns=10, visible=4)
RNG = np.random.default_rng(5)


def many_histories(batch: int = 60) -> Histories:
    """Plays of all lengths, lists, thumbs and dismissals over the last two months."""
    counts = RNG.integers(1, 25, batch)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    n = int(offsets[-1])
    kinds = RNG.choice(
        [Kind.PLAY, Kind.PLAY, Kind.RATING, Kind.THUMBS_UP, Kind.LIST_ADD, Kind.LIST_REMOVE, Kind.DISMISS], n
    )
    values = RNG.choice([0.05, 0.4, 0.8, 1.0], n).astype(np.float32)
    times = np.concatenate([np.sort(NOW - RNG.integers(1, 60, count) * DAY) for count in counts])
    return Histories(offsets, RNG.integers(0, 40, n).astype(np.int32), kinds.astype(np.int8), values, times)


HISTORIES = many_histories()
REQUESTS = Requests.of_histories(HISTORIES, NOW, layout=TALL)
NEWCOMERS = Requests.of_histories(Histories.empty(4), NOW, layout=Layout(rows=40, columns=4, visible=4))
PAGE_POLICY = policy_of(CATALOG)
PAGE = PAGE_POLICY.decide(REQUESTS, np.random.default_rng(0)).page()


def slots(kind: RowKind):
    """Member, row, title and reason of every slot in rows of this kind."""
    found = [
        (int(b), int(r), int(item), reason)
        for b, r in np.argwhere(PAGE.row_kinds == kind)
        for item, reason in zip(PAGE.items[b, r], title_reasons(PAGE, b, r, CATALOG), strict=False)
    ]
    assert found, f"no page has a row of kind {kind.name}"
    return found


def events_of(b: int, item: int, kinds: tuple[Kind, ...]) -> list[int]:
    """Places in the flat history of this member's events of these kinds about a title, oldest first."""
    mine = range(HISTORIES.offsets[b], HISTORIES.offsets[b + 1])
    return [at for at in mine if HISTORIES.items[at] == item and HISTORIES.kinds[at] in kinds]


def consumed(b: int, item: int) -> list[int]:
    places = events_of(b, item, (Kind.PLAY, Kind.RATING))
    return [at for at in places if HISTORIES.kinds[at] == Kind.RATING or HISTORIES.values[at] >= PLAYED]


def test_you_started_this_and_have_not_finished_it():
    for b, _, item, reason in slots(RowKind.CONTINUE_WATCHING):
        last = consumed(b, item)[-1]
        assert HISTORIES.kinds[last] == Kind.PLAY
        assert PLAYED <= HISTORIES.values[last] < FINISHED
        assert reason == "You started this and have not finished it"


def test_you_put_this_on_your_list():
    for b, _, item, reason in slots(RowKind.MY_LIST):
        assert HISTORIES.kinds[events_of(b, item, (Kind.LIST_ADD, Kind.LIST_REMOVE))[-1]] == Kind.LIST_ADD
        assert reason == "You put this on your list"


def test_you_watched_this_before():
    for b, _, item, reason in slots(RowKind.WATCH_AGAIN):
        last = consumed(b, item)[-1]
        assert HISTORIES.values[last] >= FINISHED
        assert NOW - HISTORIES.times[last] >= 30 * DAY
        assert reason == "You watched this before"


def test_genre_and_tag_rows_hold_both():
    for _, _, item, _ in slots(RowKind.GENRE_TAG):
        assert CATALOG.titles["tags"][item].to_list() == ["quiet"]
    for b, r in np.argwhere(PAGE.row_kinds == RowKind.GENRE_TAG):
        genre = row_title(PAGE.name(b, r), CATALOG).removesuffix(": quiet")
        shown = PAGE.items[b, r][PAGE.items[b, r] >= 0]
        assert all(genre in CATALOG.titles["genres"][int(item)] for item in shown)


def test_because_of_names_a_taste_of_the_member():
    tastes = HISTORIES.tastes
    for b, _, item, reason in slots(RowKind.TOP_PICKS):
        mine = tastes.items[tastes.offsets[b] : tastes.offsets[b + 1]]
        named = [title for title in mine if reason == f"Because of t{title}, in your history"]
        weights = policy_of(CATALOG).scorer.weights[mine, item]
        assert (len(named) == 1) == (weights.max(initial=0.0) > 0)
        if not named:
            assert reason == what_is_true(PAGE_POLICY, CATALOG, HISTORIES, b, item)


SPOKEN = (RowKind.BILLBOARD, RowKind.TOP_PICKS, RowKind.GENRE, RowKind.GENRE_TAG)


def what_is_true(policy, catalog, histories, b: int, item: int, about: tuple[str, ...] = ()) -> str:
    """The words for a title for which no title of the history speaks, from the catalogue, the chart and the likes."""
    arrived = catalog.titles["available_from"][item]
    moment = datetime.fromtimestamp(NOW / 1e6, UTC)
    if arrived is not None and moment - timedelta(days=60) <= arrived <= moment:
        return f"Arrived on {arrived:%d %B %Y}"
    chart = policy.charts.popular[None].items.tolist()
    if item in chart[: min(len(chart) // 2, len(catalog) // 20)]:
        return "Popular with members this week"
    mine = histories.tastes.items[histories.tastes.offsets[b] : histories.tastes.offsets[b + 1]].tolist()
    liked = Counter(genre for title in mine for genre in catalog.titles["genres"][title])
    favourite = max(catalog.titles["genres"][item], key=lambda genre: liked[genre])
    if liked[favourite] >= max(len(mine) / 4, 1):
        return f"A genre you like: {favourite}"
    return f"Among the likeliest to please in {': '.join(about)}" if about else "Among the likeliest to please you"


def test_a_title_for_which_no_history_speaks_says_what_is_new_popular_or_liked_in_it():
    """A scorer that explains nothing: every card says the first of what is true, each kind of words somewhere."""
    days = [NOW - (20 if i % 10 == 9 else 400) * DAY for i in range(120)]
    catalog = world(available_from=pl.Series(days, dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).to_list())
    policy = silent(policy_of(catalog))
    page = policy.decide(REQUESTS, np.random.default_rng(0)).page()
    said = Counter()
    for b, r in np.argwhere(np.isin(page.row_kinds, SPOKEN)):
        for item, reason in zip(page.items[b, r], title_reasons(page, b, r, catalog), strict=False):
            assert reason == what_is_true(policy, catalog, HISTORIES, b, int(item), page.name(b, r).about)
            said[reason.split(" ")[0]] += 1
    assert {"Arrived", "Popular", "A", "Among"} <= said.keys()
    assert said["Among"] < said.total() / 2


def test_an_old_chart_is_not_dated_in_reasons_either():
    policy = silent(policy_of(CATALOG, charts=replace(charts_of(CATALOG), as_of=NOW - 3 * DAY)))
    page = policy.decide(NEWCOMERS, np.random.default_rng(0)).page()
    assert (page.evidence == CHARTED - UNDATED).any()
    reasons = {one for r in range(3) for one in title_reasons(page, 0, r, CATALOG)}
    assert "Popular with members" in reasons
    assert not any("this week" in one for one in reasons)


def test_reasons_do_not_depend_on_the_batch():
    policy = silent(policy_of(CATALOG))
    together = policy.decide(REQUESTS, np.random.default_rng(0)).page()
    for b in range(0, len(REQUESTS), 7):
        alone = policy.decide(REQUESTS.take(np.array([b])), np.random.default_rng(0)).page()
        np.testing.assert_array_equal(alone.evidence[0], together.evidence[b])


def silent(policy):
    """The policy over a scorer by which no title of a history speaks for another."""
    return replace(policy, scorer=Silent(policy.scorer.weights, policy.scorer.base))


class Silent(Linear):
    def explain(self, requests: Requests, items: np.ndarray) -> np.ndarray:
        return np.full(items.shape, -1, np.int32)


def test_reasons_are_positive_and_name_a_title_of_the_row_whose_pool_holds_the_likeliest():
    """For a newcomer nothing speaks: picks are the likeliest of all titles, rows of a genre the likeliest of theirs."""
    policy = policy_of(CATALOG)
    page = policy.decide(NEWCOMERS, np.random.default_rng(0)).page()
    worth = policy.calibration.probability(policy.scorer.score(NEWCOMERS))[0]
    pool = policy.config.rows.pool * NEWCOMERS.layout.columns
    for r in np.flatnonzero(np.isin(page.row_kinds[0], (RowKind.TOP_PICKS, RowKind.GENRE))):
        about = page.name(0, r).about
        group = CATALOG.genre_titles[CATALOG.genres.index(about[0])] if about else np.arange(len(CATALOG))
        likeliest = group[np.argsort(-worth[group], kind="stable")][:pool]
        assert set(page.items[0, r]) - {-1} <= set(likeliest.tolist())
        shown = page.items[0, r][page.items[0, r] >= 0].tolist()
        words = [what_is_true(policy, CATALOG, NEWCOMERS.histories, 0, item, about) for item in shown]
        assert title_reasons(page, 0, r, CATALOG) == words


def test_the_reason_in_a_row_because_of_a_title_names_that_title():
    for kind, words in ((RowKind.BECAUSE_YOU_WATCHED, "watched"), (RowKind.BECAUSE_YOU_LIKED, "liked")):
        rows = np.argwhere(PAGE.row_kinds == kind)
        assert len(rows)
        for b, r in rows:
            founder = CATALOG.name_of(PAGE.name(b, r).about[0])
            assert set(title_reasons(PAGE, b, r, CATALOG)) == {f"Goes with {founder}, which you {words}"}


def test_what_a_member_played_rated_or_liked_stands_in_no_row_of_fresh_titles():
    fresh = (RowKind.BILLBOARD, RowKind.TOP_PICKS, RowKind.GENRE, RowKind.POPULAR, RowKind.TRENDING)
    for b, r in np.argwhere(np.isin(PAGE.row_kinds, fresh)):
        for item in PAGE.items[b, r][PAGE.items[b, r] >= 0]:
            assert not consumed(b, int(item))
            assert not events_of(b, int(item), (Kind.THUMBS_UP,))


def test_trending_says_since_when_and_only_when_the_chart_is_fresh():
    for _, _, item, reason in slots(RowKind.TRENDING):
        assert item in charts_of(CATALOG).trending.items
        assert reason == "More members liked this in the last week than in the one before"


@pytest.mark.parametrize(("days", "title"), [(0.5, "Popular this week"), (3, "Popular")])
def test_an_old_chart_is_not_dated(days, title):
    charts = replace(charts_of(CATALOG), as_of=NOW - int(days * DAY))
    page = policy_of(CATALOG, charts=charts).decide(NEWCOMERS, np.random.default_rng(0)).page()
    assert {row_title(name, CATALOG) for name in page.names if name.kind == RowKind.POPULAR} == {title}
    assert (RowKind.TRENDING in page.row_kinds) == (days < 1)


def test_a_country_with_a_chart_is_named_and_others_are_not():
    for country, title in (("DK", "Popular in Denmark this week"), ("FR", "Popular this week")):
        requests = replace(NEWCOMERS, situations=Situations.of([Context(country=country)] * len(NEWCOMERS)))
        page = policy_of(CATALOG).decide(requests, np.random.default_rng(0)).page()
        assert {row_title(name, CATALOG) for name in page.names if name.kind == RowKind.POPULAR} == {title}
    assert COUNTRIES["DK"] == "Denmark"


def test_every_kind_of_row_has_a_title():
    typed = RowKind.CLOSEST, RowKind.ABOUT
    for kind in set(RowKind) - {RowKind.EMPTY, RowKind.WITH, *typed}:
        assert row_title(row_name(kind, 0, CATALOG), CATALOG)
    for kind in typed:
        assert "star wars" in row_title(RowName(kind, ("star wars",)), CATALOG)
    assert row_title(RowName(RowKind.WITH, ("Jodie Foster",)), CATALOG) == "With Jodie Foster"

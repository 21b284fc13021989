"""Charts: counts by hand, windows with enough support, countries, rises, and nothing from after the moment."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import catalog_of

from matinee.decision.rows import WINDOWS, chart_key, read_chart_key
from matinee.events import DAY
from matinee.surfaces.charts import ChartsConfig, charts
from matinee.testing import make_events

CATALOG = catalog_of([["a"], ["a", "b"], ["b"], []])
SMALL = ChartsConfig(support=3)


def likes(rows: list[tuple[int, float, str | None]]) -> tuple[pl.DataFrame, int]:
    """Plays of (title, days ago, country), each by another member; and now."""
    start = max(age for _, age, _ in rows) if rows else 0
    seconds = [[int((start - age) * 86_400)] for _, age, _ in rows]
    events = make_events([[item] for item, _, _ in rows], seconds)
    events = events.with_columns(pl.Series("country", [country for _, _, country in rows], pl.String))
    first = int(events["timestamp"].cast(pl.Int64).min())
    return events, first + int((start - max(age for _, age, _ in rows)) * DAY) + int(start * DAY)


def test_the_chart_counts_likes_of_the_week():
    events, now = likes([(0, 1, None), (1, 2, None), (1, 3, None), (2, 30, None), (2, 31, None), (2, 32, None)])
    drawn = charts(events, CATALOG, now, SMALL)
    assert WINDOWS[drawn.window][1] == "this week"
    assert dict(zip(drawn.popular[None].items.tolist(), drawn.popular[None].values.tolist(), strict=True)) == {
        1: 2,
        0: 1,
    }
    assert drawn.popular[None].items[0] == 1


@pytest.mark.parametrize(
    ("days", "name"), [(1, "this week"), (20, "this month"), (100, "this year"), (900, "of all time")]
)
def test_the_shortest_window_with_support_is_taken(days, name):
    events, now = likes([(0, days, None), (1, days, None), (2, days + 0.1, None), (3, 2_000, None)])
    assert WINDOWS[charts(events, CATALOG, now, SMALL).window][1] == name


def test_a_country_has_a_chart_of_its_own_when_it_has_support():
    rows = [(0, 1, "DK")] * 3 + [(1, 1, "US")] * 2 + [(2, 1, None)] * 4
    drawn = charts(*_with(rows), SMALL)
    assert set(drawn.popular) == {None, "DK"}
    assert drawn.popular["DK"].items.tolist() == [0]
    assert drawn.popular[None].items.tolist() == [2, 0, 1]


def test_trending_is_the_z_score_of_the_rise():
    rows = [(0, 1, None)] * 4 + [(0, 9, None)] * 1 + [(1, 1, None)] * 3 + [(1, 9, None)] * 5 + [(2, 2, None)] * 2
    assert len([row for row in rows if row[1] == 9]) >= SMALL.support
    drawn = charts(*_with(rows), SMALL)
    assert drawn.trending.items.tolist() == [2, 0]
    np.testing.assert_allclose(drawn.trending.values, [2 / np.sqrt(2), (4 - 1) / np.sqrt(4 + 1)], rtol=1e-6)


def test_one_member_is_one_like():
    """Forty plays of one title by one member against three members of another."""
    rows = [(0, 1, None)] * 40 + [(1, 1, None)] * 3
    events, catalog, now = _with(rows)
    same = events.with_columns(
        pl.when(pl.col("item_id") == "t0").then(pl.lit("m0")).otherwise("user_id").alias("user_id")
    )
    drawn = charts(same, catalog, now, SMALL)
    assert dict(zip(drawn.popular[None].items.tolist(), drawn.popular[None].values.tolist(), strict=True)) == {
        1: 3,
        0: 1,
    }


@pytest.mark.parametrize(("ages", "rises"), [([1] * 4 + [9] * 3, True), ([1] * 4 + [9] * 2, False), ([100] * 9, False)])
def test_nothing_trends_without_a_window_before_to_compare_with(ages, rises):
    drawn = charts(*_with([(0, age, None) for age in ages] + [(1, 3_000, None)]), SMALL)
    assert bool(len(drawn.trending.items)) == rises


def test_genre_shares_are_smoothed_shares_of_likes():
    drawn = charts(*_with([(0, 1, None)] * 3 + [(1, 1, None)] * 2), SMALL)
    a, b = 3 + 2 / 2 + 1, 2 / 2 + 1
    np.testing.assert_allclose(drawn.genre_shares, [a / (a + b), b / (a + b)], rtol=1e-6)


def test_nothing_from_the_future_and_nothing_disliked_counts():
    events, now = likes([(0, 1, None)] * 3)
    later = events.with_columns(pl.col("timestamp") + pl.duration(days=3), event_id=pl.lit("x") + pl.col("event_id"))
    bad = events.with_columns(kind=pl.lit("thumbs_down"), event_id=pl.lit("y") + pl.col("event_id"))
    drawn = charts(pl.concat([events, later, bad]), CATALOG, now, SMALL)
    assert drawn.popular[None].values.tolist() == [3]


def test_a_log_without_events_has_empty_charts():
    events, now = likes([(0, 1, None)])
    drawn = charts(events.clear(), CATALOG, now)
    assert len(drawn.popular[None].items) == len(drawn.trending.items) == 0
    np.testing.assert_allclose(drawn.genre_shares.sum(), 1.0)


@given(st.integers(0, 3), st.none() | st.text("ABCXYZ", min_size=2, max_size=2))
def test_chart_keys_round_trip(window, country):
    assert read_chart_key(chart_key(window, country)) == (window, country)


def _with(rows):
    events, now = likes(rows)
    return events, CATALOG, now


def test_titles_that_no_more_members_met_than_half_of_all_are_seldom_seen():
    """Members who looked or played, once each: 3, 1, 1 and 0 of the four titles; their median is 1."""
    looked = make_events([[0], [0, 0], [0, 1, 2]]).with_columns(kind=pl.lit("impression"))
    now = int(looked["timestamp"].cast(pl.Int64).max()) + DAY
    assert charts(looked, CATALOG, now, SMALL).seldom.tolist() == [False, True, True, True]
    assert charts(looked.clear(), CATALOG, now, SMALL).seldom.all()

"""Likes that count: once a title, little from those who just came, and no crowd moves a title far in a day."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from matinee.events import DAY
from matinee.likes import counted_likes
from matinee.testing import make_events

SECOND = 1_000_000
MONTH = 30 * 86_400


def weighed(events: pl.DataFrame, seconds: int = 0) -> pl.DataFrame:
    """Likes that count, `seconds` after the last event, by member and title."""
    known = events.with_columns(pl.col("item_id").str.slice(1).cast(pl.Int32).alias("item"))
    now = int(known["timestamp"].cast(pl.Int64).max()) + seconds * SECOND + 1
    return counted_likes(known, now).sort("user_id", "item")


def established(members: int, titles: int = 6) -> tuple[list[list[int]], list[list[int]]]:
    """Members who watched some titles each, one a day, long ago: lists of titles and of seconds."""
    return [list(range(titles))] * members, [[day * 86_400 for day in range(titles)]] * members


def as_thumbs(item_id: str) -> pl.Expr:
    """The column `kind` in which every event of this title is thumbs up."""
    return pl.when(pl.col("item_id") == item_id).then(pl.lit("thumbs_up")).otherwise("kind").alias("kind")


def test_where_all_are_alike_all_count_one():
    assert weighed(make_events([[0], [1], [2]]), MONTH)["weight"].to_list() == [1.0] * 3


def test_a_member_counts_once_a_title():
    likes = weighed(make_events([[0] * 100, [0]]), MONTH)
    assert likes.select("user_id", "item").rows() == [("m0", 0), ("m1", 0)]


def test_a_member_counts_more_the_longer_known_and_the_more_seen():
    titles, seconds = established(200)
    events = make_events([*titles, [9], [9]], [*seconds, [MONTH], [MONTH - 11 * 3_600]])
    likes = weighed(events)
    newcomers = likes.filter(pl.col("item") == 9)["weight"].to_numpy()
    known, seen = np.array([5, 11 * 60 + 5]) / (24 * 60), 2 / 6
    standing = np.append(np.ones(200 * 6), known * seen)
    usual = (standing**2).sum() / standing.sum()
    np.testing.assert_allclose(newcomers, known * seen / usual, atol=1e-6)


def test_a_thumb_without_a_play_weighs_a_fifth():
    titles, seconds = established(50)
    events = make_events([*titles, [9]], [*seconds, [0]])
    thumb = events.with_columns(as_thumbs("t9"))
    plays, thumbs = (float(weighed(one, MONTH).filter(pl.col("item") == 9)["weight"].item()) for one in (events, thumb))
    assert thumbs == pytest.approx(plays * 0.2 * (1 / 6) / (2 / 6), rel=1e-2)  # and it is no title seen


def test_in_a_day_no_title_gains_much_more_than_the_best_of_a_usual_day():
    """Forty members a day watch title 0; then five hundred as well known ones watch title 9 within one day."""
    titles, seconds = [], []
    for day in range(40):
        titles += [[0, 1, 2, 3, 4, 5]] * 40
        seconds += [[day * 86_400] * 6] * 40
    crowd = [[6, 7, 8, 10, 11, 9]] * 500
    events = make_events([*titles, *crowd], [*seconds, *[[day * 86_400 for day in (0, 1, 2, 3, 4, 50)]] * 500])
    likes = weighed(events, MONTH)
    assert likes.filter(pl.col("item") == 9)["weight"].sum() == pytest.approx(1.5 * 40)


def patient(arrived_at_once: bool) -> pl.DataFrame:
    """Forty members a day watch title 0 for forty days; five hundred, as well known, say that they watched title 9 on
    thirty of those days, 17 a day: as it happened, or all told within the day 50.
    """
    titles = [[0, 1, 2, 3, 4, 5]] * 1_600 + [[6, 7, 8, 10, 11, 9]] * 500
    seconds = [[day * 86_400] * 6 for day in range(40) for _ in range(40)]
    seconds += [[86_400 * at for at in (*range(5), 5 + k % 30)] for k in range(500)]
    events = make_events(titles, seconds)
    late = pl.when(pl.col("item_id") == "t9").then(pl.lit(50 * DAY).cast(pl.Duration("us")) + pl.col("timestamp").min())
    return events.with_columns(received=late) if arrived_at_once else events


def test_a_back_dated_burst_counts_on_the_day_it_arrived():
    """Spread over thirty days by its own word it would pass under the cap of every one of them."""
    spread, burst = (weighed(patient(at_once), MONTH).filter(pl.col("item") == 9) for at_once in (False, True))
    assert spread["weight"].sum() == pytest.approx(500)
    assert burst["weight"].sum() == pytest.approx(1.5 * 40)


def test_nobody_is_known_for_longer_than_the_log_knows_them():
    """A new member who tells of titles seen a year ago is as new as one who tells of today's."""
    titles, seconds = established(200)
    told = make_events([*titles, [6, 7, 8, 10, 11, 9]], [*seconds, [day * 86_400 for day in range(6)]])
    new = pl.col("user_id") == "m200"
    arrived = told.with_columns(received=pl.when(new).then(pl.col("timestamp").max()))
    before, after = (weighed(one).filter(pl.col("item") == 9)["weight"].item() for one in (told, arrived))
    assert before == pytest.approx(1)
    assert after == pytest.approx(5 / (24 * 60), rel=1e-2)


def test_what_no_log_took_arrived_at_its_own_time():
    events = patient(arrived_at_once=False)
    told = events.with_columns(received=pl.col("timestamp"))
    assert weighed(events, MONTH)["weight"].equals(weighed(told, MONTH)["weight"])


@pytest.mark.parametrize("fakes", [50, 500, 5_000])
def test_a_crowd_of_new_members_moves_little(fakes):
    """Thumbs within three seconds, from members nobody knew, weigh less than one real like each eight thousand."""
    titles, seconds = established(100)
    events = make_events([*titles, *[[9]] * fakes], [*seconds, *[[MONTH]] * fakes])
    likes = weighed(events.with_columns(as_thumbs("t9")))
    assert likes.filter(pl.col("item") == 9)["weight"].sum() < fakes / 8_000
    assert likes.filter(pl.col("item") == 0)["weight"].sum() == pytest.approx(100, rel=1e-2)


def test_no_event_is_no_like():
    assert weighed(make_events([[0]])).clear().is_empty()
    assert counted_likes(make_events([[0]]).with_columns(item=pl.lit(0, pl.Int32)).clear(), DAY).is_empty()

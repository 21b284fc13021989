"""The made-up log of films and shows: the same every time, whole, and orderly members play what comes next."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.data.histories import histories_of
from matinee.decision.next_up import new_seasons, next_up
from matinee.errors import BadRequest
from matinee.events import DAY
from matinee.history import Histories
from matinee.simulate.show_log import START, ShowLogConfig, show_log

SMALL = ShowLogConfig(members=30, films=40, series=20, days=40)


def test_the_same_chance_makes_the_same_log_and_all_of_it_is_good():
    one, two = (show_log(np.random.default_rng(5), SMALL) for _ in range(2))
    assert one.events.equals(two.events)
    assert one.catalog.series.frame.equals(two.catalog.series.frame)
    assert (one.rejections.total, len(one.catalog)) == (0, 60)
    assert one.events["item_id"].str.starts_with("film").any()
    assert (one.catalog.episodes_of(one.events["item_id"]) >= 0).any()
    kids = [user for user, profile in one.profiles.items() if profile.kids]
    seen = one.events.filter(one.events["user_id"].is_in(kids))
    assert (one.catalog.maturity[one.catalog.spoken_for(seen["item_id"])] <= 7).all()


def test_who_neither_skips_nor_watches_again_plays_the_next_episode_every_time():
    """Of every play of a series begun before, it is what was offered just before, season after season."""
    orderly = ShowLogConfig(members=30, films=40, series=20, days=80, skips=0.0, rewatches=0.0)
    data = show_log(np.random.default_rng(6), orderly)
    found = histories_of(data.events, list(data.profiles), data.catalog, 2**62)
    owners = np.repeat(np.arange(len(found)), np.diff(found.offsets))
    plays = np.flatnonzero(found.episodes >= 0)
    starts = found.offsets[owners[plays]]
    before = [
        found.select(np.array([0, at - start]), slice(start, at)) for at, start in zip(plays, starts, strict=True)
    ]
    offered = next_up(Histories.joined(before), data.catalog, found.times[plays])
    lines = offered.titles == found.items[plays][offered.members]
    assert lines.sum() > 300
    np.testing.assert_array_equal(offered.episodes[lines], found.episodes[plays][offered.members[lines]])
    news = new_seasons(found, data.catalog, np.full(len(found), START * 1_000_000 + 41 * DAY), 3)
    assert set(data.catalog.guide.seasons[news.episodes].tolist()) <= {2, 3, 4}


def test_a_service_without_members_is_refused():
    with pytest.raises(BadRequest, match="members of a show log is 0"):
        ShowLogConfig(members=0)

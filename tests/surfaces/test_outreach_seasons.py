"""A new season of a series that a member had caught up with is worth a message, for its true reason, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from pages import NOW, Linear, world

from matinee.data.histories import histories_of
from matinee.decision import Requests
from matinee.decision.messages import Reason, told_by, words
from matinee.events import DAY, clean
from matinee.maths.calibration import Platt
from matinee.profile import Profile
from matinee.series import Series
from matinee.situation import Context
from matinee.surfaces.outreach.config import OutreachConfig
from matinee.surfaces.outreach.offers import SEASON, messages_for
from matinee.surfaces.outreach.policy import OutreachPolicy
from matinee.testing import check_policy

TITLES, SERIES = 30, "t7"
AROUND = datetime.fromtimestamp(NOW / 1e6, UTC)
EPISODES = {
    "item_id": ["s1e1", "s1e2", "s2e1"],
    "series_id": [SERIES] * 3,
    "season": [1, 1, 2],
    "episode": [1, 2, 1],
    "added": [None, None, AROUND - timedelta(days=5)],
}
CATALOG = world(TITLES).with_series(Series.from_frame(pl.DataFrame(EPISODES)))
SCORER = Linear(np.zeros((TITLES, TITLES)), -np.arange(TITLES, dtype=float))


def asking(*people: list[tuple[str, str, float, float]], **profile) -> Requests:
    """Members who did (kind, item_id, value, days ago)."""
    rows = [(f"m{b}", *one) for b, done in enumerate(people) for one in done]
    columns = ["user_id", "kind", "item_id", "value", "ago"]
    frame = pl.DataFrame(rows, columns, orient="row").with_row_index("event_id")
    stamped = frame.with_columns(
        pl.col("event_id").cast(pl.String), timestamp=pl.lit(AROUND) - pl.duration(seconds=pl.col("ago") * 86_400)
    )
    names = [f"m{b}" for b in range(len(people))]
    histories = histories_of(clean(stamped.drop("ago"))[0], names, CATALOG, NOW)
    profiles = [Profile(name, messages=True, **profile) for name in names]
    return Requests.of_histories(histories, NOW, profiles, [Context(hour=18)] * len(people), surface="outreach")


CAUGHT_UP = [("play", "s1e1", 1.0, 40), ("play", "s1e2", 1.0, 39)]
BEHIND = [("play", "s1e1", 1.0, 40)]
SEEN_IT = [*CAUGHT_UP, ("play", "s2e1", 1.0, 2)]


def reasons_of(requests: Requests) -> list[int]:
    """(batch,) the reasons to write to each about the series, as bits; 0 where it is not offered."""
    everybody = np.ones(len(requests), np.bool_)
    found = messages_for(requests, everybody, CATALOG, SCORER, Platt(1.0, -2.0), OutreachConfig())
    mine = found.titles == CATALOG.index[SERIES]
    return np.bincount(found.owners[mine], found.reasons[mine], len(requests)).astype(int).tolist()


def test_those_who_had_caught_up_are_told():
    assert reasons_of(asking(CAUGHT_UP, BEHIND, SEEN_IT, [])) == [SEASON, 0, 0, 0]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("message", SERIES, None, 3), 0),
        (("message", SERIES, None, 6), SEASON),  # of the season before
        (("dismiss", SERIES, None, 3), 0),
        (("thumbs_down", SERIES, None, 3), 0),
        (("rating", SERIES, 0.2, 3), 0),
    ],
)
def test_they_are_told_once_and_not_of_what_they_turned_down(said, expected):
    assert reasons_of(asking([*CAUGHT_UP, said])) == [expected]


def test_news_gets_old():
    late = asking(CAUGHT_UP)
    assert reasons_of(replace(late, times=late.times + 10 * DAY)) == [0]


def test_a_series_that_a_profile_may_not_see_is_no_news():
    assert reasons_of(asking(CAUGHT_UP, blocked_titles=(SERIES,))) == [0]


def policy() -> OutreachPolicy:
    return OutreachPolicy("outreach", "fixed", CATALOG, SCORER, Platt(1.0, -2.0), OutreachConfig(), share=0.9)


def test_conformance():
    check_policy(policy, CATALOG, asking(CAUGHT_UP, BEHIND, SEEN_IT, []))


def test_the_message_says_so():
    requests = asking(*[CAUGHT_UP] * 200)
    items, reasons = told_by(policy().decide(requests, np.random.default_rng(0)))
    of_the_series = items == CATALOG.index[SERIES]
    assert of_the_series.sum() > 20  # one of five titles: 36 expected, below 20 once in 1,000
    assert set(reasons[of_the_series].tolist()) == {Reason.SEASON}
    assert words(Reason.SEASON, "Show") == "There is a new season of Show."

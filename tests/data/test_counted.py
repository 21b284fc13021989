"""What looks count: an account once a title and day, the new next to nothing, and no title more than its share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from matinee.data.counted import ACCOUNT, NEW, TITLE, Counted, Standings, standings, titles_seen
from matinee.decision import Choices, Decisions, Requests
from matinee.events import DAY, Kind
from matinee.history import Histories
from matinee.profile import Profile
from matinee.testing import make_events

MINUTE = 60_000_000


def shown(items: list[int], users: list[str], times: list[int], accounts: list[str] | None = None) -> Decisions:
    """One title for each of these members at these times."""
    profiles = [Profile(user, account) for user, account in zip(users, accounts or [""] * len(users), strict=True)]
    requests = Requests.of_histories(Histories.empty(len(users)), np.array(times), profiles)
    n = len(items)
    choices = Choices.of_titles(np.array(items, np.int32), np.zeros(n), np.ones(n, np.int32))
    ids = tuple(str(k) for k in range(n))
    return Decisions(requests, ids, (), choices, np.ones(n, np.int32), np.zeros(n, np.uint64))


def weights(
    decisions: Decisions, standing: float = 1.0, counted: Counted | None = None, new: bool = False
) -> list[float]:
    lines = len(decisions)
    made = Counted() if counted is None else counted
    known = Standings(np.full(lines, standing), np.full(lines, new))
    return made.weights(decisions, np.ones(lines, np.bool_), known).tolist()


def test_an_account_counts_once_a_title_and_day_whatever_profiles_it_has():
    items, users = [1, 1, 2, 1, 1], ["a", "b", "a", "c", "a"]
    made = shown(items, users, [0, 1, 2, 3, DAY], ["home", "home", "home", "", "home"])
    assert weights(made) == [1, 0, 1, 1, 1]


def test_an_account_counts_so_much_a_day_in_all():
    n = int(ACCOUNT) + 5
    assert weights(shown(list(range(n)), ["a"] * n, [0] * n)) == [1.0] * int(ACCOUNT) + [0.0] * 5


def test_a_title_gains_so_much_a_day_from_whomever():
    n = int(TITLE) + 200
    counts = weights(shown([7] * n, [f"m{k}" for k in range(n)], [0] * n))
    assert sum(counts) == TITLE
    assert sum(weights(shown([7] * n, [f"m{k}" for k in range(n)], [0] * n), 0.25)) == 0.25 * n


def test_what_nobody_looked_at_counts_nothing_and_takes_nothing():
    made = shown([1, 1], ["a", "a"], [0, 1])
    assert Counted().weights(made, np.array([False, True]), Standings(np.ones(2), np.zeros(2, np.bool_))).tolist() == [
        0.0,
        1.0,
    ]


def test_it_counts_the_same_in_parts():
    made = shown([1, 2, 1, 2, 1], ["a", "b", "a", "b", "a"], [0, 1, DAY - 1, DAY, DAY + 1])
    parts, counted = Counted(), []
    for at in range(5):
        counted += weights(made.take(np.array([at])), counted=parts)
    assert counted == weights(made) == [1, 1, 0, 1, 1]
    assert parts.as_of == DAY + 1
    parts.forget()
    assert parts.as_of == 0
    assert weights(made, counted=parts) == counted


def test_five_thousand_new_members_count_as_one_known_member():
    """Known for a minute, and five titles played within it: each counts (1 + 5) / 1,440, all together `NEW`."""
    n = 5_000
    history = Histories.of_items([[0, 1, 2, 3, 4]] * n)
    made = shown([9] * n, [f"fake{k}" for k in range(n)], [10 * DAY] * n)
    asked = replace(made, requests=replace(made.requests, histories=history))
    plays = make_events([[0]] * n).with_columns(
        user_id=pl.Series([f"fake{k}" for k in range(n)]),
        timestamp=pl.lit(10 * DAY - MINUTE).cast(pl.Datetime("us", "UTC")),
    )
    known = standings(asked, plays)
    assert known.new.all()
    assert known.shares == pytest.approx(6 / 1_440)
    total = Counted().weights(asked, np.ones(n, np.bool_), known).sum()
    assert total == pytest.approx(NEW) == 1.0
    nobody = standings(asked, plays.head(0))
    assert nobody.shares[0] == pytest.approx(5 / 1_440), "of whom nothing arrived is new"


def test_what_the_new_took_is_not_taken_from_those_who_are_known():
    counted, users = Counted(), [f"m{k}" for k in range(10)]
    new = weights(shown([1] * 10, users, [0] * 10), 0.25, counted, new=True)
    assert new == [0.25] * 4 + [0.0] * 6
    assert weights(shown([1] * 3, ["a", "b", "c"], [1] * 3), 1.0, counted) == [1.0] * 3
    assert weights(shown([1], ["d"], [DAY]), 0.25, counted, new=True) == [0.25], "a day later they count again"


def test_titles_seen_are_played_or_rated_each_once():
    kinds = np.array([Kind.PLAY, Kind.PLAY, Kind.RATING, Kind.PLAY, Kind.THUMBS_UP, Kind.IMPRESSION], np.int8)
    values = np.array([1.0, 0.5, 0.2, 0.05, 0.0, 0.0], np.float32)
    items, times = np.array([1, 1, 2, 3, 4, 5], np.int32), np.arange(6)
    history = Histories(np.array([0, 6, 6]), items, kinds, values, times)
    assert titles_seen(history).tolist() == [2, 0]


def test_a_decision_that_stands_for_four_counts_four_times_for_titles_and_once_for_its_account():
    """What learners add is 4 x weight: titles gain no more than they may, accounts count as ever."""
    n = int(ACCOUNT) + 5
    kept = {"keep_probability": np.full(n, 0.25)}
    assert weights(replace(shown(list(range(n)), ["a"] * n, [0] * n), **kept)) == [1.0] * int(ACCOUNT) + [0.0] * 5
    crowd = int(TITLE)
    made = shown([7] * crowd, [f"m{k}" for k in range(crowd)], [0] * crowd)
    thinned = replace(made, keep_probability=np.full(crowd, 0.25))
    assert 4 * sum(weights(thinned)) == TITLE
    assert 4 * sum(weights(thinned, new=True)) == NEW

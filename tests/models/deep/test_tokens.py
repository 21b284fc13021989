"""Tokens: what a network reads of a history, as arithmetic on small cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.decision import Context, Requests
from matinee.events import DAY, Kind
from matinee.history import Histories
from matinee.models.deep.tokens import GAPS, HISTORY, MOMENT, SITUATION, Reading, situations_of, tokens_of
from matinee.situation import country_code, device_code

EVENING = 1_700_000_000_000_000  # Tuesday 14 November 2023, 22:13:20 UTC
MINUTE = 60_000_000


def history(*events, times=None):
    """One member's history out of (title, kind, value)."""
    items, kinds, values = zip(*events, strict=True)
    times = np.arange(len(items)) * MINUTE + EVENING if times is None else np.array(times)
    return Histories(
        np.array([0, len(items)]),
        np.array(items, np.int32),
        np.array(kinds, np.int8),
        np.array(values, np.float32),
        times.astype(np.int64),
        np.full(len(items), country_code("DK"), np.int16),
        np.full(len(items), device_code("tv"), np.int8),
    )


def plays(*items, **rest):
    return history(*[(item, Kind.PLAY, 1.0) for item in items], **rest)


def test_events_of_one_title_in_a_row_are_one_token():
    tokens = tokens_of(plays(4, 4, 4, 7, 4), 10, Reading())
    assert tokens.items.tolist() == [4, 7, 4]
    assert tokens.offsets.tolist() == [0, 3]
    assert (tokens.ends - EVENING).tolist() == [2 * MINUTE, 3 * MINUTE, 4 * MINUTE]


def test_members_are_kept_apart():
    both = Histories.of_items([[3], [], [3, 3], [5]])
    tokens = tokens_of(both, 10, Reading())
    assert tokens.items.tolist() == [3, 3, 5]
    assert tokens.offsets.tolist() == [0, 1, 1, 2, 3]


def test_only_known_titles_and_speaking_events_are_read():
    tokens = tokens_of(
        history(
            (1, Kind.IMPRESSION, 0), (2, Kind.OPEN, 0), (3, Kind.DISMISS, 0), (4, Kind.LIST_ADD, 0), (9, Kind.PLAY, 1)
        ),
        9,
        Reading(),
    )
    assert tokens.items.tolist() == [3]


def test_only_first_likes_are_taught():
    tokens = tokens_of(
        history((1, Kind.PLAY, 1), (2, Kind.PLAY, 0.05), (1, Kind.PLAY, 1), (2, Kind.PLAY, 1), (3, Kind.DISMISS, 0)),
        10,
        Reading(),
    )
    assert tokens.taught.tolist() == [True, False, False, False, False]


def test_the_clock_and_the_gaps():
    times = [EVENING, EVENING + 3_000_000, EVENING + 3_000_000 + 100 * DAY]
    tokens = tokens_of(plays(1, 2, 3, times=times), 10, Reading())
    assert tokens.situation[0].tolist() == [country_code("DK"), device_code("tv"), 23, 2, 0, 5]
    assert tokens.situation[:, 4].tolist() == [0, 2, 1 + 23]  # 3 s: 1 + floor(1.58); 8,640,000 s: 1 + floor(23.04)
    assert tokens.situation[:, 5].tolist() == [5, 5, 1]  # 100 days are 14.3 weeks: 1 + ceil(log2(14.3)) = 5
    assert tokens.history[:, 6].tolist() == [0, 2, 24]
    assert tokens.history[0, :2].tolist() == [Kind.PLAY + 1, 4]


def test_a_title_is_chosen_when_its_first_event_happens():
    tokens = tokens_of(plays(1, 2, 2, 2, times=EVENING + np.array([0, 8, 3_000, 9_000]) * 1_000_000), 10, Reading())
    assert tokens.situation[1, 4] == 1 + 3
    assert tokens.ends[1] == EVENING + 9_000 * 1_000_000


@pytest.mark.parametrize(("days", "code"), [(0, 1), (7, 1), (8, 2), (14, 2), (15, 3), (28, 3), (29, 4), (20_000, 12)])
def test_the_age_of_a_choice_is_a_power_of_two_of_weeks(days, code):
    times = [EVENING, EVENING + days * DAY]
    assert tokens_of(plays(1, 2, times=times), 10, Reading()).situation[:, 5].tolist() == [code, 1]


def test_counters_instead_of_times_are_unknown():
    tokens = tokens_of(Histories.of_items([[1, 2, 3]]), 10, Reading())
    assert not tokens.history[:, 2:].any()
    assert not tokens.situation.any()


@pytest.mark.parametrize(("reading", "silent"), [(Reading(context=False), [0, 1]), (Reading(time=False), [2, 3, 4, 5])])
def test_each_ablation_silences_its_codes(reading, silent):
    histories = plays(1, 2, 3)
    whole, less = tokens_of(histories, 10, Reading()), tokens_of(histories, 10, reading)
    requests = Requests.of_histories(histories, EVENING + DAY, contexts=(Context("DK", "tv"),))
    assert not less.history[:, 2 + np.intersect1d(silent, np.arange(len(MOMENT)))].any()
    for codes in (less.situation, situations_of(requests, less, reading, 0)):
        assert not codes[:, silent].any()
    others = np.setdiff1d(np.arange(len(SITUATION)), silent)
    np.testing.assert_array_equal(whole.situation[:, others], less.situation[:, others])


@given(st.permutations([1, 2, 3, 4, 5, 2]))
def test_without_order_a_history_is_a_set(items):
    tokens = tokens_of(plays(*items), 10, Reading(order=False, time=False))
    assert tokens.items.tolist() == [1, 2, 3, 4, 5]


@given(st.lists(st.lists(st.integers(0, 9), max_size=12), min_size=1, max_size=4), st.integers(1, 12))
def test_without_order_the_latest_titles_stay(lists, latest):
    tokens = tokens_of(Histories.of_items(lists), 10, Reading(order=False, time=False), latest)
    for b, items in enumerate(lists):
        once = list(dict.fromkeys(items[::-1]))  # each title at its last play, latest first
        assert tokens.items[tokens.offsets[b] : tokens.offsets[b + 1]].tolist() == sorted(once[:latest])


def test_the_request_knows_its_own_situation():
    histories = Histories.of_items([[1], [], [2]])
    dated = Histories(histories.offsets, histories.items, histories.kinds, histories.values, np.full(2, EVENING))
    contexts = (Context("DK", "tv"), Context(), Context("toolong", "toaster"))
    requests = Requests.of_histories(dated, EVENING + 5_000_000, contexts=contexts)
    tokens = tokens_of(dated, 10, Reading())
    codes = situations_of(requests, tokens, Reading(), tokens.latest)
    assert codes.tolist() == [[country_code("DK"), 4, 23, 2, 3, 1], [0, 0, 23, 2, 0, 1], [0, 7, 23, 2, 3, 1]]
    asked_about_the_past = situations_of(requests, tokens, Reading(), EVENING + 15 * DAY)
    assert asked_about_the_past[:, 5].tolist() == [3, 3, 3]  # 15 days are 2.1 weeks: 1 + ceil(log2(2.1)) = 3


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 12), st.integers(0, 8), st.floats(0, 1, width=32), st.integers(0, 2**52)),
            max_size=12,
        ),
        max_size=5,
    ),
    st.booleans(),
    st.booleans(),
)
def test_codes_stay_inside_their_tables(members, order, time):
    flat = [event for member in members for event in sorted(member, key=lambda event: event[3])]
    offsets = np.cumsum([0, *map(len, members)])
    columns = [np.array([event[k] for event in flat]) for k in range(4)]
    histories = Histories(
        offsets,
        columns[0].astype(np.int32),
        columns[1].astype(np.int8),
        columns[2].astype(np.float32),
        columns[3].astype(np.int64),
    )
    reading = Reading(order=order, time=time)
    tokens = tokens_of(histories, 10, reading)
    requests = Requests.of_histories(histories, EVENING)
    assert tokens.offsets[-1] == len(tokens.items) == len(tokens.taught)
    assert (np.diff(tokens.offsets) >= 0).all()
    for codes, sizes in (
        (tokens.history, HISTORY),
        (tokens.situation, SITUATION),
        (situations_of(requests, tokens, reading, tokens.latest), SITUATION),
    ):
        assert (codes >= 0).all()
        assert (codes < np.array(sizes)).all()
    assert SITUATION[4] == GAPS + 1


def test_a_share_that_is_no_number_is_one_of_nothing():
    shares = [0.0, np.nan, -np.inf, 0.6, np.inf]
    tokens = tokens_of(history(*((k, Kind.PLAY, share) for k, share in enumerate(shares))), 9, Reading())
    assert tokens.history[:, 1].tolist() == [1, 1, 1, 3, 4]

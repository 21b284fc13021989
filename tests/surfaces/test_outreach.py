"""Outreach: exact probabilities, a budget that is kept, limits that hold, and a member's no that is a guarantee."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import NOW, Linear, world

from matinee.clock import local_clock
from matinee.decision import Layer, Requests
from matinee.decision.eligibility import check
from matinee.decision.filters import passing
from matinee.decision.messages import Reason, events_of, sent_by, told_by
from matinee.events import DAY, Kind
from matinee.history import Histories
from matinee.maths.calibration import Platt
from matinee.maths.ragged import Ragged
from matinee.maths.uplift import Level
from matinee.models.effects import Effects
from matinee.profile import Profile
from matinee.situation import Context
from matinee.surfaces.outreach.config import OutreachConfig
from matinee.surfaces.outreach.features import FEATURES
from matinee.surfaces.outreach.limits import limits_of
from matinee.surfaces.outreach.policy import OutreachPolicy
from matinee.testing import check_policy

HOUR = DAY // 24
TITLES = 60
AROUND = datetime.fromtimestamp(NOW / 1e6, UTC)
CATALOG = world(TITLES, available_from=[AROUND - timedelta(days=k) for k in range(TITLES)])  # t0 to t14 are new
WEIGHTS = np.random.default_rng(5).normal(size=(TITLES, TITLES))


def effects_of(feature: str, slope: float = 1.0, constant: float = 0.0) -> Effects:
    """effect = constant + slope * feature, for features from 0 to 10."""
    knots = tuple((0.0, 10.0) if name == feature else (0.0,) for name in FEATURES)
    weights = [weight for one in knots for weight in ((0.0, 10.0 * slope) if len(one) == 2 else (0.0,))]
    return Effects(knots, (*weights, constant))


def policy(effects: Effects | None = None, price: float = 0.0, share: float = 0.4, **config) -> OutreachPolicy:
    scorer = Linear(WEIGHTS, np.linspace(0.0, 1.0, TITLES))
    settings = OutreachConfig(**{"exploration": 0.2, **config})
    return OutreachPolicy(
        "outreach", "fixed", CATALOG, scorer, Platt(1.0, -2.0), settings, effects, Level(price, 0.5), share
    )


def asking(histories: Histories, hour: int = 18, profiles: list[Profile] | None = None, **fields) -> Requests:
    people = profiles or [Profile(f"m{k}", messages=True) for k in range(len(histories))]
    contexts = [Context(hour=hour)] * len(histories)
    return Requests.of_histories(histories, NOW, people, contexts, surface="outreach", **fields)


def watchers(n: int = 12) -> Histories:
    """Member k watched k modulo 12 titles, long ago."""
    return Histories.of_items([list(range(20, 20 + k % 12)) for k in range(n)])


def written(requests: Requests, *ages: int) -> Requests:
    """Everybody was written to about t50, t51, ... so many microseconds ago."""
    lists = [list(range(50, 50 + len(ages)))] * len(requests)
    told = Histories.of_items(lists)
    when = np.tile(NOW - np.array(ages, np.int64), len(requests))
    return replace(requests, histories=replace(told, kinds=np.full_like(told.kinds, Kind.MESSAGE), times=when))


@pytest.mark.parametrize(
    ("effects", "exploration"), [(None, None), (effects_of("worth", constant=-0.1), 0.0), (effects_of("worth"), 0.7)]
)
def test_conformance(effects, exploration):
    check_policy(lambda: policy(effects, price=0.05), CATALOG, asking(watchers(), exploration=exploration))


def wishing(n: int, *genres: str) -> list[Profile]:
    """Every other one of `n` members wants less of these genres."""
    return [Profile(f"m{k}", messages=True, less_genres=genres if k % 2 == 0 else ()) for k in range(n)]


def test_less_of_a_genre_is_offered_and_drawn_less_often_and_worth_less():
    asked = asking(watchers(), profiles=wishing(12, "g1"))
    check_policy(lambda: policy(effects_of("worth"), price=0.05), CATALOG, asked)
    before, after = (policy(effects_of("worth")).weighed(one) for one in (asking(watchers()), asked))
    held = passing(CATALOG, 'genre = "g1"', NOW)
    chances = [np.bincount(one.messages.owners, one.title * held[one.messages.titles], 12) for one in (before, after)]
    assert chances[1][::2].sum() < chances[0][::2].sum() / 3
    np.testing.assert_array_equal(chances[1][1::2], chances[0][1::2])
    assert (after.values[::2] <= before.values[::2]).all()
    assert (after.values[::2] < before.values[::2]).any()


def test_harm_done_by_what_is_held_back_counts_more():
    """All that may be sent is of the genre: a message is worth a quarter, and four times as bad where it does harm."""
    only = Ragged.of([[20 + k % 3] for k in range(12)])
    for slope, times in ((1.0, 0.25), (-1.0, 4.0)):
        made = policy(effects_of("worth", slope=slope))
        genres = CATALOG.genres
        asked = [asking(Histories.empty(12), profiles=wishing(12, *one), candidates=only) for one in ((), genres)]
        before, after = (made.weighed(one).values for one in asked)
        np.testing.assert_allclose(after[::2], before[::2] * times, atol=1e-6)  # both are rounded to 1e-7
        np.testing.assert_array_equal(after[1::2], before[1::2])


def test_a_send_is_a_send_a_title_and_a_reason_and_silence_is_one_choice():
    made = policy().decide(asking(watchers(200)), np.random.default_rng(0))
    sends = np.diff(made.choices.offsets) == 3
    assert set(np.diff(made.choices.offsets).tolist()) == {1, 3}
    assert made.choices.layers[:3].tolist() in ([Layer.SEND, Layer.TITLE, Layer.REASON], [Layer.SEND] * 3)
    first = made.choices.offsets[:-1]
    np.testing.assert_allclose(np.exp(made.choices.log_probs[first]), np.where(sends, 0.4, 0.6))
    assert sent_by(made).tolist() == np.flatnonzero(sends).tolist()
    told = events_of(made, CATALOG)
    assert told["item_id"].to_list() == [f"t{item}" for item in told_by(made)[0]]
    assert set(told["kind"]) == {"message"}


def test_as_many_are_sent_as_the_chances_sum_to():
    """200 members at 0.4: 80, whatever the seed; each as likely as any other."""
    requests, sends = asking(watchers(200)), np.zeros(200)
    for seed in range(50):
        sent = sent_by(policy().decide(requests, np.random.default_rng(seed)))
        assert len(sent) == 80
        sends[sent] += 1
    assert abs(sends.mean() - 20) < 1e-9
    assert sends.var() == pytest.approx(50 * 0.4 * 0.6, rel=0.35)  # independent from seed to seed: 12 ± 2.5


def test_the_budget_is_the_expected_number_of_sends():
    """Members of most effect are sent for sure, at the price by chance; exploration takes its share."""
    made = policy(effects_of("worth"), exploration=0.2)
    weighed = made.weighed(asking(watchers(100)))
    for budget in (0, 7, 30):
        priced = made.priced(weighed, budget)
        decisions = priced.decide_of(asking(watchers(100)), weighed, np.random.default_rng(0))
        chances = np.exp(priced.log_prob(decisions)[decisions.choices.offsets[:-1]])
        sent = np.isin(np.arange(100), sent_by(decisions))
        assert np.where(sent, chances, 1 - chances).sum() == pytest.approx(budget)
        assert abs(sent.sum() - budget) <= 1


def test_nobody_is_written_to_where_it_does_harm_whatever_the_budget():
    made = policy(effects_of("worth", slope=-1.0), exploration=0.0)
    weighed = made.weighed(asking(watchers(50)))
    decisions = made.priced(weighed, 50).decide_of(asking(watchers(50)), weighed, np.random.default_rng(0))
    assert len(sent_by(decisions)) == 0


@pytest.mark.parametrize(
    ("ages", "open_to"),
    [((), True), ((2 * DAY,), True), ((2 * DAY, 3 * DAY), False), ((2 * DAY, 8 * DAY), True), ((HOUR,), False)],
    ids=["none", "one", "two in a week", "one in a week", "an hour ago"],
)
def test_nobody_gets_more_than_their_share(ages, open_to):
    found = limits_of(written(asking(watchers(3)), *sorted(ages, reverse=True)), OutreachConfig())
    assert found.within.tolist() == [open_to] * 3


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_quiet_hours_are_those_of_the_members_own_clock_also_where_it_is_changed(zone):
    """Every quarter of an hour of the days around each change of 2026: silence from 21 to 9 on the wall, never else."""
    for month, day in ((3, 8), (3, 29), (4, 5), (10, 4), (10, 25), (11, 1)):
        first = int(datetime(2026, month, day, tzinfo=UTC).timestamp()) * 1_000_000 - DAY
        times = first + np.arange(0, 3 * DAY, HOUR // 4)
        hours, _ = local_clock(times, zone)
        requests = asking(Histories.empty(len(times)))
        said = replace(requests, situations=replace(requests.situations, hour=hours.astype(np.int8)))
        wall = [datetime.fromtimestamp(at / 1e6, UTC).astimezone(_zone(zone)).hour for at in times]
        assert limits_of(said, OutreachConfig()).awake.tolist() == [9 <= hour < 21 for hour in wall]


def _zone(name: str):
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def test_an_hour_that_nobody_knows_is_quiet():
    assert not limits_of(asking(watchers(2), hour=-1), OutreachConfig()).awake.any()


@settings(max_examples=25)
@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 2**32), st.floats(0, 1))
def test_nobody_who_does_not_want_messages_gets_one(wanted, seed, exploration):
    profiles = [Profile(f"m{k}", messages=one) for k, one in enumerate(wanted)]
    requests = asking(watchers(len(wanted)), profiles=profiles, exploration=exploration)
    for effects in (None, effects_of("worth")):
        made = policy(effects, price=-1.0, share=1.0).decide(requests, np.random.default_rng(seed))
        assert all(wanted[k] for k in sent_by(made))
        assert (made.choices.log_probs[made.choices.offsets[:-1]][~np.array(wanted)] == 0).all()


def test_the_check_fails_loudly_where_a_message_goes_to_somebody_who_said_no():
    made = policy(share=1.0).decide(asking(watchers(3)), np.random.default_rng(0))
    check(CATALOG, made)
    no = [Profile(f"m{k}", messages=k != 1) for k in range(3)]
    with pytest.raises(AssertionError, match=r"writes to 1 member\(s\) who do not want messages, the first is 'm1'"):
        check(CATALOG, replace(made, requests=asking(watchers(3), profiles=no)))


def test_reasons_are_true():
    """t0 to t14 arrived in the last 14 days; t30 is on the list; what was seen or written about is never offered."""
    listed = Histories.of_items([[40, 41, 30, 50]])
    kinds = np.array([Kind.PLAY, Kind.DISMISS, Kind.LIST_ADD, Kind.MESSAGE], np.int8)
    requests = asking(replace(listed, kinds=kinds))
    offered = policy(each=60).weighed(requests).messages
    reasons = dict(zip(offered.titles.tolist(), offered.reasons.tolist(), strict=True))
    assert {t for t, one in reasons.items() if one >> Reason.ARRIVAL & 1} == set(range(15))
    assert {t for t, one in reasons.items() if one >> Reason.LISTED & 1} == {30}
    assert set(reasons) == set(range(TITLES)) - {40, 41, 50}

"""Answers follow the truth: chances, shares, thumbs, attention; and the log tells the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from worlds import BUSY, PLAIN, Fixed, Slates, days_of, make_world, may_be_shown

from matinee.data.outcomes import outcomes
from matinee.events import SCHEMA, Kind, clean
from matinee.page import Attention, Layout
from matinee.policies.uniform import Uniform
from matinee.testing.worlds import NOW


def sigmoid(x):
    return 1 / (1 + np.exp(-np.float64(x)))


def shown_once(world, item):
    """The first visits of day 0, and a decision for each that shows this title."""
    visits = next(world.day(0))
    return visits, Fixed(item).decide(world.requests(visits), np.random.default_rng(0))


def test_plays_shares_and_thumbs_of_one_title_are_what_arithmetic_says():
    """Without taste the best title is played with chance `click`, its share is Beta(e / (1 - e), 1), e its worth."""
    world = make_world(4_000, config=replace(BUSY, click=0.9, thumbs=0.3))
    item = int(world.titles.appeal.argmax())
    answers = days_of(world, Fixed(item), 4)
    clicked = np.concatenate([one.clicked for one in answers])
    shares = np.concatenate([one.shares for one in answers])[clicked]
    liked = np.concatenate([one.liked for one in answers])[clicked]
    e = sigmoid(world.titles.worth[item])
    for found, chance in ((clicked, 0.9), (liked > 0, 0.3 * e**2), (liked < 0, 0.3 * (1 - e) ** 2)):
        assert abs(found.mean() - chance) < 4 * (chance * (1 - chance) / len(found)) ** 0.5
    assert stats.kstest(shares, stats.beta(e / (1 - e), 1).cdf).pvalue > 0.001


def test_rewards_average_to_what_is_expected():
    """Uniform billboards with everything on: the sum of rewards less the sum of `expected`, 4 standard errors."""
    world = make_world(3_000, titles=40)
    difference, variance = 0.0, 0.0
    for day in range(3):
        for visits in world.day(day):
            decisions = Uniform(world.catalog).decide(world.requests(visits), np.random.default_rng(day))
            answers = world.answer(decisions)
            errors = answers.rewards - world.expected(decisions)
            difference, variance = difference + errors.sum(), variance + np.square(errors).sum()
            world.live(answers)
    assert abs(difference) < 4 * variance**0.5


def test_who_is_not_looked_at_has_no_reward():
    world = make_world(200, titles=50, config=BUSY)
    (answers, *_) = days_of(world, Slates(50, 2, 10), 1)
    assert np.isnan(answers.rewards[~answers.examined]).all()
    assert not answers.clicked[~answers.examined].any()
    assert (answers.shares[~answers.clicked] == 0).all()


def test_planted_position_bias_comes_back_out_of_the_log():
    """Impressions a page by place, out of events, against the attention that was planted: 4 standard errors each."""
    attention = Attention(row_decay=0.7, column_decay=0.8, scroll=0.5)
    layout = Layout(rows=3, columns=6, visible=3, billboard=False)
    world = make_world(3_000, titles=60, config=replace(BUSY, attention=attention, looks_on=1.0))
    answers = days_of(world, Slates(60, 3, 6), 1, ask=lambda here, visits: here.requests(visits, layout=layout))
    seen, pages = np.zeros((3, 6)), sum(len(one.decisions) for one in answers)
    for one in answers:
        events = one.events(world.catalog).filter(kind="impression")
        np.add.at(seen, (events["row"].to_numpy(), events["column"].to_numpy()), 1)
    planted = np.outer(0.7 ** np.arange(3), 0.8 ** np.arange(6) * 0.5 ** (np.arange(6) // 3))
    assert (np.abs(seen / pages - planted) <= 4 * np.sqrt(planted * (1 - planted) / pages) + 1e-9).all()


def test_a_play_ends_the_look_at_a_page_but_for_those_who_look_on():
    world = make_world(3_000, titles=60, config=replace(BUSY, click=0.5, looks_on=0.25))
    layout = Layout(rows=1, columns=10, attention=Attention(1.0, 1.0, 1.0))
    plays = again = 0
    for one in days_of(world, Slates(60, 1, 10), 1, ask=lambda here, visits: here.requests(visits, layout=layout)):
        seen, clicked = one.examined.reshape(-1, 10), one.clicked.reshape(-1, 10)
        page, place = np.nonzero(clicked[:, :9])
        plays, again = plays + len(page), again + seen[page, place + 1].sum()
    assert abs(again / plays - 0.25) < 4 * (0.25 * 0.75 / plays) ** 0.5


def test_events_are_clean_and_their_outcomes_are_the_rewards():
    world = make_world(800, titles=40, config=replace(BUSY, search=0.3))
    visits = next(world.day(0))
    found = world.find(visits.elsewhere)
    answers = world.answer(Uniform(world.catalog).decide(world.requests(visits.at_home), np.random.default_rng(0)))
    events = answers.events(world.catalog)
    for frame in (events, found.events(world.catalog, world.members.people)):
        assert list(frame.schema.items()) == list(SCHEMA.items())
        kept, rejected = clean(frame, NOW)
        assert kept.height == frame.height > 0, rejected
    joined = outcomes(answers.decisions, events, world.catalog, 86_400)
    np.testing.assert_array_equal(joined.examined, answers.examined)
    np.testing.assert_allclose(joined.reward, np.nan_to_num(answers.rewards), rtol=1e-6)


def test_what_was_lived_is_known_at_the_next_visit():
    world = make_world(300, titles=20, config=replace(BUSY, click=0.9, remembered=3, thumbs=0.0, dismissals=0.0))
    policy, played = Fixed(int(world.titles.appeal.argmax())), {}
    for day in range(3):
        for visits in world.day(day):
            requests = world.requests(visits)
            answers, histories = world.answer(policy.decide(requests, np.random.default_rng(0))), requests.histories
            for b, member in enumerate(visits.members.tolist()):
                known = histories.times[histories.offsets[b] : histories.offsets[b + 1]]
                assert known.tolist() == played.get(member, [])[-3:]
                if answers.clicked[b]:
                    played.setdefault(member, []).append(int(visits.times[b]))
            world.live(answers)
    assert max(map(len, played.values())) > 3


def test_a_play_satisfies_by_its_enjoyment_and_a_visit_without_one_lets_down():
    world = make_world(500, config=BUSY)
    visits, decisions = shown_once(world, int(world.titles.appeal.argmax()))
    answers = world.answer(decisions)
    world.live(answers)
    gave = np.where(answers.clicked, answers.enjoyment, world.config.letdown)
    np.testing.assert_allclose(world.members.satisfaction[visits.members], 0.9 * 0.5 + 0.1 * gave, rtol=1e-5)


def test_titles_are_shown_and_sought_only_while_they_are_there():
    world = make_world(500, titles=40, config=replace(BUSY, search=0.5, launching=0.4, leaving=0.3, horizon=10))
    start, end = world.catalog.available
    for day in range(0, 12, 3):
        for visits in world.day(day):
            found = world.find(visits.elsewhere)
            assert (start[found.items] <= found.visits.times).all()
            assert (found.visits.times < end[found.items]).all()
    assert all(may_be_shown(world, one).all() for one in days_of(world, Uniform(world.catalog), 12))
    assert ((world.titles.launched >= 1) & (world.titles.launched <= 10)).sum() > 5


def test_novelty_fades_as_a_title_ages():
    config = replace(PLAIN, novelty=1.0)
    world = make_world(5, titles=5, config=config)
    titles = replace(world.titles, launched=np.array([-np.inf, 0.0, 30.0, -21.0, 0.0]))
    np.testing.assert_allclose(titles.appeal_on(0, config) - titles.appeal, [0, 1, 0, np.exp(-1), 1], atol=1e-6)


def test_a_title_that_was_just_played_appeals_less():
    world = make_world(50, titles=5, config=replace(BUSY, again=2.0))
    _, decisions = shown_once(world, 2)
    before = world.expected(decisions)
    world.members.ring.items[:, 0], world.members.ring.kinds[:, 0] = 2, Kind.PLAY
    ratio = sigmoid(world.titles.appeal[2] - 2) / sigmoid(world.titles.appeal[2])
    np.testing.assert_allclose(world.expected(decisions) / before, ratio, rtol=1e-5)


def test_drift_moves_tastes_and_keeps_their_size():
    world = make_world(400, config=replace(PLAIN, visits=20.0, drift=0.2))
    before = world.members.tastes.copy()
    days_of(world, Fixed(0), 2)
    assert abs(world.members.tastes.std() - 1) < 0.05
    assert abs(np.corrcoef(before.ravel(), world.members.tastes.ravel())[0, 1]) < 0.7


def test_requests_of_another_world_are_refused():
    one, other = make_world(20), make_world(30)
    with pytest.raises(AssertionError, match="another world"):
        one.answer(shown_once(other, 0)[1])

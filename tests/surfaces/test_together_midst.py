"""Watching together goes on with what all of them are in the midst of, and takes the dials of any page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from pages import NOW, policy_of, world
from test_together import CATALOG, N, asking, policy

from matinee.decision import Company, Dials
from matinee.decision.whom import reason_for_all, title_for_all
from matinee.events import DAY, Kind
from matinee.history import Histories
from matinee.page import RowKind
from matinee.profile import Profile
from matinee.series import Series
from matinee.surfaces.together.midst import in_the_midst
from matinee.surfaces.together.policy import TogetherPolicy
from matinee.surfaces.together.watchers import Watchers
from matinee.testing import check_policy

LIKED = [30, 31, 32]
ONE = np.zeros(1, np.int64)


def played(*told: tuple[int, float], kind: Kind = Kind.PLAY) -> Histories:
    """One member who watched so much of these titles a day ago, after the ones they like."""
    items = [*LIKED, *(item for item, _ in told)]
    values = [1.0] * len(LIKED) + [share for _, share in told]
    one = Histories.of_items([items])
    kinds = np.array([Kind.PLAY] * len(LIKED) + [kind] * len(told), np.int8)
    return replace(one, values=np.array(values, np.float32), kinds=kinds, times=one.times + NOW - DAY)


def two(ada: Histories, ben: Histories, **fields):
    asked = asking([[]], [[[]]], **fields)
    return replace(asked, histories=ada, together=Company.of([[1]], ben))


def rows_of(requests, made=None) -> dict[RowKind, list[int]]:
    made = policy().decide(requests, np.random.default_rng(0)) if made is None else made
    page = made.page()
    return {
        RowKind(int(page.row_kinds[0, r])): page.items[0, r][page.items[0, r] >= 0].tolist()
        for r in np.flatnonzero(page.rows[0] >= 0)
    }


BOTH = two(played((3, 0.4), (4, 0.5), (5, 0.6)), played((3, 0.7), (4, 0.95), (6, 0.5)))


def test_what_all_are_in_the_midst_of_goes_on():
    """Both stopped in 3; Ben finished 4; 5 and 6 were begun by one of them."""
    rows = rows_of(BOTH)
    assert rows[RowKind.CONTINUE_WATCHING] == [3]
    shown = {item for items in rows.values() for item in items}
    assert not shown & {4, 5, 6, *LIKED}


@pytest.mark.parametrize("said", [(Kind.THUMBS_DOWN, 0.0), (Kind.DISMISS, 0.0), (Kind.RATING, 0.2)])
def test_what_one_turned_down_does_not(said):
    kind, value = said
    ben = played((3, 0.7))
    last = played((3, value), kind=kind).take(ONE)
    joined = Histories.joined([ben, last])
    one = replace(joined, offsets=np.array([0, len(joined.items)]))
    assert RowKind.CONTINUE_WATCHING not in rows_of(two(played((3, 0.4)), one))


def test_one_who_may_not_see_it_keeps_it_off_the_page():
    asked = two(played((3, 0.4)), played((3, 0.7)))
    people = type(asked.people).of([Profile("m0"), Profile("m0.0", blocked_titles=("t3",))])
    assert RowKind.CONTINUE_WATCHING not in rows_of(replace(asked, people=people))


def test_conformance():
    check_policy(policy, CATALOG, asking([[1], [2, 3]], [[[4]], [[5]]], dials=Dials(novelty=0.5, freshness=0.5)))
    several = replace(BOTH.take(np.array([0, 0])), people=BOTH.people)
    check_policy(policy, CATALOG, several)


def test_the_words_speak_to_all():
    made = policy().decide(BOTH, np.random.default_rng(0))
    name = next(one for one in made.row_names if one.kind == RowKind.CONTINUE_WATCHING)
    assert title_for_all(name, made, [Profile("ada"), Profile("ben")], CATALOG) == "Continue together"
    assert reason_for_all(name) == "All of you started this and have not finished it"


def test_a_series_goes_on_while_an_episode_waits_for_each_of_them():
    episodes = {"item_id": ["e1", "e2"], "series_id": ["t3"] * 2, "season": [1, 1], "episode": [1, 2]}
    catalog = world(N).with_series(Series.from_frame(pl.DataFrame(episodes)))

    def seen(*which: int) -> Histories:
        one = played(*((3, 1.0) for _ in which))
        return replace(one, episodes=np.array([-1] * len(LIKED) + list(which), np.int32))

    for ben, expected in ((seen(0), [3]), (seen(0, 1), None)):
        asked = two(seen(0), ben)
        begun = in_the_midst(Watchers.of(asked), catalog)
        assert begun[0].nonzero()[0].tolist() == (expected or [])
        made = TogetherPolicy("together", policy_of(catalog, 0.0)).decide(asked, np.random.default_rng(0))
        assert rows_of(asked, made).get(RowKind.CONTINUE_WATCHING) == expected


def test_novelty_shows_what_fewer_people_know():
    """Titles are the rarer the higher their number: the mean number on the page rises with the dial."""
    plain = policy()
    surprise = np.linspace(0.0, 12.0, N).astype(np.float32)
    known = TogetherPolicy("together", replace(plain.home, charts=replace(plain.home.charts, surprise=surprise)))
    means = [
        known.decide(replace(BOTH, dials=Dials(novelty=dial)), np.random.default_rng(0)).titles.mean()
        for dial in (0.0, 0.5, 1.0)
    ]
    assert means == sorted(means)
    assert means[2] > means[0] + 5


def test_freshness_lets_go_what_either_passed_by():
    plain = policy()
    surprise = np.ones(N, np.float32)
    known = TogetherPolicy("together", replace(plain.home, charts=replace(plain.home.charts, surprise=surprise)))
    plainly = two(played(), played())
    first = known.decide(plainly, np.random.default_rng(0)).titles[:3].tolist()
    looks = played(*((item, 0.0) for item in first * 3), kind=Kind.IMPRESSION)
    asked = replace(plainly, together=Company.of([[1]], looks))
    tired = known.decide(replace(asked, dials=Dials(freshness=1.0)), np.random.default_rng(0))
    same = known.decide(asked, np.random.default_rng(0))
    assert set(same.titles[:3].tolist()) == set(first)
    assert not set(tired.titles[:6].tolist()) & set(first)
    np.testing.assert_allclose(known.log_prob(tired), tired.choices.log_probs, atol=1e-9)

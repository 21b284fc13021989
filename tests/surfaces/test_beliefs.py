"""Beliefs are arithmetic: shares of genres, the weight of likes by leaving one out, people, screens, tone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pages import NOW, Linear, catalog_of, policy_of

from matinee.decision import Believes, Requests
from matinee.events import Kind
from matinee.history import Histories
from matinee.policies.layered import Layered
from matinee.policies.presented import Presented
from matinee.situation import device_code
from matinee.surfaces.tastes import influences

GENRES = [["War"], ["War", "Comedy"], ["Drama"], ["Drama"], ["Comedy"], ["Comedy"]]
PEOPLE = [["Ann", "Bo"], ["Ann"], ["Bo", "Ann"], [], ["Cy"], ["Cy"]]


def asked(*items: int, **columns: np.ndarray) -> Requests:
    """One member who watched these titles, one an hour, on a television."""
    past = replace(
        Histories.of_items([list(items)]), devices=np.full(len(items), device_code("tv"), np.int8), **columns
    )
    return Requests.of_histories(replace(past, times=past.times + NOW - 10**12), NOW)


def test_shares_people_screens_and_tone_are_those_of_what_is_liked():
    catalog = catalog_of(GENRES, people=PEOPLE)
    policy = policy_of(catalog)
    found = policy.beliefs(asked(0, 1, 2))
    shares = {catalog.genres[one.genre]: (one.share, one.titles) for one in found.genres}
    assert {name: round(share, 6) for name, (share, _) in shares.items()} == pytest.approx(
        {"War": 1.5 / 3, "Comedy": 0.5 / 3, "Drama": 1 / 3}, abs=1e-6
    )
    assert {name: titles for name, (_, titles) in shares.items()} == {"War": 2, "Comedy": 1, "Drama": 1}
    assert [catalog.genres[one.genre] for one in found.genres] == ["War", "Drama", "Comedy"]
    assert [one.usual for one in found.genres] == [
        pytest.approx(policy.charts.genre_shares[one.genre]) for one in found.genres
    ]
    assert found.people == (("Ann", 3), ("Bo", 2))
    assert found.screens == (("tv", 1.0),)
    assert found.tone == pytest.approx((-1.0 + 0.0 - 0.6) / 3)


def test_a_like_weighs_what_the_page_loses_without_it():
    """Worth = score. Title 3 gains 4 from title 0, 1 from title 1, and loses 2 by title 2, which weighs nothing."""
    weights = np.zeros((6, 6), np.float32)
    weights[[0, 1, 2], 3] = 4.0, 1.0, -2.0
    scorer = Linear(weights, np.zeros(6, np.float32))
    open_to = np.array([False, False, False, True, False, False])
    found = influences(asked(0, 1, 2), np.array([2, 1, 0], np.int32), open_to, scorer.score)
    assert found == pytest.approx([0.0, 0.2, 0.8])
    nothing = influences(asked(0, 1), np.array([1, 0], np.int32), np.zeros(6, np.bool_), scorer.score)
    assert nothing.tolist() == [0.0, 0.0]


def test_the_weightiest_come_first_and_what_was_turned_down_speaks_for_nothing():
    policy = policy_of(catalog_of(GENRES))
    kinds = np.array([Kind.PLAY, Kind.PLAY, Kind.DISMISS], np.int8)
    found = policy.beliefs(asked(0, 1, 4, kinds=kinds))
    weights = [one.weight for one in found.titles]
    assert found.likes == 2
    assert sorted(one.item for one in found.titles) == [0, 1]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == pytest.approx(1.0)


def test_who_likes_nothing_is_believed_nothing():
    found = policy_of(catalog_of(GENRES)).beliefs(asked())
    assert (found.likes, found.genres, found.titles, found.people, found.screens) == (0, (), (), (), ())


def test_a_page_under_a_billboard_or_dressed_believes_what_the_page_does():
    policy = policy_of(catalog_of(GENRES))
    for around in (Layered(policy, policy), Presented(policy, policy.catalog, None, None)):
        assert isinstance(around, Believes)
        assert around.beliefs(asked(0, 2)) == policy.beliefs(asked(0, 2))

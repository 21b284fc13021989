"""Episodes: what was suggested and answered grows step by step, and nothing is suggested twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matinee.data.log import bodies
from matinee.decision import Episodes, Requests
from matinee.decision.columns import HEADS
from matinee.decision.eligibility import check, eligible
from matinee.decision.episodes import UNANSWERED
from matinee.events import KIND_NAMES, NEEDS_TITLE, SAID_OF_THE_MOMENT, Kind
from matinee.history import Histories
from matinee.policies.uniform import Uniform
from matinee.testing import make_catalog, make_decisions

CATALOG = make_catalog(6)


def begun(batch: int) -> Episodes:
    return Episodes(np.arange(batch, dtype=np.uint64), np.zeros(batch, np.int32))


def lists(episodes: Episodes) -> list[list[int]]:
    return [episodes.suggested[b].tolist() for b in range(len(episodes))]


def test_a_chain_grows_by_what_was_suggested_and_answered():
    one = begun(3).then(np.array([4, -1, 2], np.int32), np.array([Kind.SKIP, 0, Kind.PLAY], np.int8))
    two = one.then(np.array([1, 5, -1], np.int32), np.array([Kind.LIGHTER, Kind.NOT_NOW, 0], np.int8))
    assert two.steps.tolist() == [2, 2, 2]
    assert lists(two) == [[4, 1], [5], [2]]
    assert two.answers.tolist() == [Kind.SKIP, Kind.LIGHTER, Kind.NOT_NOW, Kind.PLAY]
    assert [part.tolist() for part in two.last] == [[1, 5, 2], [Kind.LIGHTER, Kind.NOT_NOW, Kind.PLAY]]
    back = two.take(np.array([2, 0]))
    assert (lists(back), back.answers.tolist()) == ([[2], [4, 1]], [Kind.PLAY, Kind.SKIP, Kind.LIGHTER])
    assert [part.tolist() for part in begun(1).last] == [[-1], [UNANSWERED]]


def history(*events: tuple[int, Kind, int]) -> Histories:
    items, kinds, times = zip(*events, strict=True)
    made = replace(Histories.of_items([list(items)]), kinds=np.array(kinds, np.int8))
    return replace(made, times=np.array(times, np.int64))


def test_the_latest_word_since_the_suggestion_counts():
    past = history(
        (4, Kind.DISMISS, 5),  # before: another evening's word
        (4, Kind.SKIP, 10),
        (4, Kind.IMPRESSION, 11),  # no answer
        (9, Kind.THUMBS_UP, 12),  # of a title that was not suggested
        (1, Kind.NOT_NOW, 13),
        (4, Kind.MORE_LIKE, 14),
    )
    asked = begun(1).then(np.array([4], np.int32), np.array([UNANSWERED], np.int8))
    asked = asked.then(np.array([1], np.int32), np.array([UNANSWERED], np.int8))
    heard = asked.heard(past, np.array([10]))
    assert heard.answers.tolist() == [Kind.MORE_LIKE, Kind.NOT_NOW]
    assert begun(1).heard(past, np.array([0])).answers.tolist() == []
    assert asked.heard(Histories.empty(1), np.array([0])).answers.tolist() == [UNANSWERED] * 2


def test_no_policy_repeats_a_title_of_the_episode_and_all_may_name_it():
    asked = Requests.of_histories(Histories.empty(1))
    episodes = begun(1)
    for _ in range(6):
        made = Uniform(CATALOG).decide(replace(asked, episodes=episodes), np.random.default_rng(1))
        check(CATALOG, made)
        episodes = episodes.then(made.titles, np.array([Kind.SKIP], np.int8))
    assert sorted(episodes.suggested[0].tolist()) == [*range(6)]
    over = replace(asked, episodes=episodes)
    assert not eligible(CATALOG, over).any()
    assert not len(Uniform(CATALOG).decide(over, np.random.default_rng(1)).titles)
    again = replace(made, requests=over)
    with pytest.raises(AssertionError, match="showed 1 ineligible title"):
        check(CATALOG, again)
    named = replace(made, choices=replace(made.choices, evidence=episodes.suggested[0][:1]))
    check(CATALOG, named)


def test_what_is_said_of_the_moment_says_nothing_of_taste():
    assert sorted(SAID_OF_THE_MOMENT) == ["heavier", "lighter", "more_like", "not_now", "skip"]
    assert SAID_OF_THE_MOMENT <= NEEDS_TITLE
    kinds = [KIND_NAMES.index(kind) for kind in sorted(SAID_OF_THE_MOMENT)]
    liked = Histories.of_items([[3] * 6])
    past = replace(liked, kinds=np.array([Kind.PLAY, *kinds], np.int8), values=np.array([0.9, *[0] * 5], np.float32))
    assert past.tastes.items.tolist() == [3]
    assert not past.turned_down.any()
    assert past.speaking.tolist() == [True, *[False] * 5]


def test_decisions_logged_before_these_columns_are_read():
    """A head that ends where heads once ended: what came later is null."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "HEADS", list(HEADS)[:-2])
        (body,) = bodies.bodies_of(make_decisions([1], ["ann"], ["d1"]))
    heads = bodies.columns_of_bodies([body]).heads
    assert heads.columns == list(HEADS)
    assert heads.row(0)[-2:] == (None, None)

"""Lists by Thompson sampling: conformance, frequencies, segments, and what the cascade lets it learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arm_worlds import TITLES, asked
from scipy import stats

from matinee.errors import BadRequest, NotFound
from matinee.maths.ragged import Ragged
from matinee.policies.independent import BetaBelief, GaussianBelief
from matinee.policies.slates import SlateArms, SlateConfig, looks
from matinee.simulate.carousel import Carousel, CarouselConfig
from matinee.testing import check_policy, make_catalog

CATALOG = make_catalog(TITLES)
SMALL = SlateConfig(BetaBelief(1.0, 9.0), size=5, visible=2, patience=0.5)
CONFIGS = [SMALL, replace(SMALL, belief=GaussianBelief()), replace(SMALL, patience=1.0, floor=0.5)]


def by_history(requests):
    """Segment 1 are the members without a history."""
    return (np.diff(requests.histories.offsets) == 0).astype(np.int64)


def slates(config: SlateConfig = SMALL) -> SlateArms:
    return SlateArms("slates", CATALOG, config, by_history, 2)


def taught(policy: SlateArms, batches: int, seed: int = 0) -> SlateArms:
    """With a history title 7 is worth .6, without one title 2; others .1. Two slots are visible, a third swipes on."""
    rng = np.random.default_rng(seed)
    for _ in range(batches):
        made = policy.decide(asked(60), rng)
        best = np.where(by_history(made.requests)[made.choices.decisions] == 1, 2, 7)
        rewards = (rng.random(len(made.titles)) < np.where(made.titles == best, 0.6, 0.1)).astype(float)
        swiped = rng.random(60)[made.choices.decisions] < 1 / 3
        policy.learn(made, np.where(swiped | (made.choices.columns < 2), rewards, 0.0))
    return policy


@pytest.mark.parametrize("config", CONFIGS)
def test_conformance(config):
    exclude = Ragged.of([[k % 3] for k in range(20)])
    check_policy(lambda: taught(slates(config), 2), CATALOG, asked(20))
    check_policy(lambda: slates(config), CATALOG, asked(20, exclude=exclude))


def test_lists_are_drawn_as_often_as_logged():
    """6,000 lists of two out of four titles; a chi-square test that errs once in a thousand seeds, seed fixed."""
    policy = taught(slates(replace(SMALL, size=2)), 2)
    one = asked(2, candidates=Ragged.of([[2, 5, 7, 9]] * 2)).take(np.array([1]))
    made = policy.decide(one.take(np.zeros(6_000, np.int64)), np.random.default_rng(3))
    lists = made.titles.reshape(-1, 2)
    kinds, counts = np.unique(lists[:, 0] * TITLES + lists[:, 1], return_counts=True)
    probs = dict(zip(lists[:, 0] * TITLES + lists[:, 1], np.exp(made.log_probs), strict=True))
    expected = np.array([probs[kind] for kind in kinds])
    assert expected.sum() == pytest.approx(1, abs=1e-6)
    assert stats.chisquare(counts, 6_000 * expected / expected.sum()).pvalue > 0.001


def test_each_segment_finds_its_own_best():
    made = taught(slates(), 25).decide(asked(300), np.random.default_rng(0))
    first = made.choices.columns == 0
    of_segment = by_history(made.requests)
    assert (made.titles[first][of_segment == 0] == 7).mean() > 0.8
    assert (made.titles[first][of_segment == 1] == 2).mean() > 0.8


def test_looks_by_hand():
    played = np.array([[0, 0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1]], np.bool_)
    never, half = np.zeros((3, 4)), np.full((3, 4), 0.5)
    assert looks(played, never, 2, 0.5).tolist() == [[1, 1, 0.5, 0.25], [1, 1, 1, 0.5], [1, 1, 1, 1]]
    assert looks(played, half, 2, 0.0).tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert looks(played, half, 2, 1.0).tolist() == [[1] * 4] * 3
    by_hand = looks(played, half, 2, 0.5)
    assert by_hand[0] == pytest.approx([1, 1, (1 / 8 + 1 / 16) / (1 / 2 + 1 / 8 + 1 / 16), 1 / 11])
    assert by_hand[1] == pytest.approx([1, 1, 1, 1 / 3])


def test_slots_count_as_often_as_they_are_looked_at():
    """Whatever is played: on average over 200,000 carousels, 5 standard errors, some .006."""
    rng = np.random.default_rng(0)
    world = Carousel.drawn(CarouselConfig(lists=20, members=1_000, segments=2, popularity=-1.0), rng)
    members = rng.integers(1_000, size=200_000)
    lists = np.tile(np.arange(12, dtype=np.int32), (len(members), 1))
    chances = world.chances(members, lists)
    told = looks(world.played(members, lists, rng), chances, world.config.visible, world.config.patience)
    np.testing.assert_allclose(told.mean(axis=0), world.looks, atol=0.006)


def test_what_was_hardly_looked_at_counts_less():
    """One list of five, two visible, the third played; NaN never counts."""
    policy = slates()
    made = policy.decide(asked(2).take(np.array([1])), np.random.default_rng(0))
    policy.learn(made, np.array([0.0, 0.0, 1.0, 0.0, 0.0]))
    kept = 0.5 * 0.45, 0.45**2  # a play has the chance .1: stops after the third, the fourth, at the end
    expected = [1, 1, 1, sum(kept) / (0.5 + sum(kept)), kept[1] / (0.5 + sum(kept))]
    np.testing.assert_allclose(policy._told.counts[0, made.titles], expected)
    policy.learn(made, np.array([np.nan, 0.0, np.nan, np.nan, np.nan]))
    np.testing.assert_allclose(policy._told.counts[0, made.titles], expected + np.eye(5)[1])


def test_what_could_not_be_is_impossible_and_short_offers_make_short_lists():
    policy = slates()
    few = policy.decide(asked(2, candidates=Ragged.of([[1, 2, 3], []])), np.random.default_rng(0))
    assert np.diff(few.choices.offsets).tolist() == [3, 0]
    made = policy.decide(asked(3), np.random.default_rng(0))
    twice = replace(made, choices=replace(made.choices, actions=np.repeat(made.titles[::5], 5)))
    assert np.isneginf(policy.log_prob(twice)).all()
    cut = replace(made, choices=made.choices.keep(made.choices.columns < 4))
    assert np.isneginf(policy.log_prob(cut)).all()


def test_bad_arguments_are_refused():
    made = slates().decide(asked(2), np.random.default_rng(0))
    for wrong in ({"floor": 0.0}, {"visible": 0}, {"visible": 13}, {"patience": 2.0}):
        with pytest.raises(BadRequest):
            SlateConfig(**wrong)
    with pytest.raises(BadRequest, match="one each"):
        slates().learn(made, np.ones(3))
    with pytest.raises(NotFound):
        slates().at(5)

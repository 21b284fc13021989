"""Loops in the laboratory: models homogenise when retrained, and weights with a floor damp a swing."""

from dataclasses import replace

import numpy as np
import pytest
from worlds_of_loops import GENRES, swinging_world

from matinee.errors import BadRequest
from matinee.recipes.laboratory import ARMS, RECOMMENDERS, GenreRates, damping, homogenization, power_of
from matinee.simulate.laboratory import LaboratoryConfig
from matinee.simulate.retraining import Course, Looks

QUICK = LaboratoryConfig(members=40, steps=40, startup=8, appear=6)


def test_popularity_homogenises_and_chance_does_not():
    few = {name: RECOMMENDERS[name] for name in ("popularity", "random")}
    repeated = homogenization(few, QUICK)
    once = homogenization(few, replace(QUICK, startup=20), once=True)
    assert repeated["popularity"].near > 0.2
    assert abs(repeated["random"].at_random) < 0.06
    assert once["popularity"].at_random < repeated["popularity"].at_random / 3


def test_models_of_the_registry_learn_in_it():
    """Short as it is, content serves members better than chance does, and factors show them more of the same."""
    names = ("factors", "content", "random")
    found = homogenization({name: RECOMMENDERS[name] for name in names}, replace(QUICK, steps=16))
    assert found["content"].utility > found["random"].utility
    assert found["factors"].at_random > found["random"].at_random


@pytest.fixture(scope="module")
def damped():
    return damping(
        swinging_world(), days=44, every=2, arms={name: ARMS[name] for name in ("as it is", "weights and floor")}
    )


def test_what_is_retrained_on_its_own_days_swings_and_weights_with_a_floor_damp_it(damped):
    assert damped["weights and floor"].power < 0.5 * damped["as it is"].power


def test_too_few_days_are_refused():
    with pytest.raises(BadRequest, match="40 days or more"):
        damping(swinging_world(members=10), days=39, every=2)


def test_the_first_arm_is_what_others_are_compared_with(damped):
    assert damped["as it is"].change.value == pytest.approx(0)
    change = damped["weights and floor"].change
    assert change.low < change.value < change.high


def test_the_power_of_a_swing_is_that_of_its_wave():
    """Shares .5 ± a by turns of two days: the mean over the turn is .5 ± a, and of two genres 2 a² n at w = pi."""
    turns = np.repeat(0.1 * (-1.0) ** np.arange(44), 2)
    shown = np.column_stack([0.5 + turns, 0.5 - turns])
    course = Course(shown, np.ones(88), np.ones(1), np.ones(1))
    assert power_of(course, every=2) == pytest.approx(2 * 0.01 * 40, rel=0.01)


def test_rates_are_shrunk_to_the_prior_and_weights_undo_what_was_shown_more():
    """Two genres, each played in a quarter of looks, one shown nine times as often: unweighed the rare one is nearer to
    the prior of .9; weighed by 1 / P both are the same.
    """
    world = swinging_world(members=10)
    of = [np.flatnonzero(world.catalog.title_genres.values == genre)[0] for genre in range(2)]
    items = np.repeat(np.array(of, np.int32), [900, 100])
    played = np.concatenate([np.arange(900) % 4 == 0, np.arange(100) % 4 == 0])
    looks = Looks(items, played, np.log(np.repeat([0.9, 0.1], [900, 100]) / 10))
    plain, weighed = (
        GenreRates(world.catalog, weighed=weighed, prior=0.9)(looks).scores(world.requests(next(world.day(0)).at_home))
        for weighed in (False, True)
    )
    assert plain[0, of[1]] > plain[0, of[0]] + 0.3
    assert weighed[0, of[1]] == pytest.approx(weighed[0, of[0]])
    assert len(GENRES) == len(world.catalog.genres)

"""The laboratory of loops: its protocol step by step, and what perfect and blind recommenders do in it."""

import numpy as np
import pytest

from matinee.errors import BadRequest
from matinee.simulate.laboratory import Laboratory, LaboratoryConfig, effect

SMALL = LaboratoryConfig(members=30, steps=30, startup=6, appear=10)


@pytest.fixture(scope="module")
def laboratory():
    return Laboratory.drawn(SMALL, seed=1)


def blind(moment, rng):
    return rng.random((len(moment.requests), len(moment.data.catalog)))


def same_for_all(moment, rng):
    """Popularity by hand: how often each title was taken."""
    counts = np.bincount(moment.data.events["item"], minlength=len(moment.data.catalog))
    return np.tile(counts.astype(float), (len(moment.requests), 1))


def test_utilities_are_products_of_mixtures_and_nearly_all_is_known(laboratory):
    attributes = laboratory.catalog.vectors["attributes"]
    assert attributes.sum(axis=1) == pytest.approx(1, abs=1e-5)
    some = laboratory.utility > 1e-3
    assert laboratory.known[some] / laboratory.utility[some] == pytest.approx(0.98, abs=1e-3)
    low, high = attributes.min(), attributes.max()
    assert low >= 0
    assert high <= 1
    assert laboratory.utility.min() >= 0
    assert laboratory.utility.max() <= 1


def test_each_member_takes_a_title_a_step_that_is_there_and_none_twice(laboratory):
    taken = laboratory.run([blind]).taken
    assert (taken < 10 * (np.arange(30) + 1)).all()
    assert all(len(set(one)) == 30 for one in taken.tolist())


def test_the_same_seed_is_the_same_run_and_the_start_is_shared(laboratory):
    one, again, other = (laboratory.run([by]).taken for by in (blind, blind, laboratory.ideal))
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(one[:, :6], other[:, :6])
    assert (one[:, 6:] != other[:, 6:]).mean() > 0.3
    assert (Laboratory.drawn(SMALL, seed=2).run([blind]).taken != one).mean() > 0.5


def test_what_is_learned_from_is_what_was_taken_before(laboratory):
    seen = []
    run = laboratory.run([lambda moment, rng: seen.append(moment) or blind(moment, rng)])
    assert len(seen) == 30 - 6
    for step, moment in enumerate(seen, start=6):
        assert moment.data.events.height == 30 * step
        assert moment.data.histories.items.reshape(30, step).tolist() == run.taken[:, :step].tolist()


def test_trained_once_it_is_asked_once(laboratory):
    seen = []
    laboratory.run([lambda moment, rng: seen.append(1) or blind(moment, rng)], once=True)
    assert len(seen) == 1


def test_of_several_each_serves_its_own_members_and_learns_from_all(laboratory):
    """Where a recommender is the ideal one its members fare as with it alone, or better for no copied taste."""
    alone = laboratory.run([laboratory.ideal])
    both = laboratory.run([laboratory.ideal, blind])
    np.testing.assert_array_equal(both.taken[::2], alone.taken[::2])
    assert both.enjoyed()[1::2].mean() < alone.enjoyed()[1::2].mean()


def test_the_ideal_has_no_effect_and_one_list_for_all_homogenises(laboratory):
    ideal = laboratory.run([laboratory.ideal])
    pairs = np.array([[a, b] for a in range(30) for b in range(a)], np.int32)
    nothing = effect(ideal, ideal, pairs)
    assert (nothing.near, nothing.at_random, nothing.utility) == (0, 0, 0)
    popular = effect(laboratory.run([same_for_all]), ideal, pairs)
    assert popular.at_random > 0.1
    assert popular.utility < 0
    assert popular.reach < nothing.reach


def test_overlap_is_the_jaccard_index(laboratory):
    run = laboratory.run([blind])
    a, b = set(run.taken[0].tolist()), set(run.taken[1].tolist())
    assert run.overlap(np.array([[0, 1]], np.int32)).tolist() == [len(a & b) / len(a | b)]
    assert run.nearest()[:, 0].tolist() == list(range(30))
    assert (run.nearest()[:, 0] != run.nearest()[:, 1]).all()


@pytest.mark.parametrize("wrong", [{"startup": 0}, {"startup": 30}, {"members": 1}])
def test_an_impossible_laboratory_is_refused(wrong):
    with pytest.raises(BadRequest, match="startup"):
        LaboratoryConfig(**{"steps": 30, **wrong})

"""The learned half-life: the recurrence is the sum it stands for, and worlds of known pace are told apart."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.maths.half_life import FEW, UNKNOWN, foretold, kept, learned_half_life, lived

TITLES = 40


def world(rng, days_a_fashion, likes=4_000, days=240):
    """Likes spread evenly over the days by a new member each; what is liked changes at every turn of fashion."""
    times = np.sort(rng.uniform(0, days, likes))
    fashions = rng.dirichlet(np.full(TITLES, 0.2), int(days // days_a_fashion) + 1)
    items = np.array([rng.choice(TITLES, p=fashions[int(t // days_a_fashion)]) for t in times], np.int32)
    return np.arange(likes), items, times + 19_675


@given(
    seed=st.integers(0, 10_000),
    half_life=st.sampled_from([None, 1.0, 16.0]),
    cuts=st.lists(st.integers(20, 60), min_size=2, max_size=5),
)
def test_the_recurrence_is_the_sum(seed, half_life, cuts):
    rng = np.random.default_rng(seed)
    items, days = rng.integers(0, 7, 60).astype(np.int32), np.sort(rng.uniform(0, 50, 60))
    edges = np.sort(np.array(cuts))
    weights, trust = rng.random(edges[-1] - edges[0]), rng.random(60)
    expected = 0.0
    for start, end in pairwise(edges):
        for at in range(start, end):
            left = 0.5 ** ((days[start] - days[:start]) / half_life) if half_life else np.ones(start)
            counts = np.bincount(items[:start], left * trust[:start], 7) + 0.1
            expected += weights[at - edges[0]] * np.log(counts[items[at]] / counts.sum())
    found = foretold(items, days, weights, edges, 7, half_life, trust)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_tastes_that_stay_are_never_forgotten(seed):
    """A half-life of a quarter of the time that there is loses data and nothing else; none or a longer one wins."""
    chosen = learned_half_life(*world(np.random.default_rng(seed), 1_000), TITLES)
    assert chosen is None or chosen >= 64


@pytest.mark.parametrize("seed", range(5))
def test_tastes_that_turn_are_forgotten_at_their_pace(seed):
    """A turn after a like it says nothing: by then it counts less than half; and who turns slower forgets no faster."""
    fast, slow = (learned_half_life(*world(np.random.default_rng(seed), pace), TITLES) for pace in (6, 40))
    assert 1 <= fast <= 6
    assert fast <= slow <= 40


def test_a_member_speaks_once_a_block():
    """One member likes title 0 in a thousand events of the last day; all others liked 1 before and like it still."""
    rng = np.random.default_rng(0)
    days = np.sort(rng.uniform(0, 100, 2_000))
    members, items = np.arange(2_000), np.ones(2_000, np.int32)
    loud = rng.permutation(np.arange(1_600, 2_000))[:200]
    members[loud], items[loud] = -1, 0
    one_voice = learned_half_life(members, items, days, 2)
    many_voices = learned_half_life(np.arange(2_000), items, days, 2)
    assert many_voices is not None
    assert one_voice is None or one_voice > many_voices


def test_few_likes_tell_nothing():
    n = 5 * FEW - 5
    assert learned_half_life(np.arange(n), np.zeros(n, np.int32), np.arange(n), 3) == UNKNOWN


@pytest.mark.parametrize("step", [1e-11, 1 / 300])
def test_a_log_of_days_or_positions_tells_nothing(step):
    """2,000 likes, what is liked turns four times, in 2 milliseconds or in 6.7 days; a fifth of it is asked for."""
    items = (np.arange(2_000) // 500 % 3).astype(np.int32)
    assert learned_half_life(np.arange(2_000), items, np.arange(2_000) * step, 3) == UNKNOWN
    assert learned_half_life(np.arange(2_000), items, np.arange(2_000) / 6, 3) != UNKNOWN


def test_a_silence_counts_an_eighth_of_a_half_life():
    days = np.array([0.0, 1.0, 3.0, 733.0, 734.0])
    np.testing.assert_allclose(lived(days, 16.0), [0, 1, 3, 5, 6])
    np.testing.assert_allclose(kept(days, 16.0), 0.5 ** (np.array([6, 5, 3, 1, 0]) / 16))
    np.testing.assert_allclose(kept(days, None), np.ones(5))
    assert len(kept(days[:0], 16.0)) == 0


def test_a_pause_teaches_no_half_life():
    """A world that stops for two years in the middle of what is predicted learns what it learned without."""
    members, items, days = world(np.random.default_rng(3), 6)
    later = days + np.where(np.arange(len(days)) > 0.9 * len(days), 730, 0)
    assert learned_half_life(members, items, later, TITLES) == learned_half_life(members, items, days, TITLES)


@pytest.mark.parametrize("crowd", [1_000, 4_000])
def test_a_crowd_that_nobody_trusts_teaches_no_half_life(crowd):
    """As many likes of one title at the very end hide how tastes age, and change nothing when they count nothing."""
    members, items, days = world(np.random.default_rng(4), 6)
    everyone = np.append(members, len(days) + np.arange(crowd))
    both, later = np.append(items, np.zeros(crowd, np.int32)), np.append(days, np.full(crowd, days[-1] + 0.001))
    trust = np.append(np.ones(len(days)), np.full(crowd, 1e-4))
    calm = learned_half_life(members, items, days, TITLES)
    assert learned_half_life(everyone, both, later, TITLES) == UNKNOWN != calm
    assert learned_half_life(everyone, both, later, TITLES, trust) == calm

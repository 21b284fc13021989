"""A posterior of the latest days says what one would that had met nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arm_worlds import TITLES, arms, asked

from matinee.errors import BadRequest
from matinee.events import DAY
from matinee.policies.arms import ArmsConfig
from matinee.policies.posterior import Posterior, Prior
from matinee.policies.windowed import Windowed, load_learned
from matinee.testing import check_policy, make_catalog

SIZE, WEEK = 3, Prior(window_days=7)
CONFIG = ArmsConfig(prior=Prior(window_days=7))


def told(days: list[int], seed: int = 0):
    """Members, titles, rewards and times, ten of each of these days."""
    rng, n = np.random.default_rng(seed), 10 * len(days)
    members = np.hstack([np.ones((n, 1)), rng.normal(size=(n, SIZE - 1))])
    times = np.repeat(days, 10) * DAY + rng.integers(0, DAY, n)
    return members, rng.integers(TITLES, size=n).astype(np.int32), rng.random(n), times


def parts(some, at):
    return tuple(one[at] for one in some)


def test_conformance():
    check_policy(lambda: arms(CONFIG), make_catalog(TITLES), asked(30))


def test_it_says_what_its_days_alone_say():
    """Batches of some days each; the window ends with day 11 and begins with day 5."""
    some = told(list(range(12)))
    found = Windowed.nothing(TITLES, SIZE)
    for batch in np.array_split(np.arange(120), 7):
        found = found.after(*parts(some, batch), WEEK)
    inside = some[3] >= 5 * DAY
    alone = Posterior.nothing(TITLES, SIZE).after(*parts(some, inside), Prior())
    np.testing.assert_allclose(found.products, alone.products, rtol=1e-12)
    np.testing.assert_allclose(found.rewards, alone.rewards, rtol=1e-12)
    assert (found.version, found.as_of) == (7, some[3].max())
    assert [day for day, _ in found.days] == list(range(5, 12))


def test_late_rewards_commute_and_those_of_a_forgotten_day_come_too_late():
    some = told([0, 4, 8, 10])
    late = np.arange(40) % 4 == 0
    nothing = Windowed.nothing(TITLES, SIZE)
    one = nothing.after(*parts(some, ~late), WEEK).after(*parts(some, late), WEEK)
    other = nothing.after(*parts(some, late), WEEK).after(*parts(some, ~late), WEEK)
    np.testing.assert_allclose(one.products, other.products, rtol=1e-12)
    assert one.same(replace(one))
    assert not one.same(other.after(*told([10], 1), WEEK))
    too_late = one.after(*told([3], 2), WEEK)
    assert (too_late.rewards == one.rewards).all()
    assert too_late.version == 3


def test_time_forgets_even_where_nobody_looked():
    found = Windowed.nothing(TITLES, SIZE).after(*told([0, 6]), WEEK)
    nobody = parts(told([0]), np.zeros(0, np.int64))
    later = found.after(*nobody, WEEK, as_of=8 * DAY)
    assert [day for day, _ in later.days] == [6]
    assert found.products[:, 0].sum() == 20
    assert later.products[:, 0].sum() == 10
    assert not later.after(*nobody, WEEK, as_of=90 * DAY).products.any()


def test_what_is_stored_comes_back_day_by_day(tmp_path):
    found = Windowed.nothing(TITLES, SIZE).after(*told([0, 2, 9]), WEEK)
    found.save(tmp_path, WEEK)
    back = load_learned(tmp_path, WEEK)
    assert isinstance(back, Windowed)
    assert back.same(found)
    assert back.after(*told([12], 3), WEEK).same(found.after(*told([12], 3), WEEK))


def test_what_changed_is_followed():
    """Title 3 is worth .8 for ten days, then title 4: a week later the window knows it, all of history does not."""

    def asked_after(config: ArmsConfig) -> int:
        policy, rng = arms(config), np.random.default_rng(0)
        for day in range(20):
            made = policy.decide(replace(asked(60), times=np.full(60, day * DAY)), rng)
            policy.learn(made, (rng.random(60) < np.where(made.titles == 3 + day // 10, 0.8, 0.1)).astype(float))
        return policy.decide(asked(300), rng).titles.tolist().count(4)

    assert asked_after(CONFIG) > 200 > 100 > asked_after(ArmsConfig())


@pytest.mark.parametrize("wrong", [{"window_days": 0}, {"window_days": 7, "half_life_days": 3.0}])
def test_one_way_of_forgetting_at_most(wrong):
    with pytest.raises(BadRequest, match="window_days"):
        Prior(**wrong)

"""Alarms of the billboard: raised where the numbers say so, each with its cause and remedy."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from matinee.recipes.vitals import FEWEST, LEAST_EFFECTIVE, LEAST_ENTROPY, Vitals

WELL = Vitals(FEWEST, entropy=2.0, effective=0.5, heaviest=10.0, version=3, waiting=0.0)


def raised(samples: bool = True, **changed: Any) -> list[str]:
    return [one.name for one in replace(WELL, **changed).alarms(samples, every=600.0)]


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({}, []),
        ({"entropy": 0.99 * LEAST_ENTROPY}, ["entropy"]),
        ({"entropy": 0.99 * LEAST_ENTROPY, "decisions": FEWEST - 1}, []),
        ({"effective": 0.99 * LEAST_EFFECTIVE}, ["weights"]),
        ({"waiting": 1_800.0}, []),
        ({"waiting": 1_801.0}, ["stale"]),
        ({"entropy": 0.0, "effective": 0.0, "waiting": 1e6}, ["entropy", "weights", "stale"]),
    ],
)
def test_each_alarm_has_its_bound(changed, names):
    assert raised(**changed) == names


def test_a_greedy_billboard_may_leave_nothing_to_chance():
    assert raised(samples=False, entropy=0.0) == []


def test_before_the_first_look_there_is_no_alarm():
    assert list(Vitals().alarms(True, 600.0)) == []
    assert math.isnan(Vitals().gauges["entropy"])


def test_a_floor_of_one_percent_keeps_both_bounds():
    """A billboard that is sure of one title of a thousand: entropy and effective share of titles by chance, exactly."""
    floor, titles = 0.01, 1_000
    best, other = 1 - floor + floor / titles, floor / titles
    entropy = -best * math.log(best) - (titles - 1) * other * math.log(other)
    square = (titles - 1) * other * (1 / titles / other) ** 2 + best * (1 / titles / best) ** 2
    assert entropy < LEAST_ENTROPY, "the alarm of entropy is raised"
    assert 1 / square > LEAST_EFFECTIVE, "that of weights is not: the floor holds them"


def test_every_alarm_says_what_to_do():
    for alarm in Vitals(FEWEST, 0.0, 0.0, 1e4, 1, 0, 1e5).alarms(True, 600.0):
        assert alarm.cause
        assert alarm.remedy

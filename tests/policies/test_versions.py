"""What was learned is found by its version until newer ones take its place."""

from typing import NamedTuple

import pytest

from matinee.errors import NotFound
from matinee.policies.versions import Latest


class Learned(NamedTuple):
    version: int


def test_the_latest_stay_and_older_ones_are_named():
    kept = Latest(Learned(0), n=3)
    for version in (1, 2, 3, 3):
        kept.keep(Learned(version))
    assert [kept.find(version) for version in (1, 2, 3)] == [Learned(1), Learned(2), Learned(3)]
    assert kept.latest == Learned(3)
    with pytest.raises(NotFound, match="version 0 is not among the latest 3"):
        kept.find(0)


def test_before_the_first_there_is_none():
    assert Latest[Learned]().latest is None

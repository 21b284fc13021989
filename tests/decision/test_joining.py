"""Batches taken apart and joined say the same of every decision; what only some of them have is filled or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson
import pytest

from matinee.decision import Cells, Company, Decisions, Episodes, Maker, People, Requests, Situations, as_one
from matinee.decision.record import record_of
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.maths.ragged import Ragged
from matinee.policies.uniform import Uniform
from matinee.profile import Profile
from matinee.situation import Context
from matinee.testing import make_catalog

CATALOG = make_catalog(9)
FAMILY = [Profile("ada", country="DK"), Profile("bo", blocked_titles=("t8",)), Profile("cy", account_id="flat")]
PARTS = [np.array([0]), np.array([1, 2]), np.array([3])]


def everything() -> Decisions:
    """Four decisions for three members, with a value in every column of their requests."""
    contexts = [Context("DK", "tv", "da", 20, 4), Context(), Context("FR", "phone", "fr", 1, 0), Context("US")]
    requests = Requests(
        times=np.array([40, 10, 20, 30]) + 10**15,
        members=np.array([0, 1, 0, 2], np.int32),
        people=People.of(FAMILY),
        histories=Histories.of_items([[5, 6], [], [1], [2, 3]]),
        situations=Situations.of(contexts),
        about=np.array([4, 3, 2, 1], np.int32),
        queries=("a", "b", "", "å"),
        together=Company.of([[1], [], [2, 1], [0]], Histories.of_items([[1], [], [2, 3], [4]])),
        exclude=Ragged.of([[3, 1], [], [], [2]]),
        candidates=Ragged.of([[1, 2], [7], [5, 0], [8]]),
        episodes=Episodes(np.arange(4, dtype=np.uint64), np.ones(4, np.int32), Ragged.of([[8], [], [2, 5], [1]])),
        cells=Cells(("pages", "search"), np.array([[1, -1], [0, 0], [-1, 1], [1, 1]], np.int8)),
        arrived=np.array([7, 8, 9, 6]),
    )
    return Uniform(CATALOG).decide(requests, np.random.default_rng(0))


def apart(decisions: Decisions) -> list[Decisions]:
    """The parts, as a log gives them: the members of each are its own, in an order of its own."""
    parts = [decisions.take(rows) for rows in PARTS]
    other = np.array([2, 0, 1], np.int32)  # the new place of each member
    people = People.of([FAMILY[1], FAMILY[2], FAMILY[0]])
    asked = parts[1].requests
    rows = Ragged(asked.together.people.offsets, other[asked.together.people.values])
    moved = replace(asked, people=people, members=other[asked.members], together=replace(asked.together, people=rows))
    return [parts[0], replace(parts[1], requests=moved), parts[2]]


def test_what_was_taken_apart_is_joined_to_the_same():
    whole = everything()
    joined = as_one(apart(whole))
    assert len(joined.requests.people) == 3, "a member is one row, whatever the number of parts"
    for b in range(4):
        assert orjson.dumps(record_of(joined, b)) == orjson.dumps(record_of(whole, b))


def test_parts_of_one_people_keep_it():
    whole = everything()
    assert as_one([whole.take(rows) for rows in PARTS]).requests.people is whole.requests.people


def test_every_choice_keeps_its_maker():
    first, second, third = apart(everything())
    other = replace(second, makers=(Maker("other"), *second.makers))
    other = replace(other, choices=replace(other.choices, makers=np.array([0, 1], np.int8)))
    joined = as_one([first, other, third])
    named = [joined.makers[k].policy for k in joined.choices.makers]
    assert named == [first.makers[0].policy, "other", *[first.makers[0].policy] * 2]


def test_parts_without_exclusions_or_experiments_have_none():
    first, second, third = apart(everything())
    bare = replace(second, requests=replace(second.requests, exclude=None, together=None, cells=None))
    late = Cells(("later", "pages"), np.array([[1, 0]], np.int8))
    third = replace(third, requests=replace(third.requests, cells=late))
    asked = as_one([first, bare, third]).requests
    assert [asked.exclude[b].tolist() for b in range(4)] == [[3, 1], [], [], [2]]
    assert [asked.together.people[b].tolist() for b in range(4)] == [[1], [], [], [0]]
    np.testing.assert_array_equal(asked.together.histories.items, [1, 4])
    assert asked.cells.names == ("pages", "search", "later")
    assert asked.cells.arms.tolist() == [[1, -1, -1], [-1, -1, -1], [-1, -1, -1], [0, -1, 1]]


def test_what_only_some_parts_are_asked_is_refused():
    first, second, third = apart(everything())
    bare = replace(second, requests=replace(second.requests, candidates=None))
    with pytest.raises(BadRequest, match="1 of 3 batches have no `candidates`"):
        as_one([first, bare, third])

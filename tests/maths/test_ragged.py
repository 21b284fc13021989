"""Ragged arrays: every operation says what a list of lists would."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matinee.maths.ragged import Ragged, gather, last_of_each, narrowed, offsets_of, transpose

LISTS = st.lists(st.lists(st.integers(0, 6), max_size=5), max_size=6)


def as_lists(ragged: Ragged) -> list[list[int]]:
    return [ragged[k].tolist() for k in range(len(ragged))]


@given(LISTS)
def test_packed_lists_come_back(lists):
    assert as_lists(Ragged.of(lists)) == lists
    assert Ragged.of(lists).offsets.tolist() == offsets_of([len(one) for one in lists]).tolist()


@given(LISTS, st.data())
def test_taking_is_choosing_lists_in_any_order_any_number_of_times(lists, data):
    rows = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=8) if lists else st.just([]))
    taken = Ragged.of(lists).take(np.array(rows, np.int64))
    assert as_lists(taken) == [lists[row] for row in rows]
    offsets, places = gather(Ragged.of(lists).offsets, np.array(rows, np.int64))
    assert offsets.tolist() == taken.offsets.tolist()
    assert Ragged.of(lists).values[places].tolist() == taken.values.tolist()


@given(LISTS)
def test_turning_round_twice_sorts_each_list(lists):
    ragged = Ragged.of(lists)
    assert as_lists(transpose(transpose(ragged, 7), len(lists))) == [sorted(one) for one in lists]
    holders = as_lists(transpose(ragged, 7))
    assert holders == [[k for k, one in enumerate(lists) for value in one if value == v] for v in range(7)]


@given(LISTS, st.integers(0, 2**30))
def test_narrowing_keeps_the_groups(lists, seed):
    ragged = Ragged.of(lists)
    kept = np.random.default_rng(seed).random(len(ragged.values)) < 0.5
    left = Ragged(narrowed(ragged.offsets, kept), ragged.values[kept])
    masks = np.split(kept, ragged.offsets[1:-1]) if lists else []
    expected = [[v for v, keep in zip(one, mask, strict=True) if keep] for one, mask in zip(lists, masks, strict=True)]
    assert as_lists(left) == expected


@given(LISTS, st.integers(0, 2**30))
def test_the_last_of_each_is_the_latest_that_counts(lists, seed):
    ragged = Ragged.of(lists)
    counts = np.random.default_rng(seed).random(len(ragged.values)) < 0.6
    found = last_of_each(ragged.offsets, ragged.values, counts)
    for start, end in zip(ragged.offsets[:-1], ragged.offsets[1:], strict=True):
        latest = {int(ragged.values[at]): at for at in range(start, end) if counts[at]}
        assert np.flatnonzero(found[start:end]).tolist() == sorted(at - start for at in latest.values())

"""The split in which titles are new: by hand, and its promises on random events."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.data.dataset import Dataset
from matinee.data.splits.new_titles import new_titles, unseen_titles
from matinee.errors import BadData, BadRequest
from matinee.testing.worlds import START, make_catalog, make_events

CATALOG = make_catalog(11)  # t10 is never watched
# m0 watches t0..t7 and, later, the new t9 and t8; m1 old ones only, the last after the cut; m2 begins with t8
EVENTS = make_events(
    [[0, 1, 2, 3, 4, 5, 6, 7, 9, 8], [0, 1, 2], [8, 0]],
    [[0, 1, 2, 3, 4, 5, 6, 7, 100, 200], [10, 20, 150], [120, 130]],
)


def dataset(events: pl.DataFrame, timed: bool = True) -> Dataset:
    return Dataset("toy", "none", CATALOG, {}, events, timed=timed)


def test_by_hand():
    split = unseen_titles(EVENTS, CATALOG, share=0.2)
    assert split.user_ids == ["m0", "m2"]
    assert split.as_of.tolist() == [(START + 100) * 10**6, (START + 120) * 10**6]
    assert [split.targets[b].tolist() for b in range(2)] == [[9, 8], [8]]
    assert [split.candidates[b].tolist() for b in range(2)] == [[8, 9], [8, 9]]
    assert split.train_events.height == 10  # m0's first eight and m1's first two
    assert [len(split.histories.take(np.array([b])).items) for b in range(2)] == [8, 0]


def test_validation_lies_before_the_cut():
    test, validation = (new_titles(dataset(EVENTS), part) for part in ("test", "validation"))
    assert test.candidates[0].tolist() == [8], "a tenth of ten titles that have events"
    assert validation.known_events["timestamp"].max() < test.known_events["timestamp"].max()
    assert validation.candidates[0].tolist() == [9]
    assert validation.train_events["timestamp"].max() < test.train_events["timestamp"].max()


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_a_share_without_sense_is_refused(share):
    with pytest.raises(BadRequest, match="share"):
        unseen_titles(EVENTS, CATALOG, share)


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(BadData, match="0 lie before"):
        unseen_titles(make_events([[0], [1]]), CATALOG, 0.5)
    with pytest.raises(BadData, match="0 events"):
        unseen_titles(make_events([]), CATALOG, 0.5)
    with pytest.raises(BadData, match="no times"):
        new_titles(dataset(EVENTS, timed=False))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50)), max_size=8), min_size=1, max_size=8),
    st.sampled_from([0.1, 0.3, 0.5, 0.9]),
)
def test_training_never_saw_a_target_and_every_history_is_the_past(members, share):
    events = make_events([[i for i, _ in one] for one in members], [[at for _, at in one] for one in members])
    try:
        split = unseen_titles(events, CATALOG, share)
    except BadData:
        return
    trained = set(CATALOG.indexes_of(split.train_events["item_id"]).tolist())
    new = set(split.candidates[0].tolist())
    watched = set(CATALOG.indexes_of(events["item_id"]).tolist())
    assert new.isdisjoint(trained)
    assert new | trained <= watched
    assert len(new) >= max(1, round(share * len(watched)))
    assert set(split.targets.values.tolist()) <= new
    assert split.train_events["timestamp"].cast(pl.Int64).max() < split.as_of.min()
    for b in range(len(split)):
        history = split.histories.take(np.array([b]))
        assert (history.times < split.as_of[b]).all()
        assert len(split.targets[b]) == len(set(split.targets[b].tolist())) > 0

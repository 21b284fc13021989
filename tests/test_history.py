"""Histories and tastes: the latest word on a title counts."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from matinee.catalog import Catalog
from matinee.data.histories import training_data
from matinee.events import DAY, SCHEMA, TIME, Kind
from matinee.history import SPEAKING, Histories, TrainingData
from matinee.maths.half_life import learned_half_life
from matinee.testing import checkerboard

EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 5), st.sampled_from(Kind), st.sampled_from([0.0, 0.05, 0.5, 0.6, 1.0])),
    max_size=40,
)


def histories(events: list[tuple[int, int, Kind, float]], batch: int = 5) -> Histories:
    ordered = sorted(enumerate(events), key=lambda pair: (pair[1][0], pair[0]))
    counts = np.bincount([event[0] for event in events], minlength=batch) if events else np.zeros(batch, int)
    return Histories(
        np.append(0, np.cumsum(counts)).astype(np.int64),
        np.array([event[1] for _, event in ordered], np.int32),
        np.array([event[2] for _, event in ordered], np.int8),
        np.array([event[3] for _, event in ordered], np.float32),
        np.array([at for at, _ in ordered], np.int64),
    )


@given(EVENTS)
def test_tastes_are_what_a_plain_loop_finds(events: list[tuple[int, int, Kind, float]]):
    tastes = histories(events).tastes
    for member in range(5):
        latest: dict[int, tuple[int, bool]] = {}
        for at, (who, item, kind, value) in enumerate(events):
            if who == member and kind in SPEAKING:
                likes = {Kind.PLAY: value >= 0.1, Kind.RATING: value >= 0.6, Kind.THUMBS_UP: True}.get(kind, False)
                latest[item] = (at, likes)
        expected = sorted((at, item) for item, (at, likes) in latest.items() if likes)
        mine = slice(tastes.offsets[member], tastes.offsets[member + 1])
        assert list(zip(tastes.times[mine], tastes.items[mine], strict=True)) == expected
        assert (tastes.weights[mine] == 1).all()


@given(EVENTS, st.lists(st.integers(0, 4), max_size=8))
def test_taking_rows_gives_those_rows(events: list[tuple[int, int, Kind, float]], rows: list[int]):
    whole = histories(events)
    taken = whole.take(np.array(rows, np.int64))
    for at, row in enumerate(rows):
        mine, theirs = slice(*taken.offsets[at : at + 2]), slice(*whole.offsets[row : row + 2])
        for name in ("items", "kinds", "values", "times", "countries", "devices"):
            assert getattr(taken, name)[mine].tolist() == getattr(whole, name)[theirs].tolist()


@given(EVENTS, st.data())
def test_keeping_some_events_leaves_every_member_those(events: list[tuple[int, int, Kind, float]], data: st.DataObject):
    whole = histories(events)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events))), np.bool_)
    left = whole.keep(mask)
    assert len(left) == len(whole)
    for member in range(5):
        mine, theirs = slice(*left.offsets[member : member + 2]), slice(*whole.offsets[member : member + 2])
        for name in ("items", "kinds", "values", "times", "countries", "devices"):
            assert getattr(left, name)[mine].tolist() == getattr(whole, name)[theirs][mask[theirs]].tolist()


def test_a_dislike_takes_a_like_back_and_a_play_restores_it():
    liked = histories([(0, 3, Kind.RATING, 1.0), (0, 3, Kind.DISMISS, 0.0)])
    restored = histories([(0, 3, Kind.RATING, 1.0), (0, 3, Kind.DISMISS, 0.0), (0, 3, Kind.PLAY, 0.9)])
    assert liked.tastes.items.tolist() == []
    assert restored.tastes.items.tolist() == [3]


def test_seed_histories_and_the_matrix():
    seeds = Histories.of_items([[2, 0], [], [1]])
    assert seeds.tastes.matrix(3).toarray().tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert len(Histories.empty(4)) == 4
    assert Histories.empty(4).tastes.lengths.tolist() == [0, 0, 0, 0]


def test_the_matrix_of_training_data_has_members_by_titles():
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": ["a", "b"]}))
    frame = pl.DataFrame(
        {
            "event_id": ["1", "2"],
            "user_id": ["z", "y"],
            "item_id": ["b", "a"],
            "kind": "play",
            "value": 1.0,
            "timestamp": 5,
        }
    ).with_columns(pl.col("timestamp").cast(SCHEMA["timestamp"]))
    frame = frame.with_columns(pl.lit(None, SCHEMA[name]).alias(name) for name in SCHEMA if name not in frame.columns)
    data = training_data(frame, catalog, as_of=6)
    assert data.user_ids == ["y", "z"]
    assert data.matrix.toarray().tolist() == [[1, 0], [0, 1]]


def test_the_data_of_some_members_is_what_these_alone_would_have_given():
    data = checkerboard(members=6)
    ids = data.user_ids
    some = data.of_members(np.array([1, 4]))
    alone = training_data(data.events.filter(pl.col("user_id").is_in([ids[1], ids[4]])), data.catalog, data.as_of)
    assert some.user_ids == alone.user_ids == [ids[1], ids[4]]
    assert some.events.equals(alone.events)
    assert (some.matrix != alone.matrix).nnz == 0
    assert data.of_members(np.array([4, 1])).user_ids == [ids[4], ids[1]]
    nobody = data.of_members(np.empty(0, np.int64))
    assert (nobody.events.height, len(nobody.histories)) == (0, 0)


def test_the_half_life_is_learned_from_the_likes_in_the_order_of_their_times():
    """4,000 likes of 400 members over 200 days, and what is liked turns every 8; a title taken back says nothing."""
    rng = np.random.default_rng(0)
    days = rng.uniform(0, 200, 4_000)
    items = ((days // 8) * 7 % 30 + rng.integers(0, 3, 4_000)).astype(np.int32)
    members = np.sort(rng.integers(0, 400, 4_000))
    order = np.lexsort((days, members))
    offsets = np.searchsorted(members, np.arange(401)).astype(np.int64)
    kinds = np.full(4_000, Kind.THUMBS_UP, np.int8)
    kinds[order % 5 == 0] = Kind.THUMBS_DOWN
    times = ((days + 20_000) * DAY).astype(np.int64)[order]
    ours = Histories(offsets, items[order], kinds, np.zeros(4_000, np.float32), times)
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": [str(item) for item in range(40)]}))
    events = pl.DataFrame(
        {
            "user_id": [f"{member:03}" for member in members],
            "item": ours.items,
            "kind": [Kind(kind).name.lower() for kind in kinds],
            "value": np.ones(4_000),
            "timestamp": pl.Series(times).cast(TIME),
            "received": pl.Series([None] * 4_000, dtype=TIME),
        }
    ).with_columns(received=pl.lit(None, TIME))
    data = TrainingData(catalog, events, [f"{member:03}" for member in range(400)], ours, int(times.max()) + 1)
    latest: dict[tuple[int, int], tuple[int, int]] = {}
    for owner, item, kind, time in zip(members, ours.items, kinds, times, strict=True):
        latest[int(owner), int(item)] = (int(time), int(kind))
    likes = sorted((time, owner, item) for (owner, item), (time, kind) in latest.items() if kind == Kind.THUMBS_UP)
    at, owners, liked = (np.array(column) for column in zip(*likes, strict=True))
    assert data.half_life_days == learned_half_life(owners, liked.astype(np.int32), at / DAY, 40)
    assert data.half_life_days is not None
    assert data.half_life_days <= 8


def test_joined_parts_are_the_whole():
    whole = Histories.of_items([[4, 1], [], [2], [0, 3, 1]])
    parts = [whole.take(np.array(rows, np.int64)) for rows in ([0, 1], [2], [], [3])]
    again = Histories.joined(parts)
    assert again.offsets.tolist() == [0, 2, 2, 3, 6]
    assert again.items.tolist() == [4, 1, 2, 0, 3, 1]
    assert again.digests().tolist() == whole.digests().tolist()

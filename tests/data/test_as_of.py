"""Nothing known only at or after a moment enters what is read as of it: histories, training data, log, splits."""

import itertools
from dataclasses import fields
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.histories import histories_of, training_data
from matinee.data.log import EventLog
from matinee.data.splits.split import Split, global_time, leave_last_out
from matinee.errors import BadData, BadRequest
from matinee.events import CLEARS, KIND_NAMES, NEEDS_TITLE, SCHEMA, Kind
from matinee.history import Histories

CATALOG = Catalog.from_frame(pl.DataFrame({"item_id": [f"t{n}" for n in range(6)]}))
MEMBERS = ["ann", "bob", "cid", "dee"]
DAY = 86_400_000_000
EVENT = st.tuples(
    st.sampled_from([*MEMBERS, "eve"]),
    st.sampled_from([*CATALOG.item_ids, "unknown"]),
    st.sampled_from([name for name in KIND_NAMES if name not in CLEARS]),
    st.integers(0, 9),
    st.sampled_from([0.0, 0.3, 0.8, 1.0]),
)
EVENTS = st.lists(EVENT, max_size=25)


def frame_of(rows: list[tuple], unit: int = DAY // 3, prefix: str = "e") -> pl.DataFrame:
    """Rows (member, title, kind, tick, value) as events, in this order."""
    given = pl.DataFrame(
        [(f"{prefix}{at}", *row) for at, row in enumerate(rows)],
        ["event_id", "user_id", "item_id", "kind", "timestamp", "value"],
        orient="row",
        schema_overrides={"timestamp": pl.Int64},
    )
    if not rows:
        return pl.DataFrame(schema=SCHEMA)
    given = given.with_columns((pl.col("timestamp") * unit).cast(SCHEMA["timestamp"]))
    return given.select(
        [(pl.col(n) if n in given.columns else pl.lit(None)).cast(t).alias(n) for n, t in SCHEMA.items()]
    )


def same(one: Histories, two: Histories) -> bool:
    return all(getattr(one, column.name).tolist() == getattr(two, column.name).tolist() for column in fields(Histories))


@given(EVENTS, EVENTS, st.integers(0, 9), st.randoms(use_true_random=False))
def test_histories_and_training_data_know_only_what_came_before(
    rows: list[tuple], others: list[tuple], tick: int, random
):
    """The future is replaced by another, mixed in at random places; nothing may change."""
    past = [row for row in rows if row[3] < tick]
    for _ in range(2):
        mixed = list(past)
        for other in others:
            moved = (*other[:3], other[3] + tick, other[4])
            mixed.insert(random.randint(0, len(mixed)), moved)
        moment = tick * (DAY // 3)
        whole, known = frame_of(mixed), frame_of(past)
        assert same(histories_of(whole, MEMBERS, CATALOG, moment), histories_of(known, MEMBERS, CATALOG, moment))
        seen, expected = training_data(whole, CATALOG, moment), training_data(known, CATALOG, moment)
        assert seen.user_ids == expected.user_ids
        assert seen.events.drop("event_id").equals(expected.events.drop("event_id"))
        assert same(seen.histories, expected.histories)


@given(EVENTS, st.lists(st.tuples(st.sampled_from([*MEMBERS, "nobody"]), st.integers(0, 10)), max_size=8))
def test_a_history_is_what_a_plain_loop_collects(rows: list[tuple], asked: list[tuple[str, int]]):
    moments = np.array([tick * (DAY // 3) for _, tick in asked], np.int64)
    found = histories_of(frame_of(rows), [who for who, _ in asked], CATALOG, moments)
    assert len(found) == len(asked)
    for b, (who, tick) in enumerate(asked):
        mine = [row for row in rows if row[0] == who and row[3] < tick and row[1] in CATALOG.index]
        mine = sorted((row for row in mine if row[2] in NEEDS_TITLE), key=lambda row: row[3])
        part = slice(found.offsets[b], found.offsets[b + 1])
        assert found.items[part].tolist() == [CATALOG.index[row[1]] for row in mine]
        assert found.kinds[part].tolist() == [KIND_NAMES.index(row[2]) for row in mine]
        assert found.times[part].tolist() == [row[3] * (DAY // 3) for row in mine]
        np.testing.assert_allclose(found.values[part], [row[4] for row in mine], rtol=1e-6)


def test_what_was_taken_back_counts_until_then_and_never_after():
    kinds = ["thumbs_up", "dismiss", "play", "thumbs_clear", "dismiss_clear", "play_clear", "thumbs_down"]
    rows = [("ann", "t1", kind, tick, 0.8) for tick, kind in enumerate(kinds)]
    rows.insert(3, ("ann", "t2", "thumbs_up", 3, 0.0))
    moments = np.array([3, 4, 5, 6, 9], np.int64) * (DAY // 3)
    found = histories_of(frame_of(rows), ["ann"] * 5, CATALOG, moments)
    kept = [found.kinds[a:b].tolist() for a, b in itertools.pairwise(found.offsets)]
    up, down, dismiss, play = Kind.THUMBS_UP, Kind.THUMBS_DOWN, Kind.DISMISS, Kind.PLAY
    assert kept == [[up, dismiss, play], [dismiss, play, up], [play, up], [up], [up, down]]


def test_one_moment_for_all_or_one_each_and_nothing_between():
    with pytest.raises(BadRequest, match="2 members"):
        histories_of(frame_of([]), ["a", "b"], CATALOG, np.zeros(3, np.int64))


def test_many_members_at_once_are_the_same_as_one_by_one(ml100k: Dataset):
    users = list(ml100k.profiles)
    moments = np.random.default_rng(1).choice(ml100k.events["timestamp"].cast(pl.Int64).to_numpy(), len(users))
    together = histories_of(ml100k.events, users, ml100k.catalog, moments)
    for b in range(0, len(users), 37):
        alone = histories_of(ml100k.events, [users[b]], ml100k.catalog, int(moments[b]))
        assert same(alone, together.take(np.array([b])))


@settings(max_examples=12)
@given(rows=EVENTS, others=EVENTS, tick=st.integers(0, 9))
def test_the_log_read_as_of_a_time_knows_only_what_came_before(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple], others: list[tuple], tick: int
):
    past = frame_of([row for row in rows if row[3] < tick])
    future = frame_of([(*row[:3], row[3] + tick, row[4]) for row in others], prefix="f")
    with EventLog(tmp_path_factory.mktemp("log") / "events.db") as log:
        log.import_events(future)
        log.import_events(past)
        for sealed_until in (None, date(1970, 1, 3)):
            if sealed_until:
                log.seal(sealed_until)
            seen = log.read(tick * (DAY // 3))
            assert seen.equals(past.sort("timestamp", "event_id"))


@given(EVENTS)
def test_leaving_the_last_out_cuts_each_member_before_the_target(rows: list[tuple]):
    frame = frame_of(rows)
    split = leave_last_out(frame, CATALOG)
    history = histories_of(split.train_events, split.user_ids, CATALOG, split.as_of)
    for b, who in enumerate(split.user_ids):
        mine = [at for at, row in enumerate(rows) if row[0] == who and row[1] in CATALOG.index]
        mine = sorted(mine, key=lambda at: (rows[at][3], at))
        likes = first_likes(rows, mine)
        assert [CATALOG.item_ids[item] for item in split.targets[b]] == [rows[likes[-1]][1]]
        before = [at for at in mine[: mine.index(likes[-1])] if rows[at][2] in NEEDS_TITLE]
        assert history.items[history.offsets[b] : history.offsets[b + 1]].tolist() == [
            CATALOG.index[rows[at][1]] for at in before
        ]
        assert split.warm[b] == bool(before)
    likers = {row[0] for row in rows if likes_title(row)}
    assert set(split.user_ids) == likers


def likes_title(row: tuple) -> bool:
    strong = {"play": row[4] >= 0.1, "rating": row[4] >= 0.6, "thumbs_up": True}.get(row[2], False)
    return strong and row[1] in CATALOG.index


def first_likes(rows: list[tuple], ordered: list[int]) -> list[int]:
    seen: dict[str, int] = {}
    for at in ordered:
        if likes_title(rows[at]):
            seen.setdefault(rows[at][1], at)
    return list(seen.values())


@given(EVENTS, st.sampled_from([0.1, 0.3, 0.5, 0.9]))
def test_a_cut_in_time_trains_on_what_came_before_and_asks_for_what_is_new_after(rows: list[tuple], share: float):
    try:
        split = global_time(frame_of(rows), CATALOG, share)
    except BadData:
        return
    titled = [row for row in rows if row[1] in CATALOG.index and row[2] in NEEDS_TITLE]
    ticks = sorted(row[3] for row in titled)
    cut = ticks[int(len(ticks) * (1.0 - share))]
    assert split.train_events.height == sum(row[3] < cut for row in titled)
    assert (split.as_of == cut * (DAY // 3)).all()
    assert split.train_events["timestamp"].cast(pl.Int64).max() < cut * (DAY // 3)
    for b, who in enumerate(split.user_ids):
        liked_before = {row[1] for row in titled if row[0] == who and row[3] < cut and likes_title(row)}
        liked_after = {row[1] for row in titled if row[0] == who and row[3] >= cut and likes_title(row)}
        assert {CATALOG.item_ids[item] for item in split.targets[b]} == liked_after - liked_before
        assert len(split.targets[b]) == len(liked_after - liked_before) > 0
        assert split.warm[b] == any(row[0] == who and row[3] < cut for row in titled)


@given(EVENTS, st.randoms(use_true_random=False))
def test_what_happens_after_the_cut_does_not_change_what_is_trained_on(rows: list[tuple], random):
    """Same times, other members, titles, kinds and values after the cut: the training events are the same."""
    rows = [row for row in rows if row[1] in CATALOG.index and row[2] in NEEDS_TITLE]
    try:
        split = global_time(frame_of(rows), CATALOG, 0.4)
    except BadData:
        return
    cut = max((row[3] for row in rows if row[3] * (DAY // 3) < cut_of(split)), default=-1)
    other = [
        row if row[3] <= cut else ("new", random.choice(CATALOG.item_ids), random.choice(KIND_NAMES[:9]), row[3], 1.0)
        for row in rows
    ]
    if len(split):
        assert global_time(frame_of(other), CATALOG, 0.4).train_events.equals(split.train_events)


def cut_of(split: Split) -> int:
    return int(split.as_of[0]) if len(split) else 0


def test_splits_of_movielens_have_the_sizes_that_counting_gives(ml100k: Dataset):
    last, cut = leave_last_out(ml100k.events, ml100k.catalog), global_time(ml100k.events, ml100k.catalog)
    liking = ml100k.events.filter(pl.col("value") >= 0.6)
    assert len(last) == liking["user_id"].n_unique() == 943
    assert len(last.targets.values) == 943
    assert last.warm.all()
    moment = datetime.fromtimestamp(cut.as_of[0] / 1e6, UTC)
    assert cut.train_events.height == ml100k.events.filter(pl.col("timestamp") < moment).height == 90_000
    assert len(cut.targets.values) == liking.filter(pl.col("timestamp") >= moment).height
    assert 0 < cut.warm.sum() < len(cut)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_share_outside_of_zero_to_one_is_refused(share: float):
    with pytest.raises(BadRequest, match="share"):
        global_time(frame_of([]), CATALOG, share)


def test_events_of_one_moment_cannot_be_cut():
    with pytest.raises(BadData, match="before the cut"):
        global_time(frame_of([("ann", "t1", "play", 3, 1.0), ("bob", "t1", "play", 3, 1.0)]), CATALOG)

"""Splits in which the moment counts: own times know nothing later, shown lists keep members apart."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from matinee.data.dataset import Dataset, profiles_of
from matinee.data.sources import ranklens
from matinee.data.splits.moments import MOST_MOMENTS, own_times, shown_lists, time_split
from matinee.data.splits.split import global_time
from matinee.decision import Context
from matinee.errors import BadData
from matinee.events import clean
from matinee.testing.worlds import START, make_catalog, make_events


@pytest.fixture
def world():
    """40 members like 10 titles each, some at the same second, over two days."""
    rng = np.random.default_rng(0)
    likes = [rng.permutation(50)[:10].tolist() for _ in range(40)]
    seconds = [sorted((rng.integers(0, 48, 10) * 3_600).tolist()) for _ in range(40)]
    events = make_events(likes, seconds).with_columns(pl.lit("DK").alias("country"), pl.lit("tv").alias("device"))
    return Dataset("toy", "none", make_catalog(50), profiles_of(events), events)


def test_own_times_ask_when_it_happened_and_know_nothing_later(world):
    split, cut = own_times(world), global_time(world.events, world.catalog)
    moment = int(cut.as_of[0])
    assert split.train_events.equals(cut.train_events)
    expected = world.events.filter(pl.col("timestamp").cast(pl.Int64) >= moment)
    assert {(u, int(t)) for u, t in zip(split.user_ids, split.as_of, strict=True)} == set(
        expected.select("user_id", pl.col("timestamp").cast(pl.Int64)).iter_rows()
    )
    for b, user in enumerate(split.user_ids):
        mine = world.events.filter(user_id=user)
        times = mine["timestamp"].cast(pl.Int64)
        now = {f"t{i}" for i in split.targets[b]}
        assert now == set(mine.filter(times == split.as_of[b])["item_id"])
        before = split.histories.take(np.array([b])).items
        assert {f"t{i}" for i in before} == set(mine.filter(times < split.as_of[b])["item_id"])


def test_requests_carry_the_situation_of_the_answer(world):
    split = own_times(world)
    moment = datetime.fromtimestamp(split.as_of[0] / 1e6, ZoneInfo("Europe/Copenhagen"))
    assert split.situations.context(0) == Context("DK", "tv", None, moment.hour, moment.weekday())


def test_a_member_asks_at_most_so_often():
    likes = [list(range(60)), [0]]
    events = make_events(likes, [list(range(0, 60 * 3_600, 3_600)), [0]])
    split = own_times(Dataset("toy", "none", make_catalog(60), profiles_of(events), events))
    assert len(split) == min(MOST_MOMENTS, 7)


def test_validation_lies_before_the_test(world):
    for cut in (time_split, own_times):
        test, validation = cut(world), cut(world, "validation")
        start = int(test.as_of.min())
        assert validation.as_of.max() < start
        assert validation.train_events["timestamp"].cast(pl.Int64).max() < validation.as_of.min()


def test_an_order_is_no_time(world):
    for cut in (time_split, own_times):
        with pytest.raises(BadData, match="no times"):
            cut(replace(world, timed=False))


@pytest.fixture
def shown():
    """20 members see three lists of four; the first title of each is liked, of every third list none or all are."""
    rng = np.random.default_rng(1)
    rows = []
    for member in range(20):
        for at in range(3):
            titles = rng.permutation(30)[:4]
            base = (f"m{member}", f"d{member}-{at}", START + 60 * at)
            likes = [titles[:1], titles[:2], titles[:0] if member % 2 else titles][at]
            rows += [(*base, f"t{item}", "impression") for item in titles]
            rows += [(*base, f"t{item}", "thumbs_up") for item in likes]
    frame = pl.DataFrame(rows, ["user_id", "decision_id", "timestamp", "item_id", "kind"], orient="row")
    events = clean(frame.with_row_index("event_id").with_columns(pl.col("event_id").cast(pl.String)))[0]
    return Dataset("shown", "none", make_catalog(30), profiles_of(events), events)


def test_lists_of_held_out_members_are_asked_about_and_nobody_elses(shown):
    test, validation = shown_lists(shown), shown_lists(shown, "validation")
    assert len(set(test.user_ids)) == len(set(validation.user_ids)) == 4
    assert not set(test.user_ids) & set(validation.user_ids)
    assert set(test.train_events["user_id"]) == set(shown.profiles) - set(test.user_ids)
    assert set(validation.train_events["user_id"]) == set(shown.profiles) - set(test.user_ids) - set(
        validation.user_ids
    )
    assert len(test) == 8  # two lists each: the third says nothing about order


def test_the_candidates_are_what_was_shown_and_earlier_lists_are_the_history(shown):
    split = shown_lists(shown)
    for b, user in enumerate(split.user_ids):
        now = shown.events.filter(pl.col("timestamp").cast(pl.Int64) == split.as_of[b], user_id=user)
        named = {kind: set(now.filter(kind=kind)["item_id"]) for kind in ("impression", "thumbs_up")}
        assert {f"t{i}" for i in split.candidates[b]} == named["impression"]
        assert {f"t{i}" for i in split.targets[b]} == named["thumbs_up"]
        times = split.histories.take(np.array([b])).times
        assert (times < split.as_of[b]).all()
        assert len(times) == (0 if split.as_of[b] == START * 1_000_000 else 5)


def test_data_without_lists_are_refused(world):
    with pytest.raises(BadData, match="decision_id"):
        shown_lists(world)


RANKLENS = Path(__file__).parents[3] / "shared" / "data" / "ranklens"


@pytest.mark.shared
@pytest.mark.skipif(not RANKLENS.is_dir(), reason="RankLens is not beside this checkout")
def test_the_lists_of_ranklens():
    """9,800 lists of 24 titles (a few twice) by 2,145 members; with no like or only likes they say nothing of order."""
    data = ranklens.read(RANKLENS)
    test, validation = shown_lists(data), shown_lists(data, "validation")
    assert len(set(test.user_ids)) + len(set(validation.user_ids)) <= 2 * int(0.2 * 2_145)
    for split in (test, validation):
        assert 0.15 * 9_800 < len(split) < 0.25 * 9_800
        lengths = np.diff(split.candidates.offsets)
        assert lengths.max() == 24
        assert lengths.mean() > 23.9
        assert 0.1 < len(split.targets.values) / len(split.candidates.values) < 0.3

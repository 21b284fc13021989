"""Splits of the literature: counted by hand, nothing of the test in what is fitted, and the published sizes."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from matinee.data.dataset import Dataset, Questions, profiles_of
from matinee.data.splits import published as split_published
from matinee.data.splits.published import Form, binarised, ncf, next_item, next_item_refitted, strong
from matinee.errors import BadData, BadRequest
from matinee.maths.ragged import Ragged
from matinee.testing.worlds import make_catalog, make_events


def world(likes, **more):
    events = make_events(likes)
    titles = 1 + max(item for one in likes for item in one)
    return Dataset("toy", "none", make_catalog(titles), profiles_of(events), events, **more)


def history(split, b):
    return split.histories.take(np.array([b])).items.tolist()


def learned(split):
    return set(zip(split.train_events["user_id"], split.train_events["item_id"], strict=True))


def answers(split):
    return {(user, split.catalog.item_ids[i]) for b, user in enumerate(split.user_ids) for i in split.targets[b]}


def test_next_item_takes_the_last_for_the_test_and_the_one_before_for_validation():
    data = world([[3, 1, 2], [0, 3, 1, 2]])
    test, validation = next_item(data), next_item(data, "validation")
    assert [test.targets[b].tolist() for b in (0, 1)] == [[2], [2]]
    assert [history(test, b) for b in (0, 1)] == [[3, 1], [0, 3, 1]]
    assert [validation.targets[b].tolist() for b in (0, 1)] == [[1], [1]]
    assert [history(validation, b) for b in (0, 1)] == [[3], [0, 3]]
    assert validation.train_events.height == test.train_events.height == 3
    refitted = next_item_refitted(data)
    assert refitted.train_events.height == 5
    assert refitted.targets.values.tolist() == test.targets.values.tolist()
    assert history(refitted, 1) == history(test, 1)


def test_next_item_asks_for_badly_rated_titles_too():
    data = world([[0, 1, 2]])
    rated = data.events.with_columns(pl.lit("rating").alias("kind"), pl.Series("value", [1.0, 0.8, 0.2]))
    split = next_item(replace(data, events=rated))
    assert split.targets[0].tolist() == [2]
    assert set(split.train_events["kind"]) == {"play"}


def test_binarising_keeps_ratings_from_the_least_on():
    events = make_events([[0, 1, 2, 3]]).with_columns(
        pl.Series("kind", ["rating", "rating", "play", "open"]), pl.Series("value", [0.6, 0.8, 0.5, 0.0])
    )
    assert binarised(events)["item_id"].to_list() == ["t0", "t1", "t2"]
    assert binarised(events, 0.8)["item_id"].to_list() == ["t1", "t2"]
    assert set(binarised(events)["value"]) == {1.0}


def test_ncf_asks_the_published_questions_and_hides_their_answers():
    questions = Questions(["m0", "m1"], ["t2", "t0"], Ragged.of([[2, 3], [3, 0]]))
    data = world([[0, 1, 2], [0, 1], [3]], questions=questions)
    split = ncf(data)
    assert learned(split) == {("m0", "t0"), ("m0", "t1"), ("m1", "t1"), ("m2", "t3")}
    assert [split.targets[b].tolist() for b in (0, 1)] == [[2], [0]]
    assert [split.candidates[b].tolist() for b in (0, 1)] == [[2, 3], [3, 0]]
    assert history(split, 1) == [1]


def test_ncf_validation_draws_other_questions_from_what_is_left():
    rng = np.random.default_rng(0)
    likes = [rng.permutation(300)[:20].tolist() for _ in range(30)]
    questions = Questions([f"m{k}" for k in range(30)], [f"t{one[0]}" for one in likes], Ragged.of([[0, 1]] * 30))
    data = world([*likes, list(range(300))], questions=questions)
    split = ncf(data, "validation")
    assert len(split) == 30  # who knows every title has no other to choose from
    assert not answers(split) & answers(ncf(data))
    assert not answers(split) & learned(split)
    for b, user in enumerate(split.user_ids):
        candidates, known = split.candidates[b], {int(t[1:]) for u, t in learned(split) if u == user}
        assert len(set(candidates.tolist())) == 100
        assert set(split.targets[b].tolist()) <= set(candidates.tolist())
        assert not set(candidates.tolist()) & known
    assert ncf(data, "validation").candidates.values.tolist() == split.candidates.values.tolist()


def test_ncf_needs_questions():
    with pytest.raises(BadData, match="without test questions"):
        ncf(world([[0, 1]]))


def strong_world(members=90, titles=40):
    rng = np.random.default_rng(3)
    return world([rng.permutation(titles)[: rng.integers(2, 15)].tolist() for _ in range(members)])


def test_strong_generalization_fits_no_event_of_those_who_ask():
    data = strong_world()
    test, validation = strong(data), strong(data, "validation")
    able = data.events["user_id"].value_counts().filter(pl.col("count") >= 5).height
    askers = [set(test.user_ids), set(validation.user_ids), set(test.train_events["user_id"])]
    assert sum(map(len, askers)) == len(set().union(*askers))
    assert len(askers[2]) == able - 2 * (able // 6)
    assert test.train_events.equals(validation.train_events)
    assert set(test.catalog.item_ids) == set(test.train_events["item_id"])


def test_strong_generalization_gives_four_fifths_and_asks_for_one():
    data = strong_world()
    known = {user: set(items) for user, items in data.events.group_by("user_id").agg("item_id").iter_rows()}
    for split in (strong(data), strong(data, "validation")):
        for b, user in enumerate(split.user_ids):
            given = {split.catalog.item_ids[i] for i in history(split, b)}
            asked = {split.catalog.item_ids[i] for i in split.targets[b]}
            assert not given & asked
            assert given | asked == known[user] & set(split.catalog.item_ids)
            assert len(asked) == int(0.2 * len(given | asked)) > 0


def test_badly_rated_titles_count_in_small_data_unless_told_otherwise():
    data = strong_world()
    stars = pl.Series("value", np.random.default_rng(0).choice([0.4, 0.8], data.events.height))
    rated = replace(data, events=data.events.with_columns(pl.lit("rating").alias("kind"), stars))
    every, good = strong(rated), strong(rated, least=0.8, held_out=5)
    assert every.train_events.height == strong(data).train_events.height
    known = {(user, item): star for user, item, star in rated.events.select("user_id", "item_id", "value").iter_rows()}
    assert {known[pair] for pair in learned(good) | answers(good)} == {0.8}


def test_strong_generalization_keeps_titles_of_enough_members_and_then_members_of_enough_titles(monkeypatch):
    """The form of MSD in small: first titles of fewer than 20 members go, then members of fewer than 6 of the rest."""
    monkeypatch.setattr(split_published, "FORMS", (Form(1, 3, members=20, titles=6),))
    data = strong_world()
    likes = set(zip(data.events["user_id"], data.events["item_id"], strict=True))
    common = {title for _, title in likes if sum(other == title for _, other in likes) >= 20}
    left = {(user, title) for user, title in likes if title in common}
    able = {user for user, _ in left if sum(other == user for other, _ in left) >= 6}
    assert 0 < len(common) < 40
    test, validation = strong(data), strong(data, "validation")
    assert set(test.train_events["item_id"]) <= common
    assert len(set(test.user_ids)) == len(set(validation.user_ids)) == 3
    assert set(test.train_events["user_id"]) | set(test.user_ids) | set(validation.user_ids) == able


@pytest.mark.parametrize(
    ("members", "form"),
    [(571_355, (50_000, 0.8, 200, 20)), (480_189, (40_000, 0.8, 1, 5)), (138_493, (10_000, 0.8, 1, 5))],
)
def test_the_published_forms_are_told_by_the_number_of_members(members, form):
    """MSD (all plays, so no rating is left out), Netflix and MovieLens 20M, as in Liang et al.'s code and paper."""
    found = split_published._form(members)
    assert (found.held_out, found.least, found.members, found.titles) == form


def test_strong_generalization_needs_members_to_hold_out():
    with pytest.raises(BadRequest, match="held out"):
        strong(world([[0, 1, 2, 3, 4]]))
    with pytest.raises(BadRequest, match="held out"):
        strong(strong_world(), held_out=60)


def test_held_out_members_are_as_many_as_published():
    data = strong_world(members=40)
    one = data.events.filter(pl.col("user_id") == data.events["user_id"].mode()[0])
    for members, held in ((5_999, 1_000), (600, 100)):
        many = one.join(pl.DataFrame({"_k": range(members)}), how="cross").with_columns(
            pl.format("u{}", "_k").alias("user_id"), pl.format("{}-{}", "event_id", "_k").alias("event_id")
        )
        split = strong(replace(data, events=many.drop("_k").head(members * one.height)))
        assert split.train_events["user_id"].n_unique() == members - 2 * held

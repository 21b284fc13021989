"""The hybrid ranker: its folds hide the answers, candidates stand above the rest, it learns whom to believe."""

from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from matinee.decision import Context, Requests
from matinee.errors import ArtifactRefused, BadRequest
from matinee.history import Histories
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease
from matinee.models.markov import Markov
from matinee.models.popularity import Popularity
from matinee.models.ranking.features import ABOUT_TITLES, Candidates, TitleFacts
from matinee.models.ranking.folds import Labels, hold_out
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.ranking.trees import TreesConfig
from matinee.testing import check_scorer, checkerboard, cyclic
from matinee.testing.worlds import START, make_catalog, make_data, make_events

SMALL = TreesConfig(rounds=30, patience=5, least=20, leaves=4, threads=1)


def two(config=RankerConfig()):
    return Ranker(config, (("ease", Ease()), ("markov", Markov())))


def chains(members=400, titles=30, length=5, seed=0):
    """After i comes i + 1, except that one step in five goes anywhere."""
    rng = np.random.default_rng(seed)
    likes = []
    for _ in range(members):
        one = [int(rng.integers(titles))]
        while len(one) < length:
            step = (one[-1] + 1) % titles if rng.random() < 0.8 else int(rng.integers(titles))
            if step not in one:
                one.append(step)
        likes.append(one)
    return make_data(make_events(likes), make_catalog(titles))


def test_keeps_the_contract():
    check_scorer(two)


def test_keeps_the_contract_with_trees():
    check_scorer(lambda: two(RankerConfig(enough=10, trees=TreesConfig(rounds=5, least=5, leaves=3, threads=1))))


def test_any_scorers_may_be_components():
    fitted = Ranker(RankerConfig(), (("a", Factors(FactorsConfig(size=4))), ("b", Popularity()))).fit(
        checkerboard(), np.random.default_rng(0)
    )
    assert fitted.score(Requests.of_histories(Histories.of_items([[0, 2]]))).shape == (1, 12)


@pytest.mark.parametrize("labels", list(Labels))
def test_what_is_asked_for_is_hidden_from_the_first_stage(labels):
    data = chains(60)
    fold = hold_out(data, labels, 0.3, np.random.default_rng(0))
    assert len(fold.requests) == len(fold.targets) > 0
    for b in range(len(fold.requests)):
        mine = slice(*fold.requests.histories.offsets[b : b + 2])
        assert not set(fold.targets[b]) & set(fold.requests.histories.items[mine])
    assert fold.data.events.height < data.events.height
    total = sum(len(fold.targets[b]) for b in range(len(fold.requests)))
    if labels is Labels.LAST:
        assert fold.data.events.height == data.events.height - len(data.user_ids)
        assert total == len(data.user_ids)
    if labels is Labels.MEMBERS:
        assert len(fold.data.user_ids) == 60 - 18


def test_what_is_recent_at_the_cut_in_time_is_recent_to_the_second_stage():
    """Ten members like a title a day, sixty days long: the cut lies six days before the end."""
    rng = np.random.default_rng(0)
    days = [sorted(rng.permutation(60 * 24)[:60] * 3_600) for _ in range(10)]
    likes = [rng.permutation(80)[:60].tolist() for _ in range(10)]
    data = make_data(make_events(likes, days), make_catalog(80))
    fold = hold_out(data, Labels.TIME, 0.2, np.random.default_rng(0))
    assert fold.data.as_of == int(fold.requests.times.min())
    facts, count = TitleFacts.fit(fold.data), fold.data.events.height
    everything = Candidates(np.array([0, 80]), np.arange(80))
    features = facts.features(fold.requests.take(np.array([0])), everything)
    for name, window in (("likes_1d", 1), ("likes_7d", 7)):
        mean = np.expm1(features[:, ABOUT_TITLES.index(name)]).mean()
        # as many likes in the window as in any other of its length, give or take four times their root
        expected = count * window / 54
        assert abs(mean * 80 - expected) < 4 * expected**0.5


def test_labels_of_the_last_titles_are_the_last_titles():
    data = make_data(make_events([[0, 1, 2], [3, 4]]), make_catalog(5))
    fold = hold_out(data, Labels.LAST, 0.2, np.random.default_rng(0))
    assert [fold.targets[b].tolist() for b in range(2)] == [[2], [4]]
    assert fold.requests.histories.items.tolist() == [0, 1, 3]


@pytest.mark.parametrize("labels", list(Labels))
@pytest.mark.parametrize("likes", [[], [[0]], [[0], [1]], [[0, 1]]])
def test_with_few_answers_it_is_the_blend(labels, likes):
    data = make_data(make_events(likes), make_catalog(4))
    fitted = two(RankerConfig(labels=labels)).fit(data, np.random.default_rng(0))
    assert len(fitted._state().trees) == 0
    assert fitted.score(Requests.of_histories(Histories.of_items([[0], []]))).shape == (2, 4)


def test_events_of_one_moment_leave_nothing_to_ask_in_time():
    data = make_data(make_events([[k % 5] for k in range(50)]), make_catalog(5))
    assert len(hold_out(data, Labels.TIME, 0.2, np.random.default_rng(0)).requests) == 0


def asked_in(labels, likes, seconds, **context):
    events = make_events(likes, seconds).with_columns(**context)
    fold = hold_out(make_data(events, make_catalog(8)), labels, 0.99, np.random.default_rng(0))
    return [fold.requests.situations.context(b) for b in range(len(fold.requests))]


@pytest.mark.parametrize("labels", list(Labels))
def test_requests_are_made_where_and_when_the_answer_was_liked(labels):
    hours = [
        [3_600 * (24 * day + 2 * k) for day in range(5)] for k in range(6)
    ]  # member k at 23:13 and 2k hours in Denmark
    device = pl.when(pl.col("user_id") < "m3").then(pl.lit("tv")).otherwise(pl.lit("phone"))
    found = asked_in(labels, [[0, 1, 2, 3, 4]] * 6, hours, country=pl.lit("DK"), device=device)
    assert found
    assert {one.country for one in found} == {"DK"}
    for one in found:
        k = (one.hour - 23) % 24 // 2
        assert one.device == ("tv" if k < 3 else "phone")
    if labels is Labels.LAST:  # the fifth day, a Saturday, or the Sunday after its midnight
        assert [(one.hour, one.weekday) for one in found] == [(23, 5), (1, 6), (3, 6), (5, 6), (7, 6), (9, 6)]


@pytest.mark.parametrize("labels", list(Labels))
def test_times_that_only_count_tell_no_hour(labels):
    counted = pl.col("timestamp") - pl.duration(seconds=START)
    found = asked_in(labels, [[0, 1, 2, 3, 4]] * 6, None, timestamp=counted)
    assert found
    assert {(one.hour, one.weekday) for one in found} == {(-1, -1)}


def hourly_world(told):
    """All watch 0 at once, and later 1 and, an hour after it, 2 in the morning on a phone, or 3 in the evening on a TV;
    but only one of hour and device is told.
    """
    early = [k % 2 == 0 for k in range(600)]
    third = [10 if one and told == "hour" else 21 for one in early]  # hours after 22:13: at 8:13 or 19:13
    events = make_events(
        [[0, 1, 2 if one else 3] for one in early], [[0, 3_600 * (at - 1), 3_600 * at] for at in third]
    )
    device = pl.when(pl.col("item_id") == "t2").then(pl.lit("phone")).otherwise(pl.lit("tv"))
    return make_data(events.with_columns(device=device) if told == "device" else events, make_catalog(6))


@pytest.mark.parametrize("told", ["hour", "device"])
def test_the_situation_alone_may_tell_the_answer(told):
    ranker = two(RankerConfig(enough=50, trees=SMALL)).fit(hourly_world(told), np.random.default_rng(0))
    assert ranker.importance()[told] > 0.9  # of the gain: the trees see it, whatever the components make of it
    contexts = (Context(device="phone", hour=8), Context(device="tv", hour=19))
    morning, evening = ranker.score(Requests.of_histories(Histories.of_items([[0, 1]] * 2), contexts=contexts))
    assert morning[2] > morning[3]
    assert evening[3] > evening[2]


def test_a_sample_keeps_requests_and_targets_together():
    fold = hold_out(chains(50), Labels.LAST, 0.2, np.random.default_rng(0))
    some = fold.sample(10, np.random.default_rng(1))
    assert len(some.requests) == len(some.targets) == 10
    assert fold.sample(100, np.random.default_rng(1)) is fold


def test_candidates_stand_above_all_others():
    data = chains()
    ranker = two(RankerConfig(candidates=3, enough=50, trees=SMALL)).fit(data, np.random.default_rng(0))
    requests = Requests.of_histories(Histories.of_items([[0, 1], [7], [20, 4, 9]]))
    proposed = [scorer.score(requests) for _, scorer in ranker.components]
    for b, (row, seen) in enumerate(zip(ranker.score(requests), ([0, 1], [7], [20, 4, 9]), strict=True)):
        allowed = np.setdiff1d(np.arange(30), seen)
        best = {int(i) for one in proposed for i in allowed[np.argsort(-one[b, allowed], kind="stable")[:3]]}
        rest = np.setdiff1d(allowed, list(best))
        assert row[list(best)].min() > row[rest].max()


def test_it_believes_the_component_that_knows():
    ranker = two(RankerConfig(enough=10**9, ridge=1.0)).fit(chains(), np.random.default_rng(0))
    ease, markov = ranker._state().weights
    assert markov > 2 * ease  # order is all there is to know: EASE sees neighbours on the circle, not the direction


def test_trees_grow_where_there_are_enough_requests():
    ranker = two(RankerConfig(enough=50, trees=SMALL)).fit(chains(), np.random.default_rng(0))
    shares = ranker.importance()
    assert sum(shares.values()) == pytest.approx(1.0)
    assert "markov z" in shares
    assert two().fit(chains(60), np.random.default_rng(0)).importance() == {}


def test_on_a_circle_the_next_title_comes_first():
    ranker = two().fit(cyclic(), np.random.default_rng(0))
    scores = ranker.score(Requests.of_histories(Histories.of_items([[i, i + 1] for i in range(9)])))
    np.testing.assert_array_equal(scores.argmax(axis=1), np.arange(2, 11))


def test_refit_learns_new_plays_and_keeps_the_second_stage():
    ranker = two().fit(chains(100), np.random.default_rng(0))
    before = ranker._state().weights
    jump = make_data(make_events([[0, 15]] * 200), make_catalog(30))
    ranker.refit(jump, np.random.default_rng(1))
    assert ranker._state().weights is before
    assert ranker.score(Requests.of_histories(Histories.of_items([[0]])))[0].argmax() == 15


def test_without_refit_the_components_never_see_the_answers():
    data = make_data(make_events([[0, 1, 2]] * 30), make_catalog(4))
    kept = two(RankerConfig(refit=False)).fit(data, np.random.default_rng(0))
    _, titles, _ = kept.components[1][1]._state()[0]
    assert 2 not in titles.tolist()


class OnlyEase(Ranker):
    """A composition that knows one type."""

    types: ClassVar = {"Ease": Ease}


def test_a_component_of_an_unknown_type_is_refused(tmp_path):
    two().fit(checkerboard(), np.random.default_rng(0)).save(tmp_path)
    Ranker.load(tmp_path)
    with pytest.raises(ArtifactRefused, match="Markov"):
        OnlyEase.load(tmp_path)


@pytest.mark.parametrize(
    "fields", [{"candidates": 0}, {"labels": "first"}, {"folds": 1}, {"share": 0.0}, {"ridge": -1.0}]
)
def test_senseless_settings_are_refused(fields):
    with pytest.raises(BadRequest):
        RankerConfig(**fields)


def test_components_need_names_of_their_own():
    with pytest.raises(BadRequest):
        Ranker(RankerConfig(), (("a", Ease()), ("a", Markov())))
    with pytest.raises(BadRequest):
        Ranker(RankerConfig(), ())

"""Training: what is held out is really gone, the metrics are arithmetic, probabilities mean what they say."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.decision import Requests, no_progress
from matinee.history import Histories
from matinee.maths.calibration import Platt
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.popularity import Popularity
from matinee.testing import assert_same, checkerboard, make_catalog, make_data, make_events
from matinee.train import HeldOut, Previous, _quality, _sample, calibrate, hold_out, liked_since, train, warm_start


def test_held_out_likes_are_nowhere_in_the_data():
    data = make_data(make_events([[0, 1, 2, 3], [4], [5, 6], list(range(20)), [0, 1, 0]]), make_catalog(20))
    held = hold_out(data, np.random.default_rng(0))
    assert held.rows.tolist() == [0, 2, 3, 4]
    assert [targets.tolist() for targets in held.targets] == [[2, 3], [6], [15, 16, 17, 18, 19], [0]]
    rest = held.data.histories
    left = [rest.items[rest.offsets[b] : rest.offsets[b + 1]].tolist() for b in range(5)]
    assert left == [[0, 1], [4], [5], list(range(15)), [1]]
    by_user = held.data.events.group_by("user_id").agg("item")
    assert dict(by_user.iter_rows()) == {f"m{b}": left[b] for b in range(5)}
    np.testing.assert_array_equal(np.sort(rest.times), held.data.events["timestamp"].cast(pl.Int64).sort())


def test_members_are_asked_when_they_first_liked_what_is_held_out():
    """Likes in hours 0 to 3, of which 2 and 3 are held out; then, in hours 4 and 5, two ratings that say no."""
    events = make_events([[0, 1, 2, 3, 4, 5]]).with_columns(
        pl.Series("kind", ["rating"] * 6), pl.Series("value", [1.0] * 4 + [0.1] * 2, pl.Float32)
    )
    data = make_data(events, make_catalog(6))
    moments = data.histories.times
    held = hold_out(data, np.random.default_rng(0))
    requests = held.requests(slice(0, 1))
    assert held.targets[0].tolist() == [2, 3]
    assert requests.times.tolist() == [moments[2]]
    assert requests.histories.items.tolist() == [0, 1]
    assert held.data.histories.items.tolist() == [0, 1, 4, 5], "what was learned from knows them"


@settings(max_examples=50)
@given(n=st.integers(1, 400), seed=st.integers(0, 100))
def test_others_are_drawn_evenly_from_what_is_neither_seen_nor_a_target(n, seed):
    """The same draws as from `setdiff1d`, which says what is meant."""
    chosen = np.random.default_rng(seed).permutation(n).astype(np.int32)
    seen, targets, scores = chosen[: n // 3], chosen[n // 3 : n // 3 + 5], np.arange(n, dtype=np.float32)
    found, labels, weights = _sample(scores, seen, targets, np.random.default_rng(seed))
    others = np.setdiff1d(np.arange(n), np.concatenate([seen, targets]))
    drawn = np.random.default_rng(seed).choice(others, min(200, len(others)), replace=False)
    np.testing.assert_array_equal(found, np.concatenate([targets, drawn]))
    assert labels.tolist() == [1.0] * len(targets) + [0.0] * len(drawn)
    assert weights[len(targets) :].sum() == pytest.approx(len(others))


class Fixed:
    """Scores every request alike."""

    def __init__(self, scores):
        self.scores = np.asarray(scores, np.float32)

    def fit(self, data, rng, progress=no_progress):
        return self

    def score(self, requests):
        return np.tile(self.scores, (len(requests), 1))


def test_lists_are_measured_among_unseen_titles():
    scores = np.arange(30, 0, -1).astype(np.float32)[None]
    tastes, targets = Histories.of_items([[0, 1]]).tastes, [np.array([3, 21, 22], np.int32)]
    ((recall, ndcg),) = _quality(scores, tastes, targets, np.arange(30))
    assert recall == pytest.approx(2 / 3)  # places 1, 19 and 20 of the unseen, counted from 0
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert ndcg == pytest.approx((1 / np.log2(1 + 2) + 1 / np.log2(19 + 2)) / ideal)


def test_a_scorer_that_says_nothing_is_not_rewarded_for_ties():
    data = make_data(make_events([[0, 1, 2, 3]] * 5), make_catalog(1_000))
    _, metrics, _ = calibrate(
        Fixed(np.zeros(1_000)), hold_out(data, np.random.default_rng(0)), np.random.default_rng(0)
    )
    assert metrics["recall@20"] == metrics["ndcg@20"] == 0.0


def test_training_on_the_checkerboard_finds_the_missing_title():
    steps = []
    data = checkerboard(members=200, titles=60)
    trained = train(data, Ease(EaseConfig(l2=100.0)), np.random.default_rng(0), lambda what, done: steps.append(done))
    assert steps == sorted(steps)
    assert steps[-1] == 1.0
    assert trained.metrics["members"] == 200
    assert trained.metrics["recall@20"] == 1.0  # the six unseen titles of their colour lead the list
    assert trained.metrics["calibration"] == "platt"
    assert trained.calibration.slope > 0
    assert trained.data_window == (data.histories.times.min(), data.histories.times.max())


def test_the_scorer_ends_fitted_on_everything():
    data = checkerboard()
    requests = Requests.of_histories(data.histories)
    trained = train(data, Popularity(), np.random.default_rng(0))
    whole = Popularity().fit(data, np.random.default_rng(0))
    assert_same(trained.scorer.score(requests), whole.score(requests))


def test_probabilities_are_frequencies():
    """Titles are liked independently with known probability; the calibrated logits must give it back.

    2,000 members, 100 titles, so the standard error of each group's frequency is below 0.004.
    """
    rng = np.random.default_rng(3)
    logits = np.linspace(-4, -1, 100)
    truth = 1 / (1 + np.exp(-logits))
    liked = rng.random((2_000, 100)) < truth
    data = make_data(make_events([[0, 1]] * 2_000), make_catalog(101))
    targets = tuple(np.flatnonzero(row).astype(np.int32) for row in liked)
    without = make_data(make_events([[100]] * 2_000), make_catalog(101))
    held = HeldOut(without, np.arange(2_000), targets, np.full(2_000, without.as_of))
    scorer = Fixed([*(logits / 3 + 7), 0.0])
    calibration, *_ = calibrate(scorer, held, np.random.default_rng(0))
    assert data.catalog.index.keys() == without.catalog.index.keys()
    found = calibration.probability(scorer.scores[:100])
    np.testing.assert_allclose(found, truth, atol=0.01)


def test_a_scorer_that_is_wrong_keeps_the_base_rate_and_says_so():
    data = make_data(make_events([[k % 5, 5 + k % 5] for k in range(100)]), make_catalog(40))
    held = hold_out(data, np.random.default_rng(0))
    scorer = Fixed(np.arange(40) % 40 >= 10)  # likes only what nobody likes
    calibration, metrics, quality = calibrate(scorer, held, np.random.default_rng(0))
    assert calibration.slope > 0
    assert str(metrics["calibration"]).startswith("base rate only")
    assert np.mean(quality.ndcg) == pytest.approx(metrics["ndcg@20"], abs=1e-5)
    assert len(quality.ndcg) == metrics["members"] == 100
    unseen = np.delete(scorer.scores, 0)
    assert calibration.probability(unseen).mean() == pytest.approx(1 / 39, rel=0.05)


def test_without_anybody_to_hold_out_there_is_no_calibration():
    trained = train(make_data(make_events([[0]]), make_catalog(3)), Popularity(), np.random.default_rng(0))
    assert trained.calibration == Platt(1.0, 0.0)
    assert trained.metrics["members"] == 0


def later(data, since):
    """A copy of the data as known before `since`."""
    early = data.events.filter(pl.col("timestamp").cast(pl.Int64) < since).drop("item")
    return make_data(early, data.catalog, as_of=since)


def test_likes_since_a_moment_are_asked_from_what_came_before():
    """Members like 0, 1, 2 in hours 0, 1, 2; the second likes 1 again in hour 3, which is nothing new."""
    hour = 3_600_000_000
    data = make_data(make_events([[0, 1, 2], [0, 1, 2, 1]]), make_catalog(4))
    moments = np.unique(data.histories.times)
    held = liked_since(data, int(moments[1]) + 1, np.random.default_rng(0))
    assert np.diff(moments).min() == hour
    assert held.rows.tolist() == [0, 1]
    assert [items.tolist() for items in held.targets] == [[2], [2]]
    assert held.data.histories.items.tolist() == [0, 1, 0, 1]
    assert held.data.events.height == 4
    assert held.times.tolist() == [moments[2]] * 2
    nothing = liked_since(data, int(moments[-1]) + 1, np.random.default_rng(0))
    assert len(nothing.rows) == 0


def test_going_on_measures_the_model_as_it_was_and_ends_with_what_a_refit_knows():
    data = checkerboard(members=200, titles=60)  # two tastes are two factors
    since = int(np.median(data.histories.times))
    early = later(data, since)
    factors = Factors(FactorsConfig(size=2)).fit(early, np.random.default_rng(0))
    previous = Previous(Factors(FactorsConfig(size=2)).fit(early, np.random.default_rng(0)), Platt(2.0, 1.0), since)
    trained = warm_start(data, previous, factors, np.random.default_rng(1))
    assert trained.metrics["members"] == 200
    assert trained.metrics["recall@20"] == 1.0  # at most 30 titles of their colour, fewer than 20 unseen
    assert trained.calibration != Platt(2.0, 1.0)
    assert trained.data_window == (data.histories.times.min(), data.histories.times.max())
    assert trained.scorer is factors
    one_colour = Requests.of_histories(Histories.of_items([[0, 2, 4]]))
    scores = trained.scorer.score(one_colour)[0]
    assert scores[6::2].min() > scores[1::2].max()


def test_a_calibration_stays_when_few_members_came():
    data = checkerboard(members=20)
    since = int(np.median(data.histories.times))
    previous = Previous(Popularity().fit(later(data, since), np.random.default_rng(0)), Platt(2.0, 1.0), since)
    trained = warm_start(
        data, previous, Popularity().fit(later(data, since), np.random.default_rng(0)), np.random.default_rng(0)
    )
    assert trained.calibration == Platt(2.0, 1.0)
    assert str(trained.metrics["calibration"]).startswith("as before: fewer than 100 members")
    requests = Requests.of_histories(data.histories)
    whole = Popularity().fit(data, np.random.default_rng(0))  # popularity cannot go on, so it was fitted again
    assert_same(trained.scorer.score(requests), whole.score(requests))

"""Calibrated on looks: where people look is planted, what they like is known, and probabilities mean what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from looked_at import ATTENTION, LAYOUT, NOW, World
from scipy.special import expit, logit

from matinee.data.attention import attentions, layouts_of
from matinee.data.looked import looks_of
from matinee.data.seen import seen_pages
from matinee.events import DAY
from matinee.maths.calibration import fit_platt
from matinee.models.popularity import Popularity
from matinee.testing import make_catalog, make_data, make_events
from matinee.train import Previous, _before_answers, calibrate_on_looks, train, warm_start

TITLES = 80
SCORES = np.linspace(-2, 2, TITLES)


class Fixed:
    """Scores every request alike, and remembers what it was fitted on and asked."""

    def __init__(self, scores):
        self.scores, self.fitted, self.asked = np.asarray(scores, np.float32), [], []

    def fit(self, data, rng, progress=lambda what, done: None):
        self.fitted.append(data)
        return self

    def score(self, requests):
        self.asked.append(requests)
        return np.tile(self.scores, (len(requests), 1))


def lived(world: World, seed: int, **fields):
    """The pages of a world as the log tells of them, and what a model learns from."""
    rng, catalog = np.random.default_rng(seed), make_catalog(TITLES)
    decisions = replace(world, **fields).decisions(rng)
    events = world.answers(decisions, rng)
    pages = seen_pages([decisions], events, catalog)
    likes = make_events([[k % TITLES, (k + 7) % TITLES] for k in range(world.members)])
    return pages, make_data(pl.concat([likes, events]), catalog, NOW)


def off(probabilities: np.ndarray, world: World) -> float:
    """The calibration error: how far probabilities are from the truth, over all titles, in points of probability."""
    return float(np.abs(probabilities - world.truth).mean())


def learned(world: World, seed: int) -> tuple[float, float, float]:
    """Calibration errors: of what is shown and not looked at taken as refused, of looks alike, of weighed looks."""
    pages, data = lived(world, seed)
    looks = looks_of(pages, layouts_of(attentions(pages)), NOW)
    weighed, _, _ = calibrate_on_looks(Fixed(SCORES), data, looks)
    alike, _, _ = calibrate_on_looks(Fixed(SCORES), data, replace(looks, weights=np.ones(len(looks.items))))
    items, liked = pages["item"].to_numpy(), pages["reward"].to_numpy().astype(float)
    shown = fit_platt(SCORES[items], liked, np.ones(len(items)))
    return tuple(off(one.probability(SCORES), world) for one in (shown, alike, weighed))


def interval(values: list[float]) -> tuple[float, float]:
    half = 2 * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values) - half), float(np.mean(values) + half)


def test_weighed_looks_are_calibrated_and_shown_titles_are_not():
    """Mean error over 6 worlds with two standard errors. Titles are liked with 10 to 50 %; 600 pages bring 2,500 looks,
    so that a title's chance is known to about two points. Most places are not looked at: taken as refused, they
    make the error of the naive way more than the half of the truth.
    """
    world = World(SCORES, expit(logit(0.1) + (SCORES + 2) / 4 * (logit(0.5) - logit(0.1))))
    shown, alike, weighed = (interval(list(one)) for one in zip(*(learned(world, k) for k in range(6)), strict=True))
    assert weighed[1] < 0.03, f"weighed {weighed}, alike {alike}, shown {shown}"
    assert alike[1] < 0.03, "where the form is true, every weight finds it"
    assert shown[0] > 0.15


def test_weights_make_looks_stand_for_what_was_shown():
    """The truth is no straight line in log-odds: likes jump once. The best line over titles that stand high
    on the page, where people look, is another than over all that were shown.
    """
    world = World(SCORES, np.where(SCORES < -0.5, 0.05, 0.45), members=120)
    _, alike, weighed = (interval(list(one)) for one in zip(*(learned(world, k) for k in range(6)), strict=True))
    assert weighed[1] < alike[0], f"weighed {weighed}, alike {alike}"


WORLD = World(SCORES, expit(0.8 * SCORES - 1))


@pytest.fixture(scope="module")
def log():
    return lived(WORLD, 0)


def looks_in(log, **fields):
    pages, data = log
    return looks_of(pages, layouts_of(attentions(pages)), NOW), data


def test_training_takes_looks_where_there_are_enough_and_says_of_what_days(log):
    looks, data = looks_in(log)
    trained = train(data, Fixed(SCORES), np.random.default_rng(0), looks=looks)
    np.testing.assert_allclose(trained.calibration.probability(SCORES), WORLD.truth, atol=0.06)
    assert trained.metrics["calibration"] == "platt, on looks"
    assert trained.looks.fitted
    assert trained.looks.looks == len(looks.items)
    assert trained.looks.days == ("2023-11-24", "2023-11-25")
    assert 0 < trained.looks.effective < trained.looks.looks
    assert f"{len(looks.items):,} looks of 120 members, worth " in str(trained.looks)


def test_too_few_looks_change_nothing_and_are_counted(log):
    looks, data = looks_in(log)
    few = looks.take(np.arange(100))
    without = train(data, Fixed(SCORES), np.random.default_rng(0))
    trained = train(data, Fixed(SCORES), np.random.default_rng(0), looks=few)
    assert (trained.calibration, trained.metrics) == (without.calibration, without.metrics)
    assert str(trained.looks) == f"prior: {len(few.items)} looks of 100 members, needs 2,000 looks of 100"
    assert without.looks is None


def test_what_came_of_looks_is_hidden_from_the_model_that_is_calibrated(log):
    """Of every title looked at, what its member did from the decision on; what they did before stays."""
    looks, data = looks_in(log)
    scorer = Fixed(SCORES)
    train(data, scorer, np.random.default_rng(0), looks=looks)
    first, last = scorer.fitted
    assert last is data
    known = set(zip(first.events["user_id"], first.events["item"], first.events["kind"], strict=True))
    decision = np.repeat(np.arange(len(looks.times)), np.diff(looks.offsets))
    liked = looks.rewards > 0
    pairs = {(looks.user_ids[int(d)], int(item)) for d, item in zip(decision[liked], looks.items[liked], strict=True)}
    early = set(data.events.filter(pl.col("decision_id").is_null()).select("user_id", "item").rows())
    assert pairs
    assert not {(user, item, "play") for user, item in pairs - early} & known
    rest = _before_answers(data, looks)
    kept = rest.events.filter(pl.col("decision_id").is_null()).height
    assert kept == data.events.filter(pl.col("decision_id").is_null()).height, "what was done before them stays"
    np.testing.assert_array_equal(np.sort(rest.histories.times), np.sort(rest.events["timestamp"].cast(pl.Int64)))


def test_titles_are_asked_of_the_history_that_the_decision_saw(log):
    looks, data = looks_in(log)
    scorer = Fixed(SCORES)
    calibrate_on_looks(scorer, data, looks)
    asked = 0
    for requests in scorer.asked:
        times = np.repeat(requests.times, np.diff(requests.histories.offsets))
        assert (requests.histories.times < times).all()
        asked += len(requests)
    assert asked == len(looks.times)


def test_members_whom_the_data_does_not_know_are_left_out(log):
    looks, data = looks_in(log)
    strange = pl.Series(["ghost" if one == "m0" else one for k, one in enumerate(looks.user_ids)])
    trained = train(data, Fixed(SCORES), np.random.default_rng(0), looks=replace(looks, user_ids=strange))
    assert trained.looks.looks < len(looks.items)


def test_a_model_that_goes_on_learns_its_calibration_of_the_looks_since(log):
    looks, data = looks_in(log)
    since = int(looks.times[0])
    previous = Previous(Fixed(SCORES), fit_platt(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.ones(2)), since)
    trained = warm_start(data, previous, Popularity(), np.random.default_rng(0), looks=looks)
    np.testing.assert_allclose(trained.calibration.probability(SCORES), WORLD.truth, atol=0.06)
    late = Previous(previous.scorer, previous.calibration, int(looks.times[-1]) + 1)
    kept = warm_start(data, late, Popularity(), np.random.default_rng(0), looks=looks)
    assert str(kept.looks).startswith("prior: 0 looks")


def test_a_calibration_on_looks_stays_until_enough_new_ones_came(log):
    """Likes held out say something else, and would take the place of what looks had said."""
    looks, data = looks_in(log)
    first = train(data, Popularity(), np.random.default_rng(0), looks=looks)
    previous = Previous(first.scorer, first.calibration, int(looks.times[-100]), first.looks)
    kept = warm_start(data, previous, Popularity(), np.random.default_rng(0), looks=looks)
    assert kept.metrics["members"] >= 1
    assert (kept.calibration, kept.looks) == (first.calibration, first.looks)
    assert str(kept.metrics["calibration"]).startswith("as before, on looks")


def test_scores_that_say_the_contrary_keep_the_base_rate(log):
    looks, data = looks_in(log)
    calibration, fit, how = calibrate_on_looks(Fixed(-SCORES), data, looks)
    assert how.startswith("base rate only")
    assert calibration.slope > 0
    weights = looks.weights / looks.weights.sum()
    said = calibration.probability(-SCORES)[looks.items] @ weights
    assert said == pytest.approx(looks.rewards @ weights, abs=0.02)
    assert fit.fitted


def test_the_worlds_days_are_what_they_say():
    assert datetime.fromtimestamp(NOW / 1e6, UTC).date().isoformat() == "2023-12-14"
    assert (DAY, LAYOUT.attention != ATTENTION) == (86_400_000_000, True)

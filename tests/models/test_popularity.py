"""Popularity: decay and shrinkage as arithmetic."""

import json
import tracemalloc
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from matinee.clock import Clocks
from matinee.decision import Context, Requests, Situations
from matinee.errors import ArtifactRefused, BadRequest
from matinee.history import Histories
from matinee.models.popularity import Popularity, PopularityConfig, _shares
from matinee.situation import ISO_COUNTRIES, country_code, device_code, language_code
from matinee.testing import check_scorer, make_catalog, make_data, make_events

DAY = 86_400


def test_keeps_the_contract():
    check_scorer(Popularity, personal=False)


def fitted(config, events, titles, as_of_days):
    as_of = (1_700_000_000 + as_of_days * DAY) * 1_000_000
    return Popularity(config).fit(make_data(events, make_catalog(titles), as_of), np.random.default_rng(0))


def test_a_like_halves_with_every_half_life():
    """A like of another title a day; the ages count from the newest, though asked 10 days later."""
    days = np.arange(21)
    events = make_events([[2 if day % 10 else 0] for day in days], seconds=[[int(day) * DAY] for day in days])
    scorer = fitted(PopularityConfig(half_life_days=10, smoothing=0.5, contexts=()), events, 4, 30)
    left = 0.5 ** ((20 - days) / 10)
    counts = np.array([1 / 4 + 1 / 2 + 1, 0, left[days % 10 > 0].sum(), 0]) + 0.5 * left.mean()
    np.testing.assert_allclose(scorer.shares(Situations.of([Context()]))[0], counts / counts.sum(), rtol=1e-6)


@pytest.mark.parametrize("pause", [1, 30, 730, 1_460])
def test_one_like_after_a_pause_stays_one_like(pause):
    """Title k is liked 30 - k times, evenly over 60 days; after any pause a member likes the last title."""
    lists = [[item] for item in range(20) for _ in range(30 - item)]
    seconds = [[60 * DAY * at // (30 - item)] for item in range(20) for at in range(30 - item)]
    events = make_events([*lists, [19]], seconds=[*seconds, [(60 + pause) * DAY]])
    config = PopularityConfig(half_life_days=16, contexts=())
    before = fitted(config, events[:-1], 25, 60).shares(Situations.of([Context()]))[0]
    after = fitted(config, events, 25, 61 + pause).shares(Situations.of([Context()]))[0]
    np.testing.assert_array_equal(np.argsort(-after[:19], kind="stable"), np.argsort(-before[:19], kind="stable"))
    assert after[19] < after[0]
    assert len(np.unique(after.round(6))) == len(np.unique(before.round(6)))


@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_only_relative_weights_matter(scale):
    shares = _shares(np.array([0, 0, 1], np.int32), np.full(3, scale), 4, 0.5)
    np.testing.assert_allclose(shares, np.array([2.5, 1.5, 0.5, 0.5]) / 5)


def test_a_window_forgets_what_is_older():
    events = make_events([[0], [0], [1]], seconds=[[0], [10 * DAY], [20 * DAY]])
    scorer = fitted(PopularityConfig(half_life_days=None, window_days=7, smoothing=1, contexts=()), events, 3, 21)
    np.testing.assert_allclose(scorer.shares(Situations.of([Context()]))[0], np.array([1, 2, 1]) / 4, rtol=1e-6)


def test_a_context_is_shrunk_toward_the_whole():
    likes = [[0]] * 6 + [[1]] * 2
    countries = ["DK"] * 2 + ["SE"] * 4 + ["DK"] * 2
    events = make_events(likes).with_columns(pl.Series("country", countries))
    config = PopularityConfig(half_life_days=None, contexts=("country",), pseudo_counts=8.0, smoothing=1.0)
    scorer = fitted(config, events, 2, 1)
    whole = np.array([7, 3]) / 10
    danish = (np.array([2, 2]) + 8 * whole) / (4 + 8)
    shares = scorer.shares(Situations.of([Context(), Context("DK"), Context("FI")]))
    np.testing.assert_allclose(shares, [whole, danish, whole], rtol=1e-6)


def test_many_values_of_a_context_cost_little_more_than_their_factors():
    titles, values = 50_000, 50
    events = make_events([[k // 3] for k in range(3 * values)]).with_columns(
        pl.Series("country", [ISO_COUNTRIES[k // 3] for k in range(3 * values)])
    )
    data = make_data(events, make_catalog(titles))
    scorer = Popularity(PopularityConfig(half_life_days=None, contexts=("country",)))
    tracemalloc.start()
    scorer.fit(data, np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    factors, row = values * titles * 4, titles * 8
    assert factors < peak < factors + 10 * row


def test_a_device_that_is_called_none_is_not_an_unknown_one():
    events = make_events([[0]] * 5 + [[1]] * 5).with_columns(pl.Series("device", ["None"] * 5 + [None] * 5))
    config = PopularityConfig(half_life_days=None, contexts=("device",), pseudo_counts=1.0)
    unknown, named = fitted(config, events, 2, 1).shares(Situations.of([Context(), Context(device="None")]))
    np.testing.assert_allclose(unknown, [0.5, 0.5], rtol=1e-6)
    np.testing.assert_allclose(named, [(5 + 0.5) / 6, 0.5 / 6], rtol=1e-6)


def test_hours_and_weekdays_are_read_by_the_clock_of_those_who_watch():
    events = make_events(
        [[0]] * 3 + [[1]] * 3, seconds=[[0]] * 3 + [[6 * 3_600]] * 3
    )  # Tuesday 22:13 and Wednesday 04:13 UTC
    data = replace(make_data(events, make_catalog(2)), clocks=Clocks("Europe/Copenhagen"))
    config = PopularityConfig(contexts=("hour", "weekday"), pseudo_counts=0.001, half_life_days=None)
    scorer = Popularity(config).fit(data, np.random.default_rng(0))
    assert scorer.shares(Situations.of([Context(hour=23)]))[0].argmax() == 0
    assert scorer.shares(Situations.of([Context(hour=5)]))[0].argmax() == 1
    assert scorer.shares(Situations.of([Context(weekday=1)]))[0].argmax() == 0
    assert scorer.shares(Situations.of([Context(weekday=2)]))[0].argmax() == 1


def test_a_member_counts_once_a_title():
    scorer = fitted(PopularityConfig(half_life_days=None, contexts=()), make_events([[0] * 9, [1], [1]]), 2, 1)
    assert scorer.score(Requests.of_histories(Histories.empty(1)))[0].argmax() == 1


def test_the_number_of_context_values_is_bounded():
    """150 countries of three members each: the commonest hundred are kept; strange devices are one value."""
    where = [ISO_COUNTRIES[k // 3] for k in range(450)]
    events = make_events([[0]] * 450).with_columns(
        pl.Series("country", where), pl.Series("device", [f"device {k}" for k in range(450)])
    )
    scorer = fitted(PopularityConfig(contexts=("country",)), events, 2, 1)
    assert len(scorer._values) == 100
    assert list(fitted(PopularityConfig(contexts=("device",)), events, 2, 1)._values) == [("device", 7)]


def test_what_fewer_than_three_members_share_is_not_kept(tmp_path):
    """Two members' own device, though used for forty titles, leaves no trace in what is saved."""
    events = make_events([list(range(40))] * 2 + [[0]] * 3).with_columns(
        pl.Series("device", ["Ada's fridge"] * 80 + ["tv"] * 3),
        pl.Series("country", ["FO"] * 80 + ["DK"] * 3),
        pl.Series("language", ["fo"] * 80 + ["da"] * 3),
    )
    scorer = fitted(PopularityConfig(contexts=("device", "country", "language")), events, 40, 1)
    assert set(scorer._values) == {
        ("device", device_code("tv")),
        ("country", country_code("DK")),
        ("language", language_code("da")),
    }
    scorer.save(tmp_path)
    assert not any(b"fridge" in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    "bad",
    [
        {"half_life_days": 0},
        {"pseudo_counts": -1},
        {"contexts": ("mood",)},
    ],
)
def test_bad_settings_are_refused(bad):
    with pytest.raises(BadRequest):
        PopularityConfig(**bad)


def test_unknown_settings_are_refused():
    with pytest.raises(TypeError):
        PopularityConfig(halflife=3)


@pytest.mark.parametrize("bad", [{"window_days": "learned"}, {"half_life_days": "fast"}, {"half_life_days": 0}])
def test_only_the_half_life_may_be_learned(bad):
    with pytest.raises(BadRequest, match="give a number above 0"):
        PopularityConfig(**bad)


@pytest.mark.parametrize("values", [None, [[1]], [["country", "DK", 3]], 5, [["country", "DK"]]])
def test_context_values_that_do_not_fit_are_refused(tmp_path, values):
    events = make_events([[0], [1]])
    fitted(PopularityConfig(contexts=()), events, 3, 1).save(tmp_path)
    path = tmp_path / "scorer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "values": values}))
    with pytest.raises(ArtifactRefused, match="values"):
        Popularity.load(tmp_path)


def test_shares_that_are_a_table_are_refused(tmp_path):
    fitted(PopularityConfig(contexts=()), make_events([[0], [1]]), 3, 1).save(tmp_path)
    np.save(tmp_path / "shares.npy", np.full((3, 3), 1 / 3, np.float32))
    with pytest.raises(ArtifactRefused, match=r"shares of shape \(3, 3\)"):
        Popularity.load(tmp_path)

"""Feedback loops in logs: false alarms on healthy streams, planted swings found, and what is said of them."""

import io
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from scipy.signal import lfilter

from matinee.catalog import Catalog
from matinee.data.shown_choices import SHOWN
from matinee.evaluate.looks import looks_of
from matinee.evaluate.loops import (
    LEAST,
    Exposure,
    Kind,
    Loops,
    detect,
    exposure_of,
    loops_of,
    starved_of,
    training_days,
)
from matinee.events import DAY
from matinee.maths import spectra
from matinee.recipes.loop_watch import numbers_of
from matinee.report import loops as said
from matinee.report.looks import LooksReport

WEEKS, GENRES, WEEKLY = 52, 8, 20_000
NAMES = tuple(f"genre {k}" for k in range(GENRES))
FIRST = 20_000  # days since 1970
CATALOG = Catalog.from_frame(pl.DataFrame({"item_id": list("abcd"), "genres": [["X"], ["X"], ["Y"], ["Y", "X"]]}))


@pytest.fixture(scope="module")
def null():
    return spectra.RedNoise.drawn(spectra.design(WEEKS), np.random.default_rng(0))


def streams(n, rng, amplitude=0.0, period=6.0, drifts=(0.0, 0.01, 0.03)):
    """Weekly titles shown by genre, a twentieth of a million: multinomial around shares that drift as AR(1)."""
    rho, sd = rng.choice([0.0, 0.3, 0.6, 0.8], n), rng.choice(drifts, n)
    for k in range(n):
        drift = sd[k] * lfilter([1.0], [1.0, -rho[k]], rng.standard_normal((GENRES, WEEKS + 60)), axis=1)[:, 60:]
        shares = np.exp(drift)
        shares[0] *= 1 + amplitude * np.cos(2 * np.pi * np.arange(WEEKS) / period)
        counts = rng.multinomial(WEEKLY, (shares / shares.sum(axis=0)).T).astype(np.float64)
        level = 0.1 + 0.01 * rng.standard_normal((4, WEEKS))
        yield Exposure(np.full(WEEKS, float(WEEKLY)), counts, *level)


def alarms(n, seed, null, **planted):
    rng = np.random.default_rng(seed)
    return [detect(one, NAMES, null, FIRST, 7, 42.0) for one in streams(n, rng, **planted)]


def test_of_a_thousand_healthy_streams_at_most_one_in_twenty_raises_an_alarm(null):
    """Half of them drift, some with rho = .8, which a white null takes for a wave more often than not."""
    assert np.mean([bool(one.alarms) for one in alarms(1_000, 0, null)]) <= 0.05


@pytest.mark.parametrize("period", [2.0, 6.0, 9.0])
def test_a_planted_swing_of_a_twentieth_is_found(null, period):
    """In 95 % of streams or more, in its genre, with its period within a tenth."""
    found = [
        one
        for told in alarms(200, 1, null, amplitude=0.05, period=period, drifts=(0.0, 0.01))
        for one in told.alarms
        if one.kind == Kind.SWING and one.genres[0] == NAMES[0] and abs(one.period / (7 * period) - 1) < 0.1
    ]
    assert len(found) >= 190
    assert np.median([one.size for one in found]) == pytest.approx(0.05, rel=0.2)
    assert {one.near_training for one in found} == {period == 6.0}, "42 days are the six weeks between trainings"


def test_growth_narrowing_and_sameness_are_told(null):
    rng = np.random.default_rng(3)
    exposure = next(iter(streams(1, rng, drifts=(0.0,))))
    ramp = np.linspace(0.1, 0.2, WEEKS) + 0.002 * rng.standard_normal(WEEKS)
    told = detect(exposure._replace(repeats=ramp, overlap=ramp), NAMES, null, FIRST, 7, None)
    assert [one.kind for one in told.alarms] == [Kind.NARROWING, Kind.SAMENESS]
    assert told.alarms[0].size == pytest.approx(1.0, abs=0.15), "it doubled"
    assert told.levels[0].last > told.levels[0].first
    wild = np.exp(np.linspace(0.02, 0.4, WEEKS) * rng.standard_normal(WEEKS))[:, None] * np.eye(GENRES)[0]
    grown = exposure._replace(genres=exposure.genres * np.where(wild > 0, wild, 1.0))
    assert Kind.GROWTH in [one.kind for one in detect(grown, NAMES, null, FIRST, 7, None).alarms]


def test_steps_that_are_missing_are_counted_and_too_many_of_them_tell_nothing(null):
    exposure = next(iter(streams(1, np.random.default_rng(4))))
    for missing, told in ((3, True), (20, False)):
        gone = np.arange(WEEKS) < missing
        shown, course = np.where(gone, 0.0, exposure.shown), np.where(gone, np.nan, exposure.repeats)
        found = detect(exposure._replace(shown=shown, repeats=course), NAMES, null, FIRST, 7, None)
        assert found.told is told
        assert found.steps == (WEEKS if told else WEEKS - missing)


def frame(days, per_day=200, swing=0.0, artifacts=7):
    """A log of one policy, trained every `artifacts` days, whose genres swing from one training to the next."""
    rng, rows = np.random.default_rng(5), []
    for day in range(days):
        likely = 0.5 + swing * (-1.0) ** (day // artifacts)
        item = np.where(rng.random(per_day) < likely, 2, rng.integers(2, size=per_day)).astype(np.int32)
        time = (FIRST + day) * DAY + np.arange(per_day)
        rows.append({"item": item, "time": time, "artifact": f"a{day // artifacts}", "day": day})
    whole = pl.concat([pl.DataFrame(row) for row in rows]).with_row_index("n")
    plain = {name: pl.lit(None, kind) for name, kind in SHOWN.items() if name not in whole.columns}
    users = pl.format("u{}", pl.col("n") % 40)
    return whole.with_columns(**{**plain, "policy": pl.lit("p"), "surface": pl.lit("home"), "user_id": users})


def test_exposure_is_counted_by_step():
    shown = frame(2, per_day=150)
    found = exposure_of(shown, CATALOG, FIRST, 1, 2)
    first = shown.filter(pl.col("day") == 0)["item"]
    assert found.shown.tolist() == [150, 150]
    assert found.genres[0].tolist() == [(first < 2).sum(), (first == 2).sum()]
    assert found.coverage.tolist() == [3 / 4, 3 / 4]
    assert exposure_of(shown.head(160), CATALOG, FIRST, 1, 2).shown.tolist() == [150, 0], "ten are too few"


def test_the_time_between_trainings_is_that_of_artifacts():
    assert training_days(frame(30)) == pytest.approx(7.0, abs=1e-3)
    assert training_days(frame(6)) is None


def test_a_log_that_swings_with_its_trainings_says_so(tmp_path):
    told = loops_of(frame(98, swing=0.1), CATALOG, np.random.default_rng(0))
    swing = next(one for one in told.alarms if one.kind == Kind.SWING)
    assert swing.near_training
    assert swing.period == pytest.approx(14, rel=0.1)
    sentence = next(iter(said.findings(told)))
    assert "X and Y swing every 14" in sentence or "Y and X swing every 14" in sentence
    assert "Models are trained every 7.0 days" in sentence
    assert "Remedy: train on looks weighed" in sentence
    looks = looks_of(frame(1).with_columns(examined=False, reward=0.0).head(0), CATALOG, "played", 1.0, 0)
    report = LooksReport(looks, loops=told)
    report.write_html(tmp_path / "report.html")
    assert "<h2>Feedback loops</h2>" in (tmp_path / "report.html").read_text()
    assert report.json()["loops"]["findings"][0] == sentence
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(report.table())
    assert "Feedback loops" in console.export_text()
    assert numbers_of(told)["alarm_swing"] == 1.0
    assert numbers_of(told)["swing_period_days"] == pytest.approx(14, rel=0.1)


def test_too_few_days_are_said_plainly():
    for days in (0, 1, LEAST - 1):
        told = loops_of(frame(days) if days else frame(1).head(0), CATALOG, np.random.default_rng(0))
        assert not told.told
        assert not told.alarms
        assert list(said.findings(told)) == [
            f"Feedback loops: {days} of {LEAST} days with enough shown; too few to tell."
        ]
        assert numbers_of(told) == {"steps": days, "new": 0, "starved": 0}


def test_a_quiet_log_raises_no_alarm():
    told = loops_of(frame(LEAST + 14), CATALOG, np.random.default_rng(0))
    assert told.told
    assert not told.alarms
    assert "none found in 56 days" in next(iter(said.findings(told)))
    assert set(numbers_of(told).values()) >= {0.0, 56}


def test_new_titles_that_hardly_anybody_was_shown_are_counted():
    """Twenty titles share 200 showings a day; of three new ones one is shown, one never, one arrived yesterday."""
    end = FIRST + 30
    arrived = [None] * 17 + [(end - 40) * DAY, (end - 40) * DAY, (end - 1) * DAY]
    times = pl.Series(arrived, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": [f"t{k}" for k in range(20)], "available_from": times}))
    shown = frame(30).with_columns(item=pl.col("n").cast(pl.Int32) % 18)
    assert starved_of(shown, catalog) == (2, 1)
    told = loops_of(shown, catalog, np.random.default_rng(0))
    assert next(iter(said.findings(told))).startswith("Of 2 titles that arrived in the last 60 days 1 was shown less")
    assert numbers_of(told) == {"steps": 30, "new": 2, "starved": 1}


def test_weeks_are_looked_at_where_models_are_trained_weekly_for_long():
    long = loops_of(frame(7 * LEAST, per_day=120, artifacts=14), CATALOG, np.random.default_rng(0))
    assert (long.step_days, long.steps) == (7, LEAST)
    assert not replace(long, steps=LEAST - 1).told
    assert isinstance(long, Loops)

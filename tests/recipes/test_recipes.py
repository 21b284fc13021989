"""Recipes: time moves by whole weeks, every model fits, and a workspace becomes policies for both surfaces."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, profiles_of
from matinee.data.log import EventLog
from matinee.decision import Requests
from matinee.errors import ArtifactRefused, BadData, Overloaded
from matinee.history import Histories
from matinee.models.artifacts.artifact import load_artifact
from matinee.models.artifacts.budget import Budget
from matinee.page import Layout
from matinee.recipes.demo import as_if_it_ended_now
from matinee.recipes.evaluation import compared, home_pages
from matinee.recipes.registry import MODELS, SCORERS
from matinee.recipes.serving import (
    HOME,
    SERVED,
    SIMILAR,
    catalog_and_policies,
    catalog_and_policies_with,
    served_in,
    served_policies,
)
from matinee.recipes.training import everything, train_into
from matinee.testing import checkerboard, make_catalog, make_data, make_events
from matinee.workspace import Workspace

LIKES = [[2 * ((k // 2 + at) % 6) + k % 2 for at in range(1, 6)] for k in range(40)]
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


def dataset(likes=LIKES, titles: int = 12, **columns) -> Dataset:
    events = make_events(likes)
    return Dataset("toy", "free", make_catalog(titles, **columns), profiles_of(events), events)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Workspace:
    """A workspace in which everything that is served was trained."""
    place = Workspace(tmp_path_factory.mktemp("trained"))
    place.bring_in(dataset())
    for name in SERVED:
        train_into(place, name, np.random.default_rng(0))
    return place


@pytest.fixture
def place(trained, tmp_path) -> Workspace:
    """A copy that a test may change."""
    return Workspace(shutil.copytree(trained.folder, tmp_path / "own"))


@pytest.mark.parametrize("after", [timedelta(0), HOUR, HOUR + timedelta(microseconds=1), WEEK + HOUR, 900.4 * WEEK])
def test_time_moves_by_the_most_whole_weeks_that_leave_an_hour(after):
    data = dataset()
    last = data.events["timestamp"].max()
    moved, move = as_if_it_ended_now(data, last + after)
    assert move % WEEK == timedelta(0)
    assert HOUR <= last + after - moved.events["timestamp"].max() < HOUR + WEEK
    assert ((moved.events["timestamp"] - data.events["timestamp"]) == move).all()


def test_hours_and_weekdays_stay_true():
    data = dataset()
    moved, move = as_if_it_ended_now(data, datetime(2031, 5, 17, 3, 4, 5, tzinfo=UTC))
    assert move > timedelta(days=365)
    for part in (pl.col("timestamp").dt.weekday(), pl.col("timestamp").dt.time()):
        assert moved.events.select(part).equals(data.events.select(part))


def test_titles_arrive_at_their_release_but_never_after_their_first_event():
    first = make_events([[0]])["timestamp"][0]
    data = dataset([[0, 1]], 4, released=[first - WEEK, first + WEEK, first + 2 * WEEK, None])
    moved, move = as_if_it_ended_now(data, datetime(2031, 5, 17, tzinfo=UTC))
    assert moved.catalog.titles["available_from"].to_list() == [
        first - WEEK + move,
        first + HOUR + move,
        first + 2 * WEEK + move,
        None,
    ]


@pytest.mark.parametrize("name", compared())
def test_every_compared_model_fits_and_scores(name):
    data = checkerboard()
    scores = compared()[name]().fit(data, np.random.default_rng(0)).score(Requests.of_histories(data.histories))
    assert scores.shape == (40, 12)
    assert np.isfinite(scores).all()
    if not name.startswith("popularity"):
        for k in range(40):  # the missing title of their own colour stands above every title of the other
            seen = data.histories.items[data.histories.offsets[k] : data.histories.offsets[k + 1]]
            own = np.arange(seen[0] % 2, 12, 2)
            (missing,) = np.setdiff1d(own, seen)
            assert scores[k, missing] > np.delete(scores[k], own).max()


def test_models_are_new_each_time_and_can_be_loaded():
    for model in MODELS.values():
        assert model.make() is not model.make()
        assert type(model.make()) is SCORERS[model.type_name]
    assert set(SERVED) <= MODELS.keys()


def test_policies_go_from_best_to_simplest_on_both_surfaces(place):
    catalog = Catalog.load(place.catalog_path)
    with EventLog(place.log_path) as log:
        built = served_policies(place, log, catalog, exploration=0.25)
    simplest_of = {
        "home": "popularity",
        "similar": "neighbors",
        "search": "neighbors",
        "play_something": "neighbors",
        "together": "popularity",
    }
    assert list(built) == list(simplest_of)
    for surface, simplest in simplest_of.items():
        better = ["transition-graph"] if simplest == "popularity" else []  # each title leads to the next
        assert [name for name, _ in built[surface]] == [*better, "ease-recent", simplest]
        ids = [getattr(policy, "inner", policy).policy_id for _, policy in built[surface]]
        named = surface.replace("_", "-")
        assert ids == [f"{named}-{name}" for name in (*better, "ease-recent", simplest)]
    assert [policy.inner.config.exploration for _, policy in built["home"]] == [0.25, 0.25, 0.25]
    rows = [HOME[name].rows.because_rows for name in ("transition-graph", "ease-recent")]
    assert [policy.inner.config.rows.because_rows for _, policy in built["home"]] == [*rows, 0]


@pytest.mark.usefixtures("one_thread")
def test_a_sequence_model_is_served_where_it_is_named(place):
    torch = pytest.importorskip("torch")
    train_into(place, "sequence", np.random.default_rng(0))
    torch.set_num_threads(2)
    catalog = Catalog.load(place.catalog_path)
    with EventLog(place.log_path) as log:
        named = ("sequence", "ease-recent", "popularity")
        built = served_policies(place, log, catalog, budget=Budget(milliseconds=60_000), home=named)
    assert torch.get_num_threads() == 1, "threads that wait for each other are slow on a busy machine"
    assert tuple(name for name, _ in built["home"]) == named
    assert served_in(place) == ("sequence", *SERVED), "so it is trained again with the others"
    requests = Requests.of_histories(make_data(make_events(LIKES), catalog).histories)
    page = built["home"][0][1].decide(requests, np.random.default_rng(0)).page()
    assert (page.items >= 0).any(axis=(1, 2)).all()


def test_a_model_that_costs_too_much_is_left_out_with_its_figures(place):
    catalog, folder = Catalog.load(place.catalog_path), place.newest_artifact("ease-recent")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    (folder / "padding").write_bytes(bytes(100_000))
    told = []
    with EventLog(place.log_path) as log:
        built = served_policies(place, log, catalog, budget=Budget(bytes=100_000), say=told.append)
        with pytest.raises(ArtifactRefused, match=r"ease-recent cannot be served: .* bytes and 100,000 are allowed"):
            served_policies(place, log, catalog, budget=Budget(bytes=100_000), required=("ease-recent",))
    assert {surface: [name for name, _ in steps] for surface, steps in built.items()} == {
        "home": ["transition-graph", "popularity"],
        "similar": ["neighbors"],
        "search": ["neighbors"],
        "play_something": ["neighbors"],
        "together": ["transition-graph", "popularity"],
    }
    (line,) = told
    assert line.startswith("ease-recent is left out: ")
    assert f"has {size + 100_000:,} bytes and 100,000 are allowed" in line


def test_a_damaged_model_is_left_out(place):
    next((place.newest_artifact("ease-recent") / "scorer").glob("*.npy")).write_bytes(b"[]")
    told = []
    with EventLog(place.log_path) as log:
        built = served_policies(place, log, Catalog.load(place.catalog_path), say=told.append)
    assert [name for name, _ in built["home"]] == ["transition-graph", "popularity"]
    assert len(told) == 1
    assert told[0].startswith("ease-recent is left out: ")


def test_a_surface_without_any_model_is_refused_with_every_reason(place):
    catalog = Catalog.load(place.catalog_path)
    with EventLog(place.log_path) as log:
        with pytest.raises(ArtifactRefused, match=r"left for 'home'.* 10 are allowed.*; .* 10 are allowed"):
            served_policies(place, log, catalog, budget=Budget(bytes=10))
        with pytest.raises(
            ArtifactRefused,
            match=r"ease-recent takes \d+(\.\d+)? ms a request, the least of [\d,]+, and 1e-06 are allowed",
        ):
            served_policies(place, log, catalog, budget=Budget(milliseconds=1e-6))
        with pytest.raises(ArtifactRefused, match=r"no model is left for 'home': .*no artifact 'factors'"):
            served_policies(place, log, catalog, home=("factors",))


def test_the_models_of_the_home_page_can_be_chosen(place):
    for name in ("ranker", "popularity-7d"):
        train_into(place, name, np.random.default_rng(0))
    catalog = Catalog.load(place.catalog_path)
    wanted = ("ranker", "ease-recent", "popularity-7d")
    with EventLog(place.log_path) as log:
        built = served_policies(place, log, catalog, budget=Budget(milliseconds=60_000), home=wanted)
    assert tuple(name for name, _ in built["home"]) == wanted
    assert [name for name, _ in built["similar"]] == list(SIMILAR)
    assert [policy.inner.config.rows.because_rows > 0 for _, policy in built["home"]] == [True, True, False]
    requests = Requests.of_histories(make_data(make_events(LIKES), catalog).histories)
    page = built["home"][0][1].decide(requests, np.random.default_rng(0)).page()
    assert (page.items >= 0).any(axis=(1, 2)).all()


def test_what_was_stamped_while_the_clock_was_ahead_is_learned_from(place):
    event = {"event_id": "ahead", "user_id": "new", "kind": "thumbs_up", "item_id": "t3"}
    with EventLog(place.log_path) as log:
        before = len(everything(place, log, Catalog.load(place.catalog_path)).events)
        log.append_events([{**event, "timestamp": datetime.now(UTC) + timedelta(days=365)}])
        data = everything(place, log, Catalog.load(place.catalog_path))
    assert len(data.events) == before + 1
    assert data.histories.times.max() == data.as_of - 1


def test_catalogue_and_ladders_are_built_together(place):
    with EventLog(place.log_path) as log:
        place.bring_in(dataset([[0, 13]], 14))
        catalog, built = catalog_and_policies(place, log, exploration=0.25)
    assert len(catalog) == 14
    assert {len(policy.catalog) for steps in built.values() for _, policy in steps} == {14}


def test_going_on_starts_from_the_newest_artifact(place):
    catalog = Catalog.load(place.catalog_path)
    before = place.newest_artifact("ease-recent")
    place.bring_in(dataset([[at % 12 for at in range(9)]]))
    artifact, _ = train_into(place, "ease-recent", np.random.default_rng(0), going_on=True)
    assert place.newest_artifact("ease-recent") != before
    assert artifact.manifest.titles == len(catalog)
    assert str(artifact.manifest.metrics["calibration"]).startswith("as before")
    with pytest.raises(ArtifactRefused, match="no artifact 'factors'"):
        train_into(place, "factors", np.random.default_rng(0), going_on=True)


def test_the_graph_goes_on_with_the_counts_of_today_and_its_own_settings(place):
    new = make_events([[0, 11]] * 30).with_columns(
        pl.format("new {}", "event_id").alias("event_id"), pl.format("new {}", "user_id").alias("user_id")
    )
    catalog = Catalog.load(place.catalog_path)
    before = load_artifact(place.newest_artifact("transition-graph"), SCORERS, catalog)
    with EventLog(place.log_path) as log:
        log.import_events(new)
    after, _ = train_into(place, "transition-graph", np.random.default_rng(0), going_on=True)
    assert after.manifest.config == before.manifest.config
    asked = Requests.of_histories(Histories.of_items([[0]]))
    assert np.argmax(after.scorer.score(asked)[0]) == 11 != np.argmax(before.scorer.score(asked)[0])


def test_what_was_trained_serves_a_catalogue_that_grew(place):
    place.bring_in(dataset([[0, 13]], 14))
    catalog = Catalog.load(place.catalog_path)
    assert len(catalog) == 14
    with EventLog(place.log_path) as log:
        built = served_policies(place, log, catalog)
    data = make_data(make_events(LIKES), catalog)
    requests = Requests.of_histories(data.histories)
    for _, policy in built["home"]:
        page = policy.decide(requests, np.random.default_rng(0)).page()
        assert (page.items >= 0).any(axis=(1, 2)).all()
        assert page.items.max() < 14
    newcomer = np.full(40, 13, np.int32)
    asked = replace(requests, surface="similar", about=newcomer, layout=Layout(rows=1, columns=6, billboard=False))
    for _, policy in built["similar"]:
        assert policy.decide(asked, np.random.default_rng(0)).page().items.max() < 13


def test_a_measured_home_page_is_the_best_page():
    data = checkerboard()
    for make in home_pages().values():
        policy = make(data, np.random.default_rng(0))
        assert policy.config.exploration == 0.0
        requests = Requests.of_histories(data.histories)
        one, two = (policy.decide(requests, np.random.default_rng(seed)) for seed in (1, 2))
        np.testing.assert_array_equal(one.titles, two.titles)


def test_data_without_events_cannot_be_moved_in_time():
    titles = make_catalog(2)
    events = make_events([])
    with pytest.raises(BadData, match="nothing holds no event"):
        as_if_it_ended_now(Dataset("nothing", "free", titles, {}, events))


def test_titles_that_are_told_of_are_kept_with_ladders_for_them_or_not_at_all(place):
    told = [{"item_id": "new", "genres": ["even"]}, {"item_id": "t0", "maturity": 16}]
    before = Catalog.load(place.catalog_path)
    with EventLog(place.log_path) as log:
        with pytest.raises(ArtifactRefused, match="not good"), catalog_and_policies_with(told, place, log):
            raise ArtifactRefused("not good")
        assert Catalog.load(place.catalog_path).titles.equals(before.titles)
        with place.importing(), pytest.raises(Overloaded, match="holds the workspace"):
            catalog_and_policies_with(told, place, log).__enter__()
        with catalog_and_policies_with(told, place, log) as (catalog, built):
            assert len(Catalog.load(place.catalog_path)) == len(before)
    after = Catalog.load(place.catalog_path)
    assert after.titles.equals(catalog.titles)
    assert after.item_ids == [*before.item_ids, "new"]
    assert after.maturity[0] == 16
    for surface in ("home", "similar", "search", "play_something"):
        assert all(policy.catalog is catalog for _, policy in built[surface])

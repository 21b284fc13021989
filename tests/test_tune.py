"""Tuning: finds what is known to be best, on validation only, within the budget, and goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import optuna
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset, profiles_of
from matinee.decision import Requests, no_progress
from matinee.errors import BadData, BadRequest, MissingExtra, TooLarge
from matinee.evaluate.protocols import NEXT_ITEM
from matinee.recipes.registry import MODELS, SCORERS, SPACES, search_spaces
from matinee.testing import checkerboard, make_catalog, make_events
from matinee.tune import Budget, tune

# made here, fitted in their own tests
NETWORKS = ("factorization-machine", "two-tower", "feed-forward", "sequence", "sequence-ranker")
TITLES = 30
CHAINS = [[(start + step) % TITLES for step in range(6)] for start in range(TITLES)]  # the next title is one further


class Shift:
    """Says that the title `by` further than the last one comes next; remembers what it was fitted on."""

    fits: ClassVar[list] = []

    def __init__(self, by, error=None):
        self.by, self.error = by, error

    def fit(self, data, rng, progress=no_progress):
        if self.error is not None:
            raise self.error
        Shift.fits.append(data)
        return self

    def score(self, requests: Requests):
        ends = requests.histories.offsets[1:] - 1
        scores = np.zeros((len(requests), TITLES), np.float32)
        scores[np.arange(len(requests)), (requests.histories.items[ends] + self.by) % TITLES] = 1.0
        return scores


def shift(choose):
    return Shift(choose.suggest_int("by", 0, 5))


@pytest.fixture
def chains():
    Shift.fits = []
    events = make_events(CHAINS)
    return Dataset("chains", "free", make_catalog(TITLES), profiles_of(events), events)


def test_finds_the_best_setting_and_never_sees_the_test(chains, tmp_path):
    (found,) = tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=15), seed=3)
    assert found.settings == {"by": 1}
    assert found.value == 1.0
    assert found.metric == "ndcg@10"
    assert found.measured + found.dropped == 15
    assert found.refused == 0
    for data in Shift.fits:  # of each chain of six the last title is the test, the one before the validation
        assert np.diff(data.histories.offsets).max() == 4


def test_a_poor_setting_is_dropped_after_a_look_at_some_members(chains, tmp_path):
    (found,) = tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=20), seed=0)
    looked = [len(data.user_ids) for data in Shift.fits]
    assert found.dropped > 0
    assert looked.count(TITLES) == found.measured
    assert len(looked) == 2 * found.measured + found.dropped
    assert max(n for n in looked if n < TITLES) < TITLES / 2


def test_goes_on_where_it_stopped(chains, tmp_path):
    tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=4))
    fits = len(Shift.fits)
    (found,) = tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=6))
    assert found.measured + found.dropped == 6
    assert len(Shift.fits) - fits <= 2 * 2
    fits = len(Shift.fits)
    (again,) = tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=6))
    assert len(Shift.fits) == fits, "a budget that is spent is spent"
    assert again == found


def test_a_setting_that_was_interrupted_does_not_count(chains, tmp_path):
    asked = []

    def interrupted(choose):
        asked.append(choose)
        by = choose.suggest_int("by", 0, 5)
        return Shift(by, KeyboardInterrupt() if len(asked) == 1 + 2 + 1 else None)  # seen; first in two looks; second

    with pytest.raises(KeyboardInterrupt):
        tune(chains, NEXT_ITEM, {"shift": interrupted}, tmp_path, Budget(trials=4))
    Shift.fits = []
    (found,) = tune(chains, NEXT_ITEM, {"shift": interrupted}, tmp_path, Budget(trials=4))
    assert len(Shift.fits) == 2 * 3, "one of four was measured before, and the interrupted one is tried again"
    assert (found.measured, found.dropped, found.refused) == (4, 0, 0)


def test_a_metric_without_a_value_is_a_refusal_and_not_tried_for_ever(chains, tmp_path, monkeypatch):
    monkeypatch.setattr("matinee.tune.measure_hits", lambda ranked, *_: np.full((len(ranked), 1), np.nan))
    with pytest.warns(RuntimeWarning), pytest.raises(BadData, match=r"none of 2 settings.*no value for any member"):
        tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=2))


def test_seconds_are_a_budget_too(chains, tmp_path):
    (found,) = tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=1_000, seconds=1e-6))
    assert found.measured == 1


def test_settings_that_do_not_fit_the_machine_are_counted(chains, tmp_path):
    def picky(choose):
        by = choose.suggest_int("by", 0, 5)
        return Shift(by, TooLarge("too much") if by > 3 else None)

    (found,) = tune(chains, NEXT_ITEM, {"picky": picky}, tmp_path, Budget(trials=20), seed=1)
    assert found.refused > 0
    assert found.settings["by"] <= 3


def never(choose):
    return Shift(0, TooLarge("no room"))


def test_a_model_that_can_never_be_fitted_stops_no_other(chains, tmp_path):
    refused, found = tune(chains, NEXT_ITEM, {"never": never, "shift": shift}, tmp_path, Budget(trials=3))
    assert (refused.value, refused.settings, refused.refused, refused.reason) == (None, {}, 3, "no room")
    assert found.value is not None
    with pytest.raises(BadData, match=r"no model could be fitted.*none of 3 settings of never: no room"):
        tune(chains, NEXT_ITEM, {"never": never}, tmp_path, Budget(trials=3))


def test_a_setting_that_diverges_is_refused_and_the_other_models_go_on(chains, tmp_path):
    class Diverged(Shift):
        def score(self, requests: Requests):
            return np.full_like(super().score(requests), np.nan if self.by != 1 else 0.0)

    def diverging(choose):
        return Diverged(choose.suggest_int("by", 0, 5))

    def singular(choose):
        by = choose.suggest_int("by", 0, 5)
        return Shift(by, BadRequest("not positive definite; raise l2") if by != 1 else None)

    spaces = {"diverging": diverging, "singular": singular, "shift": shift}
    found = tune(chains, NEXT_ITEM, spaces, tmp_path, Budget(trials=15), seed=3)
    assert [one.settings for one in found] == [{"by": 1}] * 3
    assert [one.refused > 0 for one in found] == [True, True, False]


def test_the_seconds_of_a_refused_setting_are_spent_too(chains, tmp_path):
    with pytest.raises(BadData, match="none of 1 settings"):
        tune(chains, NEXT_ITEM, {"never": never}, tmp_path, Budget(trials=1_000, seconds=1e-9))


@pytest.mark.parametrize("likes", [[chain[::-1] for chain in CHAINS], CHAINS[:-1]], ids=["order", "members"])
def test_other_data_of_the_same_name_are_searched_anew(chains, tmp_path, likes):
    tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=6))
    fits = len(Shift.fits)
    events = make_events(likes)
    other = Dataset(chains.name, "free", make_catalog(TITLES), profiles_of(events), events)
    tune(other, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=6))
    assert len(Shift.fits) > fits
    fits = len(Shift.fits)
    tune(other, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=6))
    tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=6))
    assert len(Shift.fits) == fits, "both studies are there, and spent"


@pytest.mark.parametrize(
    ("column", "value"),
    [("genres", ["Drama"]), ("tags", ["heist"]), ("text", "A heist."), ("maturity", 18)],
    ids=str,
)
def test_other_content_of_the_same_titles_is_searched_anew(chains, tmp_path, column, value):
    tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=2))
    fits = len(Shift.fits)
    titles = chains.catalog.titles
    told = titles.with_columns(pl.lit(value, dtype=titles.schema[column]).alias(column))
    tune(replace(chains, catalog=Catalog(told)), NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=2))
    assert len(Shift.fits) > fits


@pytest.mark.parametrize("column", ["country", "device"])
def test_the_same_events_from_elsewhere_are_searched_anew(chains, tmp_path, column):
    tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=2))
    fits = len(Shift.fits)
    elsewhere = chains.events.with_columns(pl.lit({"country": "DE", "device": "tv"}[column]).alias(column))
    tune(replace(chains, events=elsewhere), NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=2))
    assert len(Shift.fits) > fits


def test_a_space_that_changed_is_searched_anew(chains, tmp_path):
    def of(choices):
        return {"shift": lambda choose: Shift(choose.suggest_categorical("by", choices))}

    tune(chains, NEXT_ITEM, of((0, 1)), tmp_path, Budget(trials=2))
    (found,) = tune(chains, NEXT_ITEM, of((2, 3, 4)), tmp_path, Budget(trials=2))
    assert found.settings["by"] in (2, 3, 4)
    assert found.measured == 2


@pytest.mark.parametrize("name", ["what?x=1", "50%20#", "{SCHEMA_VERSION}{", "a [b]"])
def test_a_folder_of_any_name_holds_its_studies(chains, tmp_path, name):
    tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path / name, Budget(trials=1))
    fits = len(Shift.fits)
    assert [one.name for one in (tmp_path / name).iterdir()] == ["studies.sqlite3"]
    tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path / name, Budget(trials=1))
    assert len(Shift.fits) == fits


def test_studies_that_cannot_be_read_are_one_clear_error(chains, tmp_path):
    (tmp_path / "studies.sqlite3").write_bytes(b"no database " * 100)
    with pytest.raises(BadData, match=r"studies.sqlite3 cannot be read as studies: .*move it away"):
        tune(chains, NEXT_ITEM, {"shift": shift}, tmp_path, Budget(trials=1))


def test_bad_budgets_and_no_models(chains, tmp_path):
    with pytest.raises(BadRequest, match="at least one trial"):
        Budget(trials=0)
    with pytest.raises(BadRequest, match="no model"):
        tune(chains, NEXT_ITEM, {}, tmp_path)


def test_every_model_has_a_space():
    fixed = {"popularity-7d", "ease-recent", "edlae"}  # settings of types that have one
    assert set(SPACES) == set(MODELS) - fixed
    assert set(search_spaces("shown-lists")) == set(SPACES)
    assert set(search_spaces("next-item")) == set(SPACES) - {"list-ranker"}


def needs_more(choose):
    raise MissingExtra("lightgbm is not installed")


def test_a_model_without_its_package_stops_no_other(chains, tmp_path):
    late, found = tune(chains, NEXT_ITEM, {"late": needs_more, "shift": shift}, tmp_path, Budget(trials=2))
    assert (late.value, late.reason, late.seconds) == (None, "lightgbm is not installed", 0.0)
    assert found.measured == 2


def test_without_any_package_it_is_told_before_anything_is_fitted(chains, tmp_path):
    with pytest.raises(MissingExtra, match="late: lightgbm is not installed"):
        tune(chains, NEXT_ITEM, {"late": needs_more}, tmp_path, Budget(trials=2))
    assert not Shift.fits


@pytest.mark.parametrize("name", SPACES)
def test_every_space_makes_scorers_that_fit(name):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    data = checkerboard()
    for _ in range(2):
        asked = study.ask()
        scorer = SPACES[name](asked)
        assert type(scorer) is SCORERS[MODELS[name].type_name]
        again = SPACES[name](optuna.trial.FixedTrial(asked.params))
        assert again.config == scorer.config
        assert getattr(again, "factors", None) == getattr(scorer, "factors", None)
        taken = [scorer.config, *(getattr(scorer.config, part, None) for part in ("trees", "training", "debias"))]
        for setting, value in asked.params.items():
            held = [
                getattr(one, setting) for one in (*taken, getattr(scorer, "factors", None)) if hasattr(one, setting)
            ]
            assert value in held, f"{name} does not take {setting}"
        if name not in NETWORKS:
            scores = scorer.fit(data, np.random.default_rng(0)).score(Requests.of_histories(data.histories))
            assert np.isfinite(scores).all()

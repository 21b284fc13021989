"""Drift: a collapse is told from chance, the titles that rose are named, and a collapse is not kept unasked."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from matinee.cli.models import train_each
from matinee.data.dataset import Dataset, profiles_of
from matinee.drift import Drift, Moved, drift
from matinee.errors import Collapsed
from matinee.models.popularity import Popularity, PopularityConfig
from matinee.recipes.training import train_into
from matinee.testing import make_catalog, make_data, make_events
from matinee.workspace import Workspace

TITLES = 60


def measured(ndcg: float, error: float = 0.01) -> dict[str, float | int | str]:
    return {"ndcg@20": ndcg, "ndcg@20_se": error, "recall@20": 0.5, "recall@20_se": 0.01}


def liked(*titles: int) -> Popularity:
    """Popularity where each title has one member more than the next one named."""
    lists = [[item] for at, item in enumerate(titles) for _ in range(len(titles) - at)]
    config = PopularityConfig(half_life_days=None, contexts=())
    return Popularity(config).fit(make_data(make_events(lists), make_catalog(TITLES)), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("before", "now", "fell"),
    [
        (measured(0.4), measured(0.2), True),
        (measured(0.4), measured(0.29), False),  # keeps 72 %
        (measured(0.04, 0.02), measured(0.01, 0.02), False),  # 0.03 is about one standard error of the difference
        (measured(0.2), measured(0.4), False),
        ({}, measured(0.2), False),
        (measured(0.4), {"members": 0}, False),
    ],
)
def test_a_collapse_is_a_fall_that_neither_chance_nor_life_explains(before, now, fell):
    scorer = liked(0, 1, 2)
    found = drift((scorer, before), (scorer, now), make_catalog(TITLES))
    assert [name for name, *_ in found.fallen] == (["ndcg@20"] if fell else [])
    assert found.moved == ()


def test_the_titles_that_rose_most_for_new_members_are_named():
    before, now = liked(*range(40)), liked(39, *range(39))
    found = drift((before, {}), (now, {}), make_catalog(TITLES))
    assert found.moved == (Moved("t39", 40, 1),)
    said = str(Drift((("ndcg@20", 0.4, 0.2),), found.moved))
    assert said == "ndcg@20 fell from 0.4000 to 0.2000; moved most for new members: t39 from place 40 to 1"


LIKES = [[2 * ((k // 2 + at) % 6) + k % 2 for at in range(1, 6)] for k in range(120)]


@pytest.fixture
def place(tmp_path) -> Workspace:
    """Members who each like titles of one colour, from which a model was trained; then five times as many like nothing
    that anything predicts."""
    place = Workspace(tmp_path)
    place.bring_in(_dataset(LIKES))
    train_into(place, "neighbors", np.random.default_rng(0))
    rng = np.random.default_rng(1)
    noise = [rng.choice(np.arange(12, 400), 5, replace=False).tolist() for _ in range(600)]
    place.bring_in(_dataset(noise, "x"))
    return place


def _dataset(likes: list[list[int]], prefix: str = "") -> Dataset:
    events = make_events(likes)
    events = events.with_columns((pl.lit(prefix) + pl.col(name)).alias(name) for name in ("user_id", "event_id"))
    return Dataset("toy", "free", make_catalog(400), profiles_of(events), events)


def test_a_collapse_is_refused_told_and_kept_only_when_asked(place):
    kept = place.newest_artifact("neighbors")
    with pytest.raises(
        Collapsed, match=r"neighbors: ndcg@20 fell from 0\.\d+ to 0\.\d+.*moved most.*train neighbors --accept"
    ):
        train_into(place, "neighbors", np.random.default_rng(0))
    assert place.newest_artifact("neighbors") == kept
    assert place.refusals == {"neighbors"}
    artifact, changed = train_into(place, "neighbors", np.random.default_rng(0), accept=True)
    assert changed.fallen
    assert place.newest_artifact("neighbors") != kept
    assert place.refusals == frozenset()
    assert artifact.manifest.metrics["asked"] == "last likes held out"


def test_one_collapse_among_several_models_ends_the_command_with_it(place):
    with pytest.raises(Collapsed, match="neighbors: ndcg@20 fell"):
        train_each(place, ("neighbors", "popularity"), 0)
    assert place.holds("popularity")


def test_training_the_same_again_is_no_collapse(place):
    train_into(place, "neighbors", np.random.default_rng(0), accept=True)
    _, changed = train_into(place, "neighbors", np.random.default_rng(0))
    assert changed == Drift()

"""Trees as arrays say what LightGBM says, with and without values missing, and refuse arrays that lead astray."""

from pathlib import Path

import lightgbm
import numpy as np
import pytest

from matinee.decision import Requests
from matinee.errors import ArtifactRefused
from matinee.history import Histories
from matinee.models.linear_autoencoder import Ease
from matinee.models.markov import Markov
from matinee.models.ranking.boosting import fit_trees, trees_of
from matinee.models.ranking.list_ranker import ListRanker
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.ranking.trees import LEAF, Lists, Trees, TreesConfig
from matinee.testing import assert_same, checkerboard

WIDTH = 4
HERE = Path("folder")


def boosted(rng, missing, rounds=30, **settings):
    """A booster over features of which a share `missing` is NaN, zeros among the others."""
    features = with_missing(rng.normal(size=(2_000, WIDTH)).round(1), missing, rng)
    filled = np.nan_to_num(features, nan=0.7)
    wanted = filled[:, 0] * filled[:, 1] + np.isnan(features[:, 2]) + rng.normal(size=2_000)
    parameters = {"verbosity": -1, "num_threads": 1, "seed": 0, "min_data_in_leaf": 5, **settings}
    return lightgbm.train(parameters, lightgbm.Dataset(features, wanted), rounds)


def with_missing(values, missing, rng):
    return np.where(rng.random(values.shape) < missing, np.nan, values).astype(np.float32)


@pytest.mark.parametrize("leaves", [2, 7, 63])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_trees_say_what_the_booster_says(missing, leaves):
    rng = np.random.default_rng(leaves)
    booster = boosted(rng, missing, num_leaves=leaves)
    trees = trees_of(booster)
    asked = with_missing(rng.normal(size=(3_000, WIDTH)).round(1), 0.3, rng)  # NaN also where training met none
    assert_same(trees.predict(asked), booster.predict(asked, num_threads=1))
    assert_same(trees.predict(asked[:1]), trees.predict(asked)[:1])
    gains = booster.feature_importance("gain")
    np.testing.assert_allclose(trees.importance(WIDTH), gains / gains.sum(), rtol=1e-4)


def test_values_on_a_border_and_beyond_all_borders_go_the_same_way():
    """Finite ones; except -1e-35, the least of the values that LightGBM's own predictor takes for 0."""
    booster = boosted(np.random.default_rng(0), 0.2)
    trees = trees_of(booster)
    borders = trees.thresholds[(np.abs(trees.thresholds) > 1e-3) & (np.abs(trees.thresholds) < 100)].astype(np.float32)
    around = [borders, np.nextafter(borders, np.float32(np.inf)), np.nextafter(borders, np.float32(-np.inf))]
    edges = np.array([0.0, -0.0, 1e-36, -1e-36, 3e38, -3e38, np.nan], np.float32)
    asked = np.repeat(np.concatenate([*around, edges])[:, None], WIDTH, axis=1)
    assert_same(trees.predict(asked), booster.predict(asked, num_threads=1))


def test_a_tree_without_a_split_is_a_leaf():
    booster = boosted(np.random.default_rng(0), 0.0, rounds=1, min_data_in_leaf=2_000)
    trees = trees_of(booster)
    assert trees.split_features.tolist() == [LEAF]
    asked = np.zeros((3, WIDTH), np.float32)
    assert_same(trees.predict(asked), booster.predict(asked))
    assert trees.importance(WIDTH).tolist() == [0] * WIDTH


def test_no_trees_say_nothing():
    assert Trees.none().predict(np.ones((3, 2), np.float32)).tolist() == [0, 0, 0]
    assert len(Trees.of(vars(Trees.none()), 2, HERE)) == 0


def stump(**changes):
    """x1 <= 0.5: -1, else 2; unknown: 2. `changes` are other arrays."""
    arrays = {
        "roots": np.array([0], np.int32),
        "split_features": np.array([1, LEAF, LEAF], np.int32),
        "thresholds": np.array([0.5, 0, 0]),
        "rights": np.array([2, 0, 0], np.int32),
        "missing_left": np.zeros(3, np.bool_),
        "leaf_values": np.array([0, -1.0, 2.0]),
        "gains": np.array([1.0, 0, 0]),
    }
    return arrays | changes


def test_a_stump_is_read_as_described():
    asked = np.array([[9, 0.5], [9, 0.6], [9, np.nan]], np.float32)
    assert Trees.of(stump(), 2, HERE).predict(asked).tolist() == [-1, 2, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"roots": np.array([3], np.int32)},
        {"roots": np.array([-1], np.int32)},
        {"roots": np.array([[0]], np.int32)},
        {"rights": np.array([3, 0, 0], np.int32)},
        {"rights": np.array([-1, 0, 0], np.int32)},
        {"rights": np.array([0, 0, 0], np.int32)},
        {"rights": np.array([1, 0, 0], np.int32)},
        {"rights": np.array([2, 0], np.int32)},
        {"split_features": np.array([2, LEAF, LEAF], np.int32)},
        {"split_features": np.array([-2, LEAF, LEAF], np.int32)},
        {"split_features": np.array([1, LEAF, 0], np.int32)},
        {"thresholds": np.array([np.nan, 0, 0])},
        {"leaf_values": np.array([0, np.inf, 0])},
        {"leaf_values": np.zeros((3, 1))},
    ],
    ids=str,
)
def test_arrays_that_lead_astray_are_refused(changes):
    with pytest.raises(ArtifactRefused, match="2 features"):
        Trees.of(stump(**changes), 2, HERE)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_not_refused_ends(seed):
    """Random children and features: either refused, or every walk comes to a leaf."""
    rng = np.random.default_rng(seed)
    trees = trees_of(boosted(np.random.default_rng(0), 0.1, rounds=2, num_leaves=4))
    for _ in range(200):
        arrays = {name: array.copy() for name, array in vars(trees).items()}
        name = rng.choice(["roots", "rights", "split_features"])
        arrays[name][rng.integers(len(arrays[name]))] = rng.integers(-3, len(trees.rights) + 3)
        try:
            said = Trees.of(arrays, WIDTH, HERE).predict(rng.normal(size=(20, WIDTH)).astype(np.float32))
        except ArtifactRefused:
            continue
        assert np.isfinite(said).all()


@pytest.mark.parametrize("objective", ["lambdarank", "binary"])
def test_equal_seeds_grow_equal_trees(objective):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(480, 3)).astype(np.float32)
    lists = Lists(np.arange(61) * 8, features, features[:, 0] > 1, np.zeros(480))
    config = TreesConfig(rounds=10, least=10, threads=2)
    first, second = (fit_trees(lists, np.arange(60) % 5, objective, config, np.random.default_rng(3)) for _ in range(2))
    assert len(first) > 0
    for name, array in vars(first).items():
        assert_same(array, vars(second)[name])


def saved_ranker(folder):
    config = RankerConfig(enough=10, trees=TreesConfig(rounds=5, least=5, leaves=3, threads=1))
    fitted = Ranker(config, (("ease", Ease()), ("markov", Markov()))).fit(checkerboard(), np.random.default_rng(0))
    fitted.save(folder)
    return fitted


def test_a_ranker_comes_back_with_its_trees(tmp_path):
    fitted = saved_ranker(tmp_path)
    loaded = Ranker.load(tmp_path)
    requests = Requests.of_histories(Histories.of_items([[0, 2], [1], []]))
    assert len(loaded._state().trees) > 0
    assert_same(loaded.score(requests), fitted.score(requests))
    assert loaded.importance() == fitted.importance()


def test_a_ranker_refuses_trees_that_lead_astray(tmp_path):
    saved_ranker(tmp_path)
    features = np.load(tmp_path / "split_features.npy")
    np.save(tmp_path / "split_features.npy", np.where(features == LEAF, LEAF, 10_000).astype(np.int32))
    with pytest.raises(ArtifactRefused, match="features"):
        Ranker.load(tmp_path)
    np.save(tmp_path / "split_features.npy", features.astype(np.int64))
    with pytest.raises(ArtifactRefused, match="int64"):
        Ranker.load(tmp_path)


def test_a_list_ranker_refuses_trees_that_lead_astray(tmp_path):
    ListRanker().fit(checkerboard(), np.random.default_rng(0)).save(tmp_path)
    ListRanker.load(tmp_path)
    for name, array in stump(split_features=np.array([10_000, LEAF, LEAF], np.int32)).items():
        np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(ArtifactRefused, match="features"):
        ListRanker.load(tmp_path)

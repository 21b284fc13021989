"""Boosting: trees are grown by LightGBM and read out of it, so that only growing needs the extra `rank`."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from matinee.models.ranking.trees import LEAF, TREE_ARRAYS, Lists, Objective, Trees, TreesConfig

Node = dict[str, Any]


def fit_trees(
    lists: Lists, part: NDArray[np.int64], objective: Objective, config: TreesConfig, rng: np.random.Generator
) -> Trees:
    """Boost on all lists, for as many rounds as serve best on average the `part` (lists,) that was left out.

    "lambdarank" learns the order of each list: LambdaMART, Burges 2010, Microsoft Research TR-2010-82; "binary" learns
    whether a row is relevant. Same rows and same rng, same bytes.
    """
    parameters = _parameters(objective, config, rng)
    of_row = np.repeat(part, np.diff(lists.offsets))
    folds = [(np.flatnonzero(of_row != one), np.flatnonzero(of_row == one)) for one in np.unique(part)]
    stop = lightgbm.early_stopping(config.patience, verbose=False)
    judged = lightgbm.cv(parameters, _dataset(lists), config.rounds, folds=folds, callbacks=[stop])
    rounds = max(len(curve) for curve in judged.values() if isinstance(curve, list))
    return trees_of(lightgbm.train(parameters, _dataset(lists), rounds))


def trees_of(booster: lightgbm.Booster) -> Trees:
    """The trees of a booster with numerical features, none of whose zeros mean missing."""
    roots, nodes = [], list[Node]()
    for tree in booster.dump_model()["tree_info"]:
        roots.append(len(nodes))
        nodes += _in_order(tree["tree_structure"], len(nodes))
    columns = {name: [node[name] for node in nodes] for name in TREE_ARRAYS if name != "roots"} | {"roots": roots}
    return Trees(**{name: np.array(columns[name], kind) for name, kind in TREE_ARRAYS.items()})


def _in_order(root: Node, first: int) -> list[Node]:
    """Nodes as `Trees` describes them, each followed by all to its left; the root is number `first`."""
    nodes = list[Node]()
    waiting: list[tuple[Node, Node | None]] = [(root, None)]
    while waiting:
        dumped, left_of = waiting.pop()
        if left_of is not None:
            left_of["rights"] = first + len(nodes)
        nodes.append(_leaf(dumped) if "leaf_value" in dumped else _split(dumped))
        if "leaf_value" not in dumped:
            waiting += [(dumped["right_child"], nodes[-1]), (dumped["left_child"], None)]
    return nodes


def _leaf(dumped: Node) -> Node:
    return {
        "split_features": LEAF,
        "thresholds": 0.0,
        "rights": 0,
        "missing_left": False,
        "leaf_values": dumped["leaf_value"],
        "gains": 0.0,
    }


def _split(dumped: Node) -> Node:
    """Where training met no NaN in a feature, LightGBM takes it for 0."""
    assert dumped["decision_type"] == "<=", dumped["decision_type"]
    assert dumped["missing_type"] in {"NaN", "None"}, dumped["missing_type"]
    nan_is_missing = dumped["missing_type"] == "NaN"
    return {
        "split_features": dumped["split_feature"],
        "thresholds": dumped["threshold"],
        "missing_left": dumped["default_left"] if nan_is_missing else dumped["threshold"] >= 0,
        "leaf_values": 0.0,
        "gains": dumped["split_gain"],
    }


def _dataset(lists: Lists) -> lightgbm.Dataset:
    return lightgbm.Dataset(
        lists.features,
        lists.relevant.astype(np.int8),
        group=np.diff(lists.offsets),
        init_score=lists.base,
        params={"verbosity": -1},
        free_raw_data=False,
    )


def _parameters(objective: Objective, config: TreesConfig, rng: np.random.Generator) -> dict[str, object]:
    return {
        "objective": objective,
        "metric": "ndcg",
        "eval_at": [config.depth],
        "lambdarank_truncation_level": config.depth,
        "learning_rate": config.rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.least,
        "feature_fraction": config.share,
        "bagging_fraction": config.share,
        "bagging_freq": 1,
        "lambda_l2": config.ridge,
        "boost_from_average": False,
        "num_threads": config.threads,
        "deterministic": True,
        "force_row_wise": True,
        "seed": int(rng.integers(2**31)),
        "verbosity": -1,
    }

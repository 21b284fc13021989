"""Boosted trees over features of (request, title) rows: fitted by LightGBM, saved as text that is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, Self

import lightgbm
import numpy as np
from numpy.typing import NDArray

from matinee.errors import ArtifactRefused, BadRequest
from matinee.models.storage import REMEDY

FILE = "trees.txt"

Objective = Literal["lambdarank", "binary"]


@dataclass(frozen=True, slots=True)
class TreesConfig:
    """`rounds`: trees at most; boosting stops when NDCG@depth of lists left out has not grown for `patience`.
    `depth`: how many places of a list matter.
    `rate`: share of each tree that is taken. `leaves` of a tree, `least` rows of a leaf, `share` of the rows and of the
    features that a tree sees, `ridge`: penalty on the leaves' values.
    """

    rounds: int = 500
    patience: int = 40
    rate: float = 0.05
    leaves: int = 31
    least: int = 100
    share: float = 0.8
    ridge: float = 0.0
    depth: int = 30
    threads: int = 2

    def __post_init__(self) -> None:
        if min(self.rounds, self.patience, self.least, self.depth, self.threads) < 1 or self.leaves < 2:
            raise BadRequest(
                f"trees need rounds, patience, least, depth and threads from 1 and leaves from 2 on, got {self}"
            )
        if not (0 < self.rate <= 1 and 0 < self.share <= 1 and self.ridge >= 0):
            raise BadRequest(f"trees need rate and share in 0..1 and a ridge of at least 0, got {self}")


@dataclass(frozen=True)
class Lists:
    """Rows to learn an order from: list k is the rows `offsets[k]:offsets[k + 1]`.

    `features` (rows, features) float32, NaN = unknown; `relevant` (rows,) bool; `base` (rows,) the score that the trees
    are added to.
    """

    offsets: NDArray[np.int64]
    features: NDArray[np.float32]
    relevant: NDArray[np.bool_]
    base: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, lists: NDArray[np.bool_]) -> Self:
        """The lists of this mask (lists,)."""
        lengths = np.diff(self.offsets)
        rows = np.repeat(lists, lengths)
        offsets = np.append(0, np.cumsum(lengths[lists])).astype(np.int64)
        return type(self)(offsets, self.features[rows], self.relevant[rows], self.base[rows])

    @classmethod
    def joined(cls, parts: Sequence[Self], width: int) -> Self:
        """One after the other; without a part, no row of `width` features."""
        if not parts:
            return cls(np.zeros(1, np.int64), np.empty((0, width), np.float32), np.empty(0, np.bool_), np.empty(0))
        lengths = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.offsets) for part in parts)])
        return cls(
            np.cumsum(lengths),
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.relevant for part in parts]),
            np.concatenate([part.base for part in parts]),
        )


class Trees:
    """A sum of regression trees over features; `text` is LightGBM's own description of it, "" for no tree at all."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self._booster = lightgbm.Booster(model_str=text) if text else None

    @property
    def digest(self) -> str:
        """SHA-256 of the text: its owner keeps it, so that no parser meets another text."""
        return sha256(self.text.encode()).hexdigest()

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(rows,) sums of the trees' leaves; zeros without trees. Each row's value is its own, whatever the batch."""
        if self._booster is None or not len(features):
            return np.zeros(len(features))
        return np.asarray(self._booster.predict(features, num_threads=1), np.float64)

    def importance(self) -> NDArray[np.float64]:
        """(features,) share of the gain that splits on each feature brought."""
        gains = np.zeros(0) if self._booster is None else self._booster.feature_importance("gain")
        return np.asarray(gains / max(gains.sum(), 1e-12), np.float64)

    def save(self, folder: Path) -> None:
        """Write the text."""
        (folder / FILE).write_text(self.text)

    @classmethod
    def load(cls, folder: Path, digest: str) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` where it is not the text of this digest."""
        try:
            text = (folder / FILE).read_text()
        except (OSError, UnicodeError) as error:
            raise ArtifactRefused(f"{folder} has no trees that can be read: {error}; {REMEDY}") from error
        if sha256(text.encode()).hexdigest() != digest:
            raise ArtifactRefused(f"{folder / FILE} is not the file that was saved; {REMEDY}")
        return cls(text)


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
    return Trees(lightgbm.train(parameters, _dataset(lists), rounds).model_to_string())


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

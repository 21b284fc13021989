"""Boosted trees over features of (request, title) rows, as plain arrays; `boosting` grows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numba
import numpy as np
from numpy.typing import NDArray

from matinee.errors import ArtifactRefused, BadRequest
from matinee.maths.ragged import offsets_of
from matinee.models.artifacts.storage import REMEDY

LEAF = -1  # in place of a feature

TREE_ARRAYS: Mapping[str, type[np.generic]] = {
    "roots": np.int32,
    "split_features": np.int32,
    "thresholds": np.float64,
    "rights": np.int32,
    "missing_left": np.bool_,
    "leaf_values": np.float64,
    "gains": np.float64,
}

Objective = Literal["lambdarank", "binary"]


@dataclass(frozen=True, slots=True)
class TreesConfig:
    """`rounds`: trees at most; boosting stops when NDCG@depth of lists left out has not grown for `patience`.
    `depth`: how many places of a list matter. `rate`: share of each tree that is taken. `leaves` of a tree, `least`
    rows of a leaf, `share` of the rows and of the features that a tree sees, `ridge`: penalty on the leaves' values.
    `threads` to grow with.
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
        offsets = offsets_of(lengths[lists])
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


@dataclass(frozen=True)
class Trees:
    """A sum of regression trees over features. `roots` (trees,) are the nodes where they begin.

    Of each node (nodes,): `split_features`, `LEAF` for a leaf; `thresholds`: a value of at most this goes to the left
    child, which is the next node, any other to `rights`; NaN goes left where `missing_left`. `leaf_values`: what a leaf
    adds; `gains`: what a split brought in training.
    """

    roots: NDArray[np.int32]
    split_features: NDArray[np.int32]
    thresholds: NDArray[np.float64]
    rights: NDArray[np.int32]
    missing_left: NDArray[np.bool_]
    leaf_values: NDArray[np.float64]
    gains: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.roots)

    @classmethod
    def none(cls) -> Self:
        """No tree at all."""
        return cls(**{name: np.empty(0, kind) for name, kind in TREE_ARRAYS.items()})

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(rows,) sums of the leaves that rows of `features`, as wide as in training, reach; 0 without trees."""
        sums = np.zeros(len(features))
        splits = self.split_features, self.thresholds, self.rights, self.missing_left
        _add_leaves(np.ascontiguousarray(features, np.float32), self.roots, *splits, self.leaf_values, sums)
        return sums

    def importance(self, width: int) -> NDArray[np.float64]:
        """(width,) share of the gain that splits on each feature brought."""
        inner = self.split_features != LEAF
        gains = np.bincount(self.split_features[inner], self.gains[inner], minlength=width)
        return np.asarray(gains / max(gains.sum(), 1e-12), np.float64)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], width: int, folder: Path) -> Self:
        """Trees over `width` features out of the arrays of `vars(trees)`, of the dtypes of `TREE_ARRAYS`.

        Raises `ArtifactRefused` unless every walk from a root stays inside, ends in a leaf and meets finite numbers.
        """
        trees = cls(**{name: arrays[name] for name in TREE_ARRAYS})
        if not (trees._fit_together() and trees._lead_to_leaves(width)):
            raise ArtifactRefused(f"{folder} does not hold trees over {width:,} features; {REMEDY}")
        return trees

    def _fit_together(self) -> bool:
        """Whether all arrays have the shapes they should."""
        nodes = self.split_features.shape
        return self.roots.ndim == len(nodes) == 1 and all(
            array.shape == nodes for name, array in vars(self).items() if name != "roots"
        )

    def _lead_to_leaves(self, width: int) -> bool:
        """Whether children exist and come after their parents, features exist and numbers are finite."""
        n = len(self.split_features)
        inner = np.flatnonzero(self.split_features != LEAF)
        return bool(
            ((self.roots >= 0) & (self.roots < n)).all()
            and ((self.split_features >= LEAF) & (self.split_features < width)).all()
            and ((inner + 1 < self.rights[inner]) & (self.rights[inner] < n)).all()
            and all(np.isfinite(one).all() for one in (self.thresholds, self.leaf_values, self.gains))
        )


Grow = Callable[[Lists, NDArray[np.int64], Objective, TreesConfig, np.random.Generator], Trees]


@numba.njit(cache=True, nogil=True)
def _add_leaves(
    features: NDArray[np.float32],
    roots: NDArray[np.int32],
    split_features: NDArray[np.int32],
    thresholds: NDArray[np.float64],
    rights: NDArray[np.int32],
    missing_left: NDArray[np.bool_],
    leaf_values: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Add to each row's sum (rows,) the leaf that it reaches in each tree."""
    for row in range(len(sums)):
        for root in roots:
            node = root
            while split_features[node] != LEAF:
                value = features[row, split_features[node]]
                left = missing_left[node] if np.isnan(value) else value <= thresholds[node]
                node = node + 1 if left else rights[node]
            sums[row] += leaf_values[node]

"""Shapes are said at the head: a public function of several arrays asserts how they agree, or one it calls."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from matinee.maths.als import fold_in, loss
from matinee.maths.attention import Counts, fit_attention
from matinee.maths.beyond_accuracy import intra_list_diversity, mean_of, miscalibration, popularity_lift
from matinee.maths.calibration import Platt, fit_intercept, fit_platt, platt_deviations
from matinee.maths.elastic_net import nonnegative_among
from matinee.maths.gram import inverse_by_rows
from matinee.maths.half_life import learned_half_life
from matinee.maths.intervals import percentile_interval, resampled_means, share_interval
from matinee.maths.local_gram import local_ridge
from matinee.maths.page_metrics import page_recall
from matinee.maths.ragged import gather
from matinee.maths.ranking_metrics import auc
from matinee.maths.ridge import ridge_solve
from matinee.maths.text import tfidf

MATHS = Path(__file__).parents[2] / "src" / "matinee" / "maths"
ARRAYS = (
    "Doubles",
    "Floats",
    "Int8s",
    "Int16s",
    "Int32s",
    "Int64s",
    "UInt64s",
    "Flags",
    "NDArray",
    "sparse.",
    "Ragged",
)
BROADCAST = {"mixture_radius", "mixture_p"}  # of any shapes that numpy can bring together


def arrays_of(function: ast.FunctionDef) -> list[str]:
    """The arguments that are arrays."""
    named = [*function.args.args, *function.args.kwonlyargs]
    return [one.arg for one in named if one.annotation and any(kind in ast.unparse(one.annotation) for kind in ARRAYS)]


Name = tuple[str, str]  # of the file, of the function


def functions() -> dict[Name, ast.FunctionDef]:
    """Every function of the floor."""
    return {
        (path.stem, node.name): node
        for path in sorted(MATHS.glob("*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }


FOUND = functions()


def says(name: Name, seen: frozenset[Name] = frozenset()) -> bool:
    """Whether a function asserts, or calls one of the floor that does."""
    inside = [*ast.walk(FOUND[name])]
    if any(isinstance(one, ast.Assert) for one in inside):
        return True
    called = {one.func.id for one in inside if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)}
    own = {other for other in FOUND if other[1] in called and (other[0] == name[0] or (name[0], other[1]) not in FOUND)}
    return any(says(one, seen | {name}) for one in own - seen - {name})


def is_kernel(node: ast.FunctionDef) -> bool:
    """Compiled loops take plain arrays: who calls them asserts."""
    return any("njit" in ast.unparse(one) for one in node.decorator_list)


PUBLIC = [
    name
    for name, node in FOUND.items()
    if name[1][0] != "_" and len(arrays_of(node)) > 1 and not is_kernel(node) and name[1] not in BROADCAST
]


@pytest.mark.parametrize("name", PUBLIC, ids=".".join)
def test_a_function_of_several_arrays_says_how_they_agree(name):
    assert says(name), f"{name[0]}.{name[1]}({', '.join(arrays_of(FOUND[name]))}) asserts nothing of shapes"


def test_asserts_show_what_was_seen():
    silent = [
        ".".join(name)
        for name, node in FOUND.items()
        for one in ast.walk(node)
        if isinstance(one, ast.Assert) and one.msg is None
    ]
    assert not silent, f"asserts without the value seen: {silent}"


ONES = sparse.csr_matrix(np.ones((3, 2), np.float32))
F, N = np.float32, np.int32
THREE, TWO = np.ones(3), np.ones(2)
WRONG = {
    "als.fold_in": lambda: fold_in(np.zeros(2, N), np.ones(3, F), np.ones((4, 2), F), np.eye(2, dtype=F), 1.0),
    "als.fold_in shared": lambda: fold_in(np.zeros(2, N), np.ones(2, F), np.ones((4, 2), F), np.eye(3, dtype=F), 1.0),
    "als.loss": lambda: loss(ONES, np.ones((2, 2), F), np.ones((2, 2), F), 0.1, (np.ones(2, F), np.ones(2, F))),
    "attention": lambda: fit_attention(np.ones((2, 2)), Counts(*[np.zeros(0, int)] * 4), THREE / 2, np.ones((2, 3))),
    "mean_of": lambda: mean_of(np.array([[0, 5]], N), THREE),
    "intra_list_diversity": lambda: intra_list_diversity(np.array([0, 1], N), np.ones((3, 2))),
    "miscalibration": lambda: miscalibration(np.ones((2, 3)), np.ones((2, 2))),
    "popularity_lift": lambda: popularity_lift(THREE, TWO),
    "fit_platt": lambda: fit_platt(THREE, TWO, THREE),
    "fit_intercept": lambda: fit_intercept(THREE, THREE, TWO, 1.0),
    "platt_deviations": lambda: platt_deviations(Platt(1.0, 0.0), THREE, THREE, THREE, np.zeros(2, np.int64)),
    "nonnegative_among": lambda: nonnegative_among(ONES, np.array([0, 1]), np.zeros(1, N), 1.0, 1.0),
    "nonnegative_among ends": lambda: nonnegative_among(ONES, np.array([0, 1, 2]), np.zeros(1, N), 1.0, 1.0),
    "inverse_by_rows": lambda: inverse_by_rows(ONES, np.ones(3, F)),
    "learned_half_life": lambda: learned_half_life(np.zeros(2, int), np.zeros(3, N), THREE, 4),
    "resampled_means": lambda: resampled_means(np.ones((3, 1)), np.ones((5, 2))),
    "share_interval": lambda: share_interval(THREE, TWO),
    "percentile_interval": lambda: percentile_interval(THREE),
    "local_ridge": lambda: local_ridge(ONES, np.array([0, 1, 2, 3]), np.zeros(3, N), 1.0, 0.0),
    "page_recall": lambda: page_recall(np.zeros((2, 2), N), np.array([0, 1, 2]), np.zeros(2, N), 1, 1),
    "gather": lambda: gather(np.array([[0, 1]]), np.array([0])),
    "auc": lambda: auc(np.ones((2, 3), np.bool_), np.array([3])),
    "ridge_solve": lambda: ridge_solve(np.eye(2), THREE, 1.0),
    "tfidf": lambda: tfidf(ONES, THREE),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_shapes_that_do_not_agree_stop_at_the_head(wrong):
    with pytest.raises(AssertionError, match=r"\d"):
        wrong()

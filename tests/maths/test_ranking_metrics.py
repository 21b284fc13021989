"""Ranking metrics: known answers, an independent library's numbers, properties."""

import csv
import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.maths import ranking_metrics as rm

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "ranx_metrics.csv"


def ragged(lists):
    offsets = np.append(0, np.cumsum([len(one) for one in lists]))
    return offsets, np.array([i for one in lists for i in one], np.int32)


def log2(x):
    return float(np.log2(x))


RANKED = np.array([[5, 3, 8, 1], [2, 4, 6, 7], [9, 0, -1, -1]], np.int32)
TARGETS = [[3, 1, 7], [5], [9, 0]]
WANTED = np.array([3, 1, 2])
HIT = np.array([[False, True, False, True], [False] * 4, [True, True, False, False]])


def test_hits_are_where_the_targets_stand():
    assert (rm.hits(RANKED, *ragged(TARGETS)) == HIT).all()


def test_another_members_target_is_no_hit():
    ranked = np.array([[1], [2]], np.int32)
    assert not rm.hits(ranked, *ragged([[2], [1]])).any()


def test_a_repeated_title_hits_once():
    hit = rm.hits(np.array([[4, 4, 4]], np.int32), *ragged([[4, 5]]))
    assert hit.tolist() == [[True, False, False]]


def test_known_answers():
    assert rm.recall(HIT, WANTED) == pytest.approx([2 / 3, 0, 1])
    assert rm.hit_rate(HIT).tolist() == [1, 0, 1]
    assert rm.reciprocal_rank(HIT) == pytest.approx([1 / 2, 0, 1])
    ideal = 1 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert rm.ndcg(HIT, WANTED) == pytest.approx([(1 / log2(3) + 1 / log2(5)) / ideal, 0, 1])


def test_agrees_with_ranx():
    with GOLDEN.open(newline="") as file:
        rows = list(csv.DictReader(file))
    ranked = np.array([row["ranked"].split() for row in rows], np.int32)
    offsets, targets = ragged([[int(i) for i in row["targets"].split()] for row in rows])
    hit, wanted = rm.hits(ranked, offsets, targets), np.diff(offsets)
    for n in (1, 3, 5, 10, 20):
        ours = {
            "recall": rm.recall(hit[:, :n], wanted),
            "ndcg": rm.ndcg(hit[:, :n], wanted),
            "mrr": rm.reciprocal_rank(hit[:, :n]),
            "hit_rate": rm.hit_rate(hit[:, :n]),
        }
        for name, values in ours.items():
            assert values == pytest.approx([float(row[f"{name}@{n}"]) for row in rows], abs=1e-12), (name, n)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_bounds_perfection_and_monotony(data):
    titles = data.draw(st.integers(1, 30))
    n = data.draw(st.integers(1, titles))
    order = data.draw(st.permutations(range(titles)))
    wanted = data.draw(st.sets(st.integers(0, titles - 1), min_size=1))
    offsets, targets = ragged([sorted(wanted)])
    hit = rm.hits(np.array([order[:n]], np.int32), offsets, targets)
    count = np.diff(offsets)
    for value in (rm.ndcg(hit, count), rm.recall(hit, count), rm.reciprocal_rank(hit)):
        assert 0 <= value[0] <= 1 + 1e-12
    perfect = sorted(range(titles), key=lambda i: i not in wanted)[:n]
    best = rm.hits(np.array([perfect], np.int32), offsets, targets)
    assert rm.ndcg(best, count) == pytest.approx([1])
    assert rm.recall(best, count) == pytest.approx([min(n, len(wanted)) / len(wanted)])
    recalls = [rm.recall(hit[:, :k], count)[0] for k in range(1, n + 1)]
    assert (np.diff(recalls) >= 0).all()
    if n > 1:
        swap = data.draw(st.integers(0, n - 2))
        if hit[0, swap + 1] and not hit[0, swap]:
            better = hit.copy()
            better[0, [swap, swap + 1]] = better[0, [swap + 1, swap]]
            assert rm.ndcg(better, count)[0] > rm.ndcg(hit, count)[0]


def test_shuffling_a_perfect_list_lowers_ndcg_to_its_expectation():
    """E[DCG] of a random order of n titles with r relevant is r/n times the sum of discounts; 5 standard errors."""
    n, relevant, members = 20, 4, 20_000
    rng = np.random.default_rng(1)
    hit = rng.permuted(np.tile(np.arange(n) < relevant, (members, 1)), axis=1)
    values = rm.ndcg(hit, np.full(members, relevant))
    discount = 1 / np.log2(np.arange(2, n + 2))
    expected = relevant / n * discount.sum() / discount[:relevant].sum()
    assert values.mean() == pytest.approx(expected, abs=5 * values.std() / members**0.5)


def test_recall_with_room_for_few_counts_what_has_room():
    hit = np.array([[True, True], [True, False]])
    assert rm.capped_recall(hit, np.array([5, 1])).tolist() == [1, 1]
    assert rm.capped_recall(hit, np.array([2, 4])).tolist() == [1, 0.5]


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 3))
def test_auc_counts_the_pairs_in_the_right_order(hits, empty):
    pairs = [(i, j) for i, a in enumerate(hits) for j, b in enumerate(hits) if a and not b]
    value = rm.auc(np.array([hits + [False] * empty]), np.array([len(hits)]))[0]
    assert np.isnan(value) if not pairs else value == pytest.approx(np.mean([i < j for i, j in pairs]))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_top_n_leaves_out_what_is_not_allowed(seed, n):
    rng = np.random.default_rng(seed)
    scores, allowed = rng.normal(size=(4, 15)).astype(np.float32), rng.random((4, 15)) < 0.5
    masked = np.where(allowed, scores, np.float32(-np.inf))
    priority = rng.permutation(15)
    assert rm.top_n(scores, n, priority, allowed).tolist() == rm.top_n(masked, n, priority).tolist()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 45))
def test_top_n_is_a_full_sort_with_ties_by_priority(seed, titles, n):
    rng = np.random.default_rng(seed)
    scores = rng.choice(np.float32([-np.inf, -3.5, -0.0, 0.0, 1e-30, 2.0, np.inf]), (5, titles))
    priority = rng.permutation(titles)
    ranked = rm.top_n(scores, n, priority)
    for row, got in zip(scores, ranked, strict=True):
        order = sorted(range(titles), key=lambda i: (-row[i], priority[i]))
        expected = [i for i in order if row[i] > -np.inf][:n]
        assert got.tolist() == expected + [-1] * (n - len(expected))

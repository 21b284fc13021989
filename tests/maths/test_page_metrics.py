"""Page metrics: what a page of rows is worth to the members it was made for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.maths.page_metrics import page_ndcg, page_recall
from matinee.maths.ranking_metrics import hits, recall
from matinee.page import Attention


def ragged(lists):
    offsets = np.append(0, np.cumsum([len(one) for one in lists]))
    return offsets, np.array([i for one in lists for i in one], np.int32)


def attention(rows, columns, visible=3):
    model = Attention(row_decay=0.8, column_decay=0.9, scroll=0.5)
    return np.outer(model.rows(rows), model.columns(columns, visible))


PAGE = np.array([[[1, 2, 3], [4, 1, -1], [5, 6, 7]]], np.int32)


def test_known_answers():
    offsets, targets = ragged([[1, 6, 9]])
    assert page_recall(PAGE, offsets, targets, m=1, n=3) == pytest.approx([1 / 3])
    assert page_recall(PAGE, offsets, targets, m=3, n=1) == pytest.approx([1 / 3])
    assert page_recall(PAGE, offsets, targets, m=3, n=3) == pytest.approx([2 / 3])
    looked_at = attention(3, 3)
    seen = 1 + 0.8**2 * 0.9
    ideal = 1 + 0.9 + 0.9**2  # the three likeliest places: the first row, as 0.9^2 = 0.81 > 0.8
    assert page_ndcg(PAGE, offsets, targets, looked_at) == pytest.approx([seen / ideal])


def test_scrolling_sideways_makes_a_place_less_likely():
    looked_at = attention(1, 4)
    assert looked_at[0] == pytest.approx([1, 0.9, 0.9**2, 0.9**3 * 0.5])


def test_the_ideal_page_has_ndcg_one():
    offsets, targets = ragged([[1, 2, 3]])
    assert page_ndcg(PAGE, offsets, targets, attention(3, 3)) == pytest.approx([1])


def test_a_title_standing_twice_counts_where_it_is_likeliest_to_be_seen():
    page = np.array([[[1, 2, 3, 4], [4, 5, 6, 7]]], np.int32)
    looked_at = attention(2, 4)
    assert looked_at[1, 0] > looked_at[0, 3]
    assert page_ndcg(page, *ragged([[4]]), looked_at) == pytest.approx([looked_at[1, 0]])


@st.composite
def pages(draw):
    members, rows, columns = (draw(st.integers(1, k)) for k in (3, 4, 5))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    items = rng.integers(-1, 12, (members, rows, columns)).astype(np.int32)
    targets = [rng.choice(12, rng.integers(1, 6), replace=False).tolist() for _ in range(members)]
    return items, ragged(targets), rng


@settings(max_examples=150, deadline=None)
@given(pages())
def test_one_row_is_a_list(page):
    items, (offsets, targets), _ = page
    for n in range(1, items.shape[2] + 1):
        expected = recall(hits(items[:, 0, :n], offsets, targets), np.diff(offsets))
        assert (page_recall(items, offsets, targets, 1, n) == expected).all()


@settings(max_examples=150, deadline=None)
@given(pages())
def test_the_order_of_rows_matters_only_below_the_number_of_rows(page):
    items, wanted, rng = page
    rows, columns = items.shape[1:]
    shuffled = items[:, rng.permutation(rows)]
    assert (page_recall(items, *wanted, rows, columns) == page_recall(shuffled, *wanted, rows, columns)).all()


def test_the_order_of_rows_does_matter_below_the_number_of_rows():
    wanted = ragged([[5]])
    assert page_recall(PAGE, *wanted, 1, 3) == [0]
    assert page_recall(PAGE[:, ::-1], *wanted, 1, 3) == [1]


@settings(max_examples=150, deadline=None)
@given(pages())
def test_bounds_and_duplicates(page):
    items, wanted, rng = page
    rows, columns = items.shape[1:]
    looked_at = attention(rows, columns)
    value = page_ndcg(items, *wanted, looked_at)
    assert ((value >= 0) & (value <= 1 + 1e-12)).all()
    r, c = rng.integers(rows), rng.integers(columns)
    copied = items.copy()
    copied[:, r, c] = items[:, 0, 0]
    assert (page_recall(copied, *wanted, rows, columns) <= page_recall(items, *wanted, rows, columns)).all()
    assert (page_ndcg(copied, *wanted, looked_at) <= value + 1e-12).all()

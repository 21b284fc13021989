"""Vectors of new titles out of their content: near those of like titles, zeros where content is silent."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.recipes.newcomers import predicted_vectors

KNOWN, GENRES = 60, ("Drama", "War", "Comedy")


def catalog_of(new: list[list[str]]) -> Catalog:
    genres = [[GENRES[k % 3]] for k in range(KNOWN)] + new
    ids = [f"t{k}" for k in range(len(genres))]
    return Catalog.from_frame(
        pl.DataFrame({"item_id": ids, "genres": genres}, {"item_id": pl.String, "genres": pl.List(pl.String)})
    )


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Each genre is a direction, and each title something of its own."""
    rng = np.random.default_rng(0)
    return (2.0 * np.eye(4)[np.arange(KNOWN) % 3] + 0.3 * rng.normal(size=(KNOWN, 4))).astype(np.float32)


def test_a_new_title_stands_among_those_like_it(vectors):
    found = predicted_vectors(vectors, catalog_of([["War"], ["Comedy"], [], ["Unheard of"]]))
    np.testing.assert_array_equal(found[:KNOWN], vectors)
    for row, genre in ((KNOWN, 1), (KNOWN + 1, 2)):
        np.testing.assert_allclose(found[row], vectors[np.arange(KNOWN) % 3 == genre].mean(axis=0), atol=0.15)
    assert not found[KNOWN + 2 :].any(), "content that says nothing foretells nothing"


def test_titles_that_come_later_change_none(vectors):
    few, more = (predicted_vectors(vectors, catalog_of([["War"]] + n * [["Drama"]])) for n in (0, 40))
    np.testing.assert_array_equal(more[: KNOWN + 1], few)


def test_content_that_tells_nothing_is_not_believed():
    """Vectors that have nothing to do with genres: what is predicted is a fraction of them."""
    vectors = np.random.default_rng(1).normal(size=(KNOWN, 4)).astype(np.float32)
    found = predicted_vectors(vectors, catalog_of([["War"]]))
    assert np.linalg.norm(found[-1]) < 0.25 * np.sqrt(np.mean(np.sum(vectors**2, axis=1)))


def test_what_the_vectors_do_not_know_is_predicted_too_and_nothing_without_any(vectors):
    faint = vectors.copy()
    faint[4] = 1e-12
    assert np.linalg.norm(predicted_vectors(faint, catalog_of([]))[4] - vectors[1::3].mean(axis=0)) < 0.6
    assert predicted_vectors(np.zeros((KNOWN, 4), np.float32), catalog_of([["War"]])).shape == (KNOWN + 1, 4)

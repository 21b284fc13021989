"""EASE: the closed form against numpy in float64, reasons, memory."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from matinee.decision import Requests
from matinee.errors import ArtifactRefused, BadRequest, TooLarge
from matinee.history import Histories
from matinee.maths.gram import gram, inverse_by_rows, invert_upper, mirror_scaled
from matinee.models.linear_autoencoder import Ease, EaseConfig, fit_map, require_memory
from matinee.testing import assert_same, check_scorer, checkerboard, cyclic, make_catalog, make_data, make_events


def test_keeps_the_contract():
    check_scorer(lambda: Ease(EaseConfig(l2=1.0)))


def test_keeps_the_contract_with_recency():
    check_scorer(lambda: Ease(EaseConfig(l2=1.0, half_life=5.0)))


def random_data(members=80, titles=30, seed=0):
    rng = np.random.default_rng(seed)
    likes = [rng.choice(titles, rng.integers(1, 12), replace=False).tolist() for _ in range(members)]
    return make_data(make_events(likes), make_catalog(titles))


def reference(data, l2):
    dense = data.matrix.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + l2 * np.eye(dense.shape[1]))
    out = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(out, 0.0)
    return out


def fit(data, **config):
    return Ease(EaseConfig(**config)).fit(data, np.random.default_rng(0))


def whole(scorer):
    """The map of a fitted scorer, titles x titles of the whole catalogue."""
    solved = scorer._fitted[0]
    out = np.zeros((solved.n_titles, solved.n_titles), np.float32)
    out[np.ix_(solved.titles, solved.titles)] = solved.weights
    return out


@pytest.mark.parametrize("l2", [0.5, 10.0, 1_000.0])
def test_the_map_is_the_closed_form(l2):
    data = random_data()
    np.testing.assert_allclose(whole(fit(data, l2=l2)), reference(data, l2), atol=2e-6)


@pytest.mark.parametrize("members", [0, 1, 15])
def test_few_members_give_the_same_closed_form(members):
    data = random_data(members=members)
    np.testing.assert_allclose(whole(fit(data, l2=3.0)), reference(data, 3.0), atol=2e-6)


def test_titles_that_nobody_liked_take_no_memory_and_change_no_answer():
    """30 liked titles spread over 120,000: 4 * 30² bytes instead of 57.6 GB, and the map of the 30 alone."""
    data, n, step = random_data(), 120_000, 4_000
    lists = [(step * data.matrix[row].indices).tolist() for row in range(data.matrix.shape[0])]
    sparse_data = make_data(make_events(lists), make_catalog(n))
    scorer = Ease(EaseConfig(l2=5.0)).fit(sparse_data, np.random.default_rng(0), memory=4 * 30 * 30)
    np.testing.assert_allclose(scorer._fitted[0].weights, reference(data, 5.0), atol=2e-6)
    asked = Requests.of_histories(Histories.of_items([[3 * step, 7 * step, 17]]))
    scores = scorer.score(asked)[0] - scorer.score(Requests.of_histories(Histories.empty(1)))[0] * 3 / (3 + 3)
    np.testing.assert_allclose(scores[::step], reference(data, 5.0)[[3, 7]].sum(axis=0), atol=1e-5)
    untouched = np.ones(n, bool)
    untouched[::step] = False
    np.testing.assert_allclose(scores[untouched], 0.0, atol=1e-5)
    reasons = scorer.explain(asked, np.array([[17, 18, n, -1, 9 * step]], np.int32))[0]
    assert reasons[:4].tolist() == [-1, -1, -1, -1]
    assert reasons[4] in (-1, 3 * step, 7 * step)


def test_a_map_of_few_titles_comes_back_from_disk_as_it_was(tmp_path):
    data = make_data(make_events([[3, 7], [3, 9], [7, 9, 3]]), make_catalog(40))
    scorer = fit(data, l2=1.0)
    scorer.save(tmp_path)
    asked = Requests.of_histories(Histories.of_items([[3], [8], [7, 9]]))
    assert_same(Ease.load(tmp_path).score(asked), scorer.score(asked))
    np.save(tmp_path / "titles.npy", np.array([3, 9, 7], np.int32))
    with pytest.raises(ArtifactRefused, match="map of shape"):
        Ease.load(tmp_path)


def test_scores_are_sums_of_rows_plus_the_prior():
    data = random_data()
    scorer = fit(data, l2=5.0, kappa=2.0)
    empty, seen = scorer.score(Requests.of_histories(Histories.of_items([[], [3, 7, 9]])))
    expected = reference(data, 5.0)[[3, 7, 9]].sum(axis=0) + empty * 2 / (2 + 3)
    np.testing.assert_allclose(seen, expected, atol=1e-5)


def test_recency_halves_the_weight_of_older_likes():
    data = random_data()
    scorer = fit(data, l2=5.0, half_life=2.0, kappa=1e-9)
    seen = scorer.score(Requests.of_histories(Histories.of_items([[3, 7, 9]])))[0]
    weights = 0.5 ** (np.array([2, 1, 0]) / 2)
    np.testing.assert_allclose(seen, weights @ reference(data, 5.0)[[3, 7, 9]], atol=1e-5)


def test_without_a_history_the_order_is_popularity():
    data = random_data()
    scorer = fit(data)
    nobody = Requests.of_histories(Histories.empty(1))
    popular = np.exp(scorer._fitted[1].popularity.score(nobody)[0])
    assert_same(np.sort(popular), popular[np.argsort(scorer.score(nobody)[0])])


def test_the_reason_is_the_largest_term():
    data = random_data()
    weights = reference(data, 5.0)
    seen = [3, 7, 9, 11]
    items = np.arange(30, dtype=np.int32)[None]
    reasons = fit(data, l2=5.0).explain(Requests.of_histories(Histories.of_items([seen])), items)[0]
    terms = weights[seen]
    expected = np.where(terms.max(axis=0) > 0, np.array(seen)[terms.argmax(axis=0)], -1)
    np.testing.assert_array_equal(reasons, expected)


def test_neighbours_on_the_circle_stand_above_the_far_side():
    scores = fit(cyclic(), l2=1.0).score(Requests.of_histories(Histories.of_items([[5, 6]])))[0]
    assert min(scores[4], scores[7]) > max(scores[0], scores[11])


def test_a_bigger_batch_on_threads_equals_singles():
    data = random_data()
    scorer = fit(data, l2=5.0)
    rng = np.random.default_rng(1)
    histories = Histories.of_items([rng.choice(30, 10, replace=False).tolist() for _ in range(300)])
    requests = Requests.of_histories(histories)
    together = scorer.score(requests)
    singles = [scorer.score(requests.take(np.array([b])))[0] for b in range(300)]
    assert_same(together, np.stack(singles))


def test_the_gram_matrix_is_the_same_on_any_number_of_threads():
    matrix = random_data(titles=200).matrix
    one, four = gram(matrix, threads=1), gram(matrix, threads=4)
    assert_same(one, four)
    np.testing.assert_allclose(one, np.triu((matrix.T @ matrix).toarray()))


@pytest.mark.parametrize("n", [1, 63, 64, 65, 300])
def test_mirroring_reaches_every_corner(n):
    rng = np.random.default_rng(n)
    full = rng.normal(size=(n, n)) + 0.1
    full = full @ full.T + n * np.eye(n)
    expected = -np.linalg.inv(full)
    expected /= np.abs(np.diag(expected))[None, :]
    np.fill_diagonal(expected, 0.0)
    ours = mirror_scaled(invert_upper(np.triu(full).astype(np.float32)))
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_an_indefinite_matrix_is_refused():
    with pytest.raises(BadRequest, match="l2"):
        invert_upper(np.triu(np.array([[1, 2], [2, 1]], np.float32)))


def test_without_members_or_titles_nothing_is_asked_of_lapack(capfd):
    inverse = inverse_by_rows(sparse.csr_matrix((0, 3), dtype=np.float32), np.array([1, 2, 4], np.float32))
    np.testing.assert_array_equal(inverse, np.diag([1, 0.5, 0.25]))
    assert inverse.dtype == np.float32
    assert invert_upper(np.empty((0, 0), np.float32)).shape == (0, 0)
    np.testing.assert_array_equal(fit_map(sparse.csr_matrix((0, 3), dtype=np.float32), 1.0), np.zeros((3, 3)))
    assert capfd.readouterr() == ("", "")


def test_members_whom_float32_cannot_tell_apart_are_refused():
    """YYᵀ + I is 2²⁶ everywhere: the one is lost, and two equal rows have no inverse."""
    likes = sparse.csr_matrix(np.full((2, 4), 2.0**12, np.float32))
    with pytest.raises(BadRequest, match="l2"):
        inverse_by_rows(likes, np.ones(4, np.float32))


@pytest.mark.parametrize("members", [500, 700])
def test_solving_needs_at_most_two_matrices(members):
    n = 1_000
    matrix = random_data(members=members, titles=n).matrix
    fit_map(matrix, 10.0)
    tracemalloc.start()
    fit_map(matrix, 10.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 2 * 4 * n * n


def test_what_does_not_fit_is_refused_with_its_size():
    data = checkerboard()
    with pytest.raises(TooLarge, match=f"{4 * 12 * 12:,} bytes and 100 are available"):
        Ease().fit(data, np.random.default_rng(0), memory=100)


def test_the_size_counts_what_few_members_take():
    require_memory(members=50, titles=100, available=4 * 100 * 150)
    with pytest.raises(TooLarge, match=f"{4 * 100 * 150:,} bytes"):
        require_memory(members=50, titles=100, available=4 * 100 * 150 - 1)


def test_bad_settings_are_refused():
    with pytest.raises(BadRequest, match="l2"):
        EaseConfig(l2=-1)


@pytest.mark.parametrize("members", [15, 80])
@pytest.mark.parametrize("dropout", [0.2, 0.7])
def test_dropout_adds_to_the_diagonal(members, dropout):
    data = random_data(members=members)
    dense = data.matrix.toarray().astype(np.float64)
    square = dense.T @ dense
    inverse = np.linalg.inv(square + np.diag(dropout / (1 - dropout) * np.diag(square) + 3.0))
    expected = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(whole(fit(data, l2=3.0, dropout=dropout)), expected, atol=2e-6)


def test_dropout_is_the_mean_over_ways_to_hide_likes():
    """Over 40,000 random ways to hide likes the mean Gram matrix is the one solved, within 4 standard errors each.

    E[ZᵀZ] stands in the normal equations of the mean loss, E[ZᵀZ]B = E[ZᵀX] off the diagonal of B, with
    Z = X with likes hidden with probability p and the rest scaled by 1 / (1 - p); its off-diagonal is that of XᵀX.
    """
    rng = np.random.default_rng(5)
    x = (rng.random((12, 6)) < 0.5).astype(np.float64)
    p, n = 0.4, 40_000
    hidden = x * (rng.random((n, *x.shape)) >= p) / (1 - p)
    draws = np.einsum("kui,kuj->kij", hidden, hidden)
    mean, error = draws.mean(axis=0), draws.std(axis=0) / np.sqrt(n)
    square = x.T @ x
    expected = square + np.diag(p / (1 - p) * np.diag(square))
    assert (np.abs(mean - expected) <= 4 * error + 1e-12).all()


def test_keeps_the_contract_with_dropout():
    check_scorer(lambda: Ease(EaseConfig(l2=1.0, dropout=0.3)))


@pytest.mark.parametrize("dropout", [-0.1, 1.0, float("nan")])
def test_bad_dropout_is_refused(dropout):
    with pytest.raises(BadRequest, match="dropout"):
        EaseConfig(dropout=dropout)

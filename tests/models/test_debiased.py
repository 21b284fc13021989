"""Models of corrected targets: the contract, closed forms, and a world with known propensities."""

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from matinee.data.exposures import by_popularity, by_ratio, exposures_of
from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.maths.propensities import Norm
from matinee.maths.rating_factors import Fit, Ratings, fit_ratings
from matinee.models.debiased.autoencoder import DebiasedEase, DebiasedEaseConfig, solve_targets
from matinee.models.debiased.factors import DebiasedFactors, DebiasedFactorsConfig
from matinee.models.debiased.targets import Correction, DebiasConfig, targets_of
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.testing import check_scorer, make_catalog, make_data, make_events

UNCAPPED = DebiasConfig(cap=1e6)


def test_the_map_keeps_the_contract():
    check_scorer(lambda: DebiasedEase(DebiasedEaseConfig(l2=1.0)))


def test_factors_keep_the_contract():
    check_scorer(lambda: DebiasedFactors(DebiasedFactorsConfig(size=2, reg=0.001)))


def looks(pairs):
    """Impressions of (member, title) pairs."""
    members, titles = zip(*pairs, strict=True)
    events = make_events([[t] for t in titles]).with_columns(
        pl.Series("user_id", [f"m{m}" for m in members]),
        pl.lit("impression").alias("kind"),
        pl.lit(None, pl.Float64).alias("value"),
        pl.Series("event_id", [f"look-{k}" for k in range(len(pairs))]),
    )
    return events


def test_with_likes_as_targets_the_map_is_that_of_ease():
    rng = np.random.default_rng(0)
    likes = [rng.choice(20, rng.integers(1, 9), replace=False).tolist() for _ in range(60)]
    data = make_data(make_events(likes), make_catalog(20))
    ease = Ease(EaseConfig(l2=3.0)).fit(data, rng)._fitted[0]
    found = solve_targets(data.matrix, data.matrix, np.arange(20, dtype=np.int32), 3.0)
    np.testing.assert_allclose(found[np.ix_(ease.titles, ease.titles)], ease.weights, atol=2e-6)


def test_the_map_is_the_least_squares_column_by_column():
    rng = np.random.default_rng(1)
    inputs = sparse.csr_matrix((rng.random((40, 6)) < 0.4).astype(np.float32))
    targets = sparse.csr_matrix(rng.normal(size=(40, 6)))
    found = solve_targets(inputs, targets, np.arange(6, dtype=np.int32), 2.0)
    dense = inputs.toarray().astype(np.float64)
    for j in range(6):
        others = np.delete(np.arange(6), j)
        x = dense[:, others]
        right = np.linalg.solve(x.T @ x + 2.0 * np.eye(5), x.T @ targets.toarray()[:, j])
        np.testing.assert_allclose(found[others, j], right, atol=1e-10)
        assert found[j, j] == pytest.approx(0.0, abs=1e-12)


def test_targets_are_right_in_the_mean():
    """E[T] over what is seen by chance is what members like: those of each half like one of two titles."""
    rng, members = np.random.default_rng(2), 4_000
    likes = np.kron(np.eye(2), np.ones((members // 2, 1)))
    chance = np.array([0.8, 0.2])
    seen = rng.random(likes.shape) < chance
    pairs = list(zip(*np.nonzero(seen), strict=True))
    taken = [[t for t in range(2) if seen[m, t] and likes[m, t]] for m in range(members)]
    data = make_data(pl.concat([make_events(taken), looks(pairs)]), make_catalog(2))
    half = np.array([int(user[1:]) >= members // 2 for user in data.user_ids])
    for one in Correction:
        made = targets_of(data, DebiasConfig(one, 1e6), lambda _, met: chance[met.titles])
        every = np.array([made.residual[half == late].sum(axis=0) for late in (False, True)])[:, 0]
        means = every / (members // 2) + made.base  # members who saw nothing have no row, and a residual of 0
        np.testing.assert_allclose(means, [[1, 0], [0, 1]], atol=0.18)  # 4 standard errors, sqrt(4 / 2,000) each


def test_weights_are_capped_and_normalised():
    data = make_data(pl.concat([make_events([[0], [1]]), looks([(0, 1), (1, 0)])]), make_catalog(2))

    def known(_, met):
        return np.where(met.titles == 0, 0.5, 0.01)

    ips = targets_of(data, DebiasConfig("ips", 10.0), known).residual.toarray()
    np.testing.assert_allclose(ips, [[2, 0], [0, 10]])
    norm = targets_of(data, DebiasConfig("ips", 10.0, Norm.MEAN), known).residual.toarray()
    np.testing.assert_allclose(norm, np.array([[2, 0], [0, 10]]) / 6)
    with pytest.raises(BadRequest, match="no correction"):
        DebiasConfig("magic")
    with pytest.raises(BadRequest, match="cap"):
        DebiasConfig(cap=0.0)


def test_without_looks_likes_are_weighed_by_popularity():
    data = make_data(make_events([[0, 1], [0], [0], [0]]), make_catalog(3))
    made = targets_of(data, UNCAPPED)
    np.testing.assert_allclose(made.residual.toarray()[0], [1, 2, 0])  # (1 / 4)^(1/2) of the most liked
    np.testing.assert_allclose(made.base, 0.0)
    exact = by_popularity(1.0)(data, exposures_of(data))
    np.testing.assert_allclose(np.unique(exact), [0.25, 1.0])


def test_what_members_found_by_themselves_weighs_one():
    events = make_events([[0, 1], [0], [0]])
    found = (pl.col("item_id") == "t1") | (pl.col("user_id") == "m2")
    data = make_data(events.with_columns(pl.when(found).then(pl.lit("search")).alias("source")), make_catalog(2))
    met = exposures_of(data)
    np.testing.assert_array_equal(met.found, [False, True, False, True])
    np.testing.assert_allclose(by_popularity(1.0)(data, met)[met.found], 1.0)
    # Shown over sought is 2 / 1 for the first title and 0 / 1 for the second, each with ten of the ratio of all, 1.
    np.testing.assert_allclose(by_ratio(data, met)[~met.found], 1.0)


def test_a_member_folded_in_from_looks_is_the_member_that_was_fitted():
    rng = np.random.default_rng(4)
    seen = rng.random((40, 15)) < 0.6
    liked = seen & (rng.random((40, 15)) < 0.5)
    pairs = list(zip(*np.nonzero(seen), strict=True))
    events = pl.concat([make_events([np.flatnonzero(row).tolist() for row in liked]), looks(pairs)])
    data = make_data(events, make_catalog(15))
    config = DebiasedFactorsConfig(3, 0.05, 60, DebiasConfig(Correction.IPS, 1.0))
    fitted = DebiasedFactors(config).fit(data, np.random.default_rng(0))
    ratings = Ratings(*np.nonzero(seen), liked[seen].astype(float), seen.shape)
    plane = fit_ratings(ratings, np.ones(seen.sum()), Fit(3, 0.05, 60), np.random.default_rng(0))
    order = [int(user[1:]) for user in data.user_ids]
    found = fitted.score(Requests.of_histories(data.histories))
    np.testing.assert_allclose(found, (plane.left @ plane.right.T)[order], atol=0.02)  # b shrinks to another mean


def test_a_title_that_was_hardly_shown_and_always_liked_stands_high():
    """Title 0 was shown to all and liked by a third; title 1 to a tenth, of whom all liked it."""
    members = range(60)
    pairs = [(m, 0) for m in members] + [(m, 1) for m in members if m % 10 == 0]
    likes = [[t for t in (0, 1) if (m, t) in pairs and (t or m % 3 == 0)] for m in members]
    data = make_data(pl.concat([make_events(likes), looks(pairs)]), make_catalog(2))
    asked = Requests.of_histories(Histories.empty(1))
    rng = np.random.default_rng(0)
    plain = Ease(EaseConfig(l2=1.0)).fit(data, rng).score(asked)[0]
    assert plain[0] > plain[1]
    for corrected in (DebiasedEase(), DebiasedFactors()):
        first, second = corrected.fit(data, rng).score(asked)[0]
        assert second > first

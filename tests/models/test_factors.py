"""iALS: the half step against the normal equations, the loss, and two independent libraries."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from matinee.decision import Requests
from matinee.errors import ArtifactRefused, BadRequest
from matinee.history import Histories
from matinee.maths import als
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.factors import ridges as solved_ridges
from matinee.testing import assert_same, check_scorer, cyclic, make_catalog, make_data, make_events

ALPHA, REG = 0.3, 0.007


def test_keeps_the_contract():
    check_scorer(lambda: Factors(FactorsConfig(size=2)))


def random_likes(members=60, titles=40, density=0.15, seed=0):
    rng = np.random.default_rng(seed)
    dense = rng.random((members, titles)) < density
    dense[0] = False  # a member and a title without any like
    dense[:, 0] = False
    return sparse.csr_matrix(dense.astype(np.float32))


def start(likes, d, seed=1):
    rng = np.random.default_rng(seed)
    shapes = (likes.shape[0], d), (likes.shape[1], d)
    return [rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]


def ridges(likes):
    by_title = likes.T.tocsr()
    return (
        als.ridge(np.diff(likes.indptr), likes.shape[1], ALPHA, REG, 1.0),
        als.ridge(np.diff(by_title.indptr), likes.shape[0], ALPHA, REG, 1.0),
    )


def normal_equations(likes, y, ridge):
    """argmin of the loss over x, row by row, in float64."""
    y = y.astype(np.float64)
    out = np.zeros((likes.shape[0], y.shape[1]))
    for row in range(likes.shape[0]):
        seen = y[likes[row].indices]
        system = seen.T @ seen + ALPHA * y.T @ y + ridge[row] * np.eye(y.shape[1])
        out[row] = np.linalg.solve(system, seen.sum(axis=0))
    return out


@pytest.mark.parametrize("d", [1, 2, 3, 7, 16, 33])
def test_repeated_half_steps_solve_the_normal_equations(d):
    likes = random_likes()
    x, y = start(likes, d)
    ridge = ridges(likes)[0]
    for _ in range(30):
        als.half_step(likes, x, y, ALPHA, ridge)
    np.testing.assert_allclose(x, normal_equations(likes, y, ridge), atol=2e-4)


@pytest.mark.parametrize("n", [1, 3, 4, 5, 64, 131])
def test_what_all_columns_share(n):
    y = np.random.default_rng(n).normal(size=(n, 5)).astype(np.float32)
    one = als.everywhere(y, ALPHA, threads=1)
    np.testing.assert_allclose(one, ALPHA * y.T @ y, rtol=1e-4, atol=1e-6)
    assert_same(one, als.everywhere(y, ALPHA, threads=3))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_does_not_change_a_bit(threads):
    likes = random_likes(members=500)
    x, y = start(likes, 16)
    one, other = x.copy(), x.copy()
    als.half_step(likes, one, y, ALPHA, ridges(likes)[0], threads=1)
    als.half_step(likes, other, y, ALPHA, ridges(likes)[0], threads=threads)
    assert_same(one, other)


def test_the_loss_never_rises():
    likes = random_likes(members=200, titles=80)
    x, y = start(likes, 12)
    both, by_title = ridges(likes), likes.T.tocsr()
    losses = [als.loss(likes, x, y, ALPHA, both)]
    for _ in range(10):
        als.half_step(likes, x, y, ALPHA, both[0])
        losses.append(als.loss(likes, x, y, ALPHA, both))
        als.half_step(by_title, y, x, ALPHA, both[1])
        losses.append(als.loss(likes, x, y, ALPHA, both))
    assert (np.diff(losses) <= 1e-4 * np.array(losses[:-1])).all()
    assert losses[-1] < 0.5 * losses[0]


def test_the_loss_is_its_definition():
    likes = random_likes(members=5, titles=6, density=0.5)
    x, y = (side.astype(np.float64) for side in start(likes, 3))
    fitted, dense = x @ y.T, likes.toarray()
    expected = (dense * (fitted - 1) ** 2).sum() + ALPHA * (fitted**2).sum()
    expected += REG * ((dense.sum(axis=1) + ALPHA * 6) * (x**2).sum(axis=1)).sum()
    expected += REG * ((dense.sum(axis=0) + ALPHA * 5) * (y**2).sum(axis=1)).sum()
    assert als.loss(likes, x, y, ALPHA, ridges(likes)) == pytest.approx(expected, rel=1e-6)


def test_folding_in_solves_the_normal_equations_and_its_parts_add_up():
    likes = random_likes()
    _, y = start(likes, 9)
    ridge = ridges(likes)[0]
    expected = normal_equations(likes, y, ridge)
    shared = np.float32(ALPHA) * y.T @ y
    for row in (0, 1, 17):
        items = likes[row].indices
        equations = items, np.ones(len(items), np.float32), y, shared, ridge[row]
        point, parts = als.fold_in(*equations), als.fold_in_parts(*equations)
        np.testing.assert_allclose(point, expected[row], atol=1e-5)
        np.testing.assert_allclose(parts.sum(axis=1), point, atol=1e-6)


def test_agrees_with_irspack():
    """The same loss to 1 % after 16 epochs from other starts, and the same member given the same titles."""
    irspack = pytest.importorskip("irspack")
    likes = random_likes(members=400, titles=120, density=0.1)
    theirs = irspack.IALSRecommender(
        likes, n_components=8, alpha0=ALPHA, reg=REG, n_threads=1, train_epochs=16, solver_type="CHOLESKY"
    ).learn()
    user, item = theirs.get_user_embedding(), theirs.get_item_embedding()
    x, y = start(likes, 8)
    both, by_title = ridges(likes), likes.T.tocsr()
    for _ in range(16):
        als.half_step(likes, x, y, ALPHA, both[0])
        als.half_step(by_title, y, x, ALPHA, both[1])
    assert als.loss(likes, x, y, ALPHA, both) == pytest.approx(als.loss(likes, user, item, ALPHA, both), rel=0.01)
    folded = theirs.trainer_as_ials.transform_user(likes)
    for row in (1, 50, 399):
        items, ones = likes[row].indices, np.ones(likes[row].nnz, np.float32)
        point = als.fold_in(items, ones, item, np.float32(ALPHA) * item.T @ item, both[0][row])
        np.testing.assert_allclose(point, folded[row], atol=1e-3)


def test_agrees_with_implicit():
    """implicit minimises sum of c (w·h - p)² over all pairs; our loss with alpha0 = 1 is c = 2, p = 1/2 on likes."""
    library = pytest.importorskip("implicit.cpu._als")
    likes = random_likes()
    x, y = start(likes, 8)
    flat = np.full(len(x), 0.5, np.float32)
    expected, ours = x.astype(np.float64), x.copy()
    confidence = sparse.csr_matrix((np.full(likes.nnz, 2.0), likes.indices, likes.indptr), likes.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library.least_squares(confidence, expected, y.astype(np.float64), 0.5, num_threads=1)
    for _ in range(30):
        als.half_step(likes, ours, y, 1.0, flat)
    np.testing.assert_allclose(2 * ours, expected, atol=1e-3)  # they aim at c p = 2, we at 1


def test_the_model_folds_in_the_history_of_the_request():
    data = cyclic()
    scorer = Factors(FactorsConfig(size=6, alpha0=ALPHA, reg=REG, kappa=1e-9)).fit(data, np.random.default_rng(0))
    factors = scorer._fitted[0].factors.astype(np.float64)
    seen = factors[[5, 6]]
    system = seen.T @ seen + ALPHA * factors.T @ factors + REG * (2 + ALPHA * 12) * np.eye(6)
    expected = factors @ np.linalg.solve(system, seen.sum(axis=0))
    scores = scorer.score(Requests.of_histories(Histories.of_items([[5, 6]])))[0]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert min(scores[4], scores[7]) > max(scores[0], scores[11])


def test_the_reason_is_the_largest_part():
    data = cyclic()
    scorer = Factors(FactorsConfig(size=6)).fit(data, np.random.default_rng(0))
    reasons = scorer.explain(Requests.of_histories(Histories.of_items([[2, 8]])), np.array([[1, 3, 7, 9]], np.int32))
    assert reasons.tolist() == [[2, 2, 8, 8]]


def test_no_member_is_in_the_saved_files(tmp_path):
    data = cyclic(members=61)
    Factors(FactorsConfig(size=6)).fit(data, np.random.default_rng(0)).save(tmp_path)
    shapes = [np.load(path).shape for path in tmp_path.rglob("*.npy")]
    assert shapes
    assert not any(61 in shape for shape in shapes)


def test_vectors_for_an_index_multiply_to_the_scores():
    data = cyclic()
    scorer = Factors(FactorsConfig(size=6, kappa=1e-9)).fit(data, np.random.default_rng(0))
    requests = Requests.of_histories(Histories.of_items([[5, 6], [1]]))
    products = scorer.member_vectors(requests) @ scorer.title_vectors.T
    np.testing.assert_allclose(products, scorer.score(requests), atol=1e-6)


def loss_of(scorer, data):
    """The loss of the titles' factors with every member at their best."""
    config, factors = scorer.config, scorer.title_vectors
    points = normal_equations_of(data.matrix, factors, config)
    return als.loss(data.matrix, points, factors, config.alpha0, solved_ridges(data.matrix, config))


def normal_equations_of(likes, factors, config):
    points = np.zeros((likes.shape[0], config.size), np.float32)
    for _ in range(20):
        als.half_step(likes, points, factors, config.alpha0, solved_ridges(likes, config)[0])
    return points


def groups(members, titles, seed=0):
    """Members of four tastes like a fifth of the titles, mostly of their own taste."""
    rng = np.random.default_rng(seed)
    own = np.arange(members)[:, None] % 4 == np.arange(titles) % 4
    likes = rng.random((members, titles)) < np.where(own, 0.5, 0.1)
    return make_data(make_events([np.flatnonzero(row).tolist() for row in likes]), make_catalog(titles))


def test_a_refit_comes_as_low_as_a_fit_in_a_fraction_of_the_epochs():
    before, after = groups(150, 40), groups(200, 48)
    config = FactorsConfig(size=4, epochs=16, refit_epochs=3, reg=REG)
    whole = loss_of(Factors(config).fit(after, np.random.default_rng(1)), after)
    short = loss_of(Factors(replace(config, epochs=3)).fit(after, np.random.default_rng(1)), after)
    scorer = Factors(config).fit(before, np.random.default_rng(0)).refit(after, np.random.default_rng(1))
    assert scorer.title_vectors.shape == (48, 4)
    assert loss_of(scorer, after) == pytest.approx(whole, rel=0.005)
    assert short > 1.01 * whole


def test_fitting_tells_its_epochs():
    told = []
    Factors(FactorsConfig(size=2, epochs=4)).fit(
        cyclic(), np.random.default_rng(0), lambda what, done: told.append(done)
    )
    assert told == [0.0, 0.25, 0.5, 0.75]


def test_bad_settings_are_refused():
    with pytest.raises(BadRequest, match="size"):
        FactorsConfig(size=0)


def test_fitting_starts_at_the_vectors_that_are_given():
    """One round from vectors that solve the problem, at any length, ends nearer to it than one from chance."""
    rng = np.random.default_rng(0)
    data = make_data(make_events([rng.permutation(30)[:8].tolist() for _ in range(80)]), make_catalog(30))
    config = FactorsConfig(size=4, epochs=60, alpha0=ALPHA, reg=REG)
    requests = Requests.of_histories(data.histories)
    solved = Factors(config).fit(data, rng)
    wanted = solved.score(requests)

    def distance(initial):
        found = Factors(replace(config, epochs=1), initial=initial).fit(data, np.random.default_rng(1))
        return np.abs(found.score(requests) - wanted).mean()

    by_chance = distance(None)
    assert distance(lambda data, rng: solved.title_vectors / 10) < 0.5 * by_chance
    assert distance(lambda data, rng: solved.title_vectors[:, :2]) < by_chance
    assert np.isfinite(distance(lambda data, rng: np.zeros((30, 4), np.float32)))


def test_an_exponent_below_zero_is_refused_and_one_that_is_no_number_too(tmp_path):
    with pytest.raises(BadRequest, match="nu is -1"):
        FactorsConfig(nu=-1.0)
    Factors(FactorsConfig(size=2, epochs=1)).fit(cyclic(6), np.random.default_rng(0)).save(tmp_path)
    path = tmp_path / "scorer.json"
    path.write_text(path.read_text().replace('"nu": 1.0', '"nu": null'))
    with pytest.raises(ArtifactRefused, match="FactorsConfig"):
        Factors.load(tmp_path)

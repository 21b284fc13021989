"""Ridge out of sums of products, against scikit-learn and against doing it in one piece."""

import numpy as np
from sklearn.linear_model import Ridge

from matinee.maths import ridge
from matinee.maths.ridge import Products, best_penalty, total

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(80, 5)).astype(np.float32)
ANSWERS = (ROWS[:, :2] * 2 + 3 + RNG.normal(size=(80, 2))).astype(np.float32)
WEIGHTS = RNG.uniform(0.5, 3, 80)


def test_the_coefficients_are_those_of_scikit_learn():
    ours = Products.of(ROWS, ANSWERS, WEIGHTS).solve(7.0)
    theirs = Ridge(7.0).fit(ROWS.astype(float), ANSWERS.astype(float), sample_weight=WEIGHTS)
    np.testing.assert_allclose(ours[:-1], theirs.coef_.T, rtol=1e-6)
    np.testing.assert_allclose(ours[-1], theirs.intercept_, rtol=1e-6)


def test_the_loss_is_the_weighted_squared_error():
    sums = Products.of(ROWS, ANSWERS, WEIGHTS)
    found = sums.solve(7.0)
    errors = ANSWERS - (ROWS @ found[:-1] + found[-1])
    np.testing.assert_allclose(sums.loss(found), WEIGHTS @ (errors**2).sum(axis=1), rtol=1e-9)


def test_chunks_and_parts_add_up(monkeypatch):
    whole = Products.of(ROWS, ANSWERS, WEIGHTS)
    monkeypatch.setattr(ridge, "CHUNK", 7)
    np.testing.assert_allclose(Products.of(ROWS, ANSWERS, WEIGHTS).gram, whole.gram, rtol=1e-12)
    halves = [Products.of(ROWS[h], ANSWERS[h], WEIGHTS[h]) for h in (slice(0, 33), slice(33, 80))]
    np.testing.assert_allclose(total(halves).cross, whole.cross, rtol=1e-12)
    np.testing.assert_allclose((whole - halves[0]).gram, halves[1].gram, rtol=1e-9)


def test_the_best_penalty_is_that_of_fitting_and_testing_by_hand():
    penalties = np.logspace(-2, 4, 7)
    noise = RNG.normal(size=(80, 2)).astype(np.float32)
    folds = np.array_split(np.arange(80), 4)
    for answers in (ANSWERS, noise):
        losses = []
        for penalty in penalties:
            loss = 0.0
            for held in folds:
                rest = np.setdiff1d(np.arange(80), held)
                model = Ridge(penalty).fit(ROWS[rest].astype(float), answers[rest].astype(float))
                loss += ((answers[held] - model.predict(ROWS[held].astype(float))) ** 2).sum()
            losses.append(loss)
        parts = [Products.of(ROWS[held], answers[held], np.ones(len(held))) for held in folds]
        assert best_penalty(parts, penalties) == penalties[int(np.argmin(losses))]
    assert best_penalty(parts, penalties) > 10, "noise wants a strong penalty"

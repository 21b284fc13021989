"""Losses against torch's own cross-entropy and against formulas written out in numpy."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from matinee.models.deep.losses import excluding, gbce_loss, sampled_softmax_loss, softmax_loss


def problem(rows=40, titles=30, size=8, seed=0, excluded=3):
    torch.manual_seed(seed)
    states = torch.randn(rows, size, requires_grad=True)
    vectors = torch.randn(titles, size + 1, requires_grad=True)
    targets = torch.randint(0, titles, (rows,))
    counts = torch.randint(0, excluded + 1, (rows,))
    bounds = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)])
    owners = torch.repeat_interleave(torch.arange(rows), counts)
    seen = (targets[owners] + torch.randint(1, titles, owners.shape)) % titles
    return states, vectors, targets, bounds, owners, seen


def plain(states, vectors, targets, owners, seen):
    scores = states @ vectors[:, :-1].T + vectors[:, -1]
    return functional.cross_entropy(scores.index_put((owners, seen), torch.tensor(-torch.inf)), targets)


@pytest.mark.parametrize("rows", [1, 40, 1024, 2500])
def test_softmax_is_cross_entropy_without_the_excluded(rows):
    states, vectors, targets, bounds, owners, seen = problem(rows)
    expected = plain(states, vectors, targets, owners, seen)
    wanted = torch.autograd.grad(expected, (states, vectors))
    loss = softmax_loss(states, vectors, targets, bounds, seen)
    found = torch.autograd.grad(3 * loss, (states, vectors))
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, 3 * b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scale", [30, 300])
def test_softmax_of_scores_whose_exponentials_no_number_holds(scale):
    """Scores of several thousands: exp(89) is too much for float32."""
    states, vectors, targets, bounds, owners, seen = problem(300)
    with torch.no_grad():
        vectors *= scale
    expected = plain(states, vectors, targets, owners, seen)
    loss = softmax_loss(states, vectors, targets, bounds, seen)
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=0)
    wanted = torch.autograd.grad(expected, (states, vectors))
    for a, b in zip(torch.autograd.grad(loss, (states, vectors)), wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=1e-4 * scale)


def test_bfloat16_stays_near():
    states, vectors, targets, bounds, owners, seen = problem(500)
    expected = plain(states, vectors, targets, owners, seen)
    with torch.autocast("cpu", torch.bfloat16):
        loss = softmax_loss(states, vectors, targets, bounds, seen)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected, rtol=0.02, atol=0.02)


def test_drawing_every_title_once_is_the_full_softmax():
    states, vectors, targets, bounds, owners, seen = problem()
    every = torch.arange(30)
    excluded = excluding(targets, every, bounds, seen, 30)
    drawn = sampled_softmax_loss(states, vectors, targets, every, torch.zeros(30), excluded)
    torch.testing.assert_close(drawn, plain(states, vectors, targets, owners, seen), rtol=1e-5, atol=1e-6)


def test_draws_that_are_the_target_or_were_seen_are_excluded():
    targets, negatives = torch.tensor([4, 0]), torch.tensor([4, 7, 7, 2])
    bounds, seen = torch.tensor([0, 2, 3]), torch.tensor([7, 9, 2])
    expected = [[True, True, True, False], [False, False, False, True]]
    assert excluding(targets, negatives, bounds, seen, 10).tolist() == expected


def test_the_correction_makes_skewed_draws_estimate_the_full_softmax():
    """With 20,000 draws from a skewed distribution the error is about 1 %; without the correction it is far more."""
    states, vectors, targets, bounds, _, seen = problem(excluded=0)
    chances = torch.linspace(1, 20, 30) / torch.linspace(1, 20, 30).sum()
    negatives = torch.multinomial(chances, 20_000, replacement=True)
    own = negatives == targets[:, None]
    full = softmax_loss(states, vectors, targets, bounds, seen)
    near = sampled_softmax_loss(states, vectors, targets, negatives, torch.log(20_000 * chances), own)
    torch.testing.assert_close(near, full, rtol=0.02, atol=0.02)
    plain_draws = sampled_softmax_loss(states, vectors, targets, negatives, torch.full((30,), np.log(20_000 / 30)), own)
    assert abs(plain_draws - full) > 3 * abs(near - full)


@pytest.mark.parametrize("calibration", [0.0, 0.75, 1.0])
def test_gbce_is_its_formula(calibration):
    states, vectors, targets, *_ = problem(rows=6)
    negatives = torch.tensor([3, 3, 7, 11, 20])
    e, s = vectors.detach().double().numpy(), states.detach().double().numpy()
    alpha = 5 / 29
    beta = alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)
    total = 0.0
    for row, target in enumerate(targets.tolist()):
        scores = e[:, :-1] @ s[row] + e[:, -1]
        chance = 1 / (1 + np.exp(-scores))
        total -= beta * np.log(chance[target])
        total -= sum(np.log(1 - chance[j]) for j in negatives.tolist() if j != target)
    found = gbce_loss(states, vectors, targets, negatives, 30, calibration, negatives == targets[:, None])
    assert found.item() == pytest.approx(total / 6, rel=1e-5)

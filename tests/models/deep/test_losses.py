"""Losses against torch's own cross-entropy and against formulas written out in numpy."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from matinee.models.deep.losses import NOTHING, Seen, _exclude, excluding, gbce_loss, sampled_softmax_loss, softmax_loss


def problem(rows=40, titles=30, size=8, seed=0, excluded=3):
    torch.manual_seed(seed)
    states = torch.randn(rows, size, requires_grad=True)
    vectors = torch.randn(titles, size + 1, requires_grad=True)
    targets = torch.randint(0, titles, (rows,))
    seen = (targets[:, None] + torch.randint(1, titles, (rows, excluded))) % titles
    known = torch.randint(0, excluded + 1, (rows,)) if excluded else torch.zeros(rows, dtype=torch.long)
    return states, vectors, targets, Seen(seen, torch.arange(rows), known)


def plain(states, vectors, targets, seen):
    scores = states @ vectors[:, :-1].T + vectors[:, -1]
    pairs = [
        (r, i) for r, (owner, k) in enumerate(zip(seen.owners, seen.known, strict=True)) for i in seen.titles[owner, :k]
    ]
    places = torch.tensor(pairs, dtype=torch.long).view(-1, 2)
    excluded = scores.index_put(tuple(places.T), torch.tensor(-torch.inf))
    return functional.cross_entropy(excluded, targets, ignore_index=NOTHING)


@pytest.mark.parametrize("rows", [1, 40, 1024, 2500])
def test_softmax_is_cross_entropy_without_the_excluded(rows):
    states, vectors, targets, seen = problem(rows)
    expected = plain(states, vectors, targets, seen)
    wanted = torch.autograd.grad(expected, (states, vectors))
    loss = softmax_loss(states, vectors, targets, seen)
    found = torch.autograd.grad(3 * loss, (states, vectors))
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, 3 * b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scale", [30, 300])
def test_softmax_of_scores_whose_exponentials_no_number_holds(scale):
    """Scores of several thousands: exp(89) is too much for float32."""
    states, vectors, targets, seen = problem(300)
    with torch.no_grad():
        vectors *= scale
    expected = plain(states, vectors, targets, seen)
    loss = softmax_loss(states, vectors, targets, seen)
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=0)
    wanted = torch.autograd.grad(expected, (states, vectors))
    for a, b in zip(torch.autograd.grad(loss, (states, vectors)), wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=1e-4 * scale)


def test_rows_of_one_history_exclude_its_beginning_each_as_much_as_it_had_seen():
    states, vectors, _, _ = problem(5)
    histories = torch.tensor([[4, 9, 4, 2], [7, 7, 1, 0]])
    seen = Seen(histories, torch.tensor([0, 0, 1, 0, 1]), torch.tensor([0, 2, 1, 4, 4]))
    targets = torch.tensor([9, 2, 1, 8, 3])
    torch.testing.assert_close(softmax_loss(states, vectors, targets, seen), plain(states, vectors, targets, seen))
    negatives = torch.tensor([4, 9, 7, 2, 1, 0])
    none, first = [False] * 6, [True, True, False, False, False, False]
    all_four, seven = [True, True, False, True, False, False], [False, False, True, False, False, False]
    expected = [none, first, seven, all_four, [False, False, True, False, True, True]]
    expected = [row[:] for row in expected]
    for row, target in enumerate(targets.tolist()):
        expected[row] = [e or n == target for e, n in zip(expected[row], negatives.tolist(), strict=True)]
    assert excluding(targets, negatives, seen, 30).tolist() == expected


def test_rows_without_a_target_teach_nothing():
    """Whatever their states, and though all titles were seen."""
    states, vectors, targets, seen = problem(300)
    odd = torch.arange(300) % 3 == 1
    targets = targets.where(~odd, torch.tensor(NOTHING))
    wanted = torch.autograd.grad(plain(states[~odd], vectors, targets[~odd], of_rows(seen, ~odd)), (states, vectors))
    negatives = torch.tensor([3, 3, 7, 11, 20])
    excluded = excluding(targets, negatives, seen, 30)
    losses = (
        lambda s, t, some: softmax_loss(s, vectors, t, of_rows(seen, some)),
        lambda s, t, some: sampled_softmax_loss(s, vectors, t, negatives, torch.zeros(30), excluded[some]),
        lambda s, t, some: gbce_loss(s, vectors, t, negatives, 30, 0.5, excluded[some]),
    )
    every = torch.ones(300, dtype=torch.bool)
    for loss in losses:
        whole, part = loss(states, targets, every), loss(states[~odd], targets[~odd], ~odd)
        torch.testing.assert_close(whole, part, rtol=1e-5, atol=1e-6)
        for a, b in zip(
            torch.autograd.grad(whole, (states, vectors)), torch.autograd.grad(part, (states, vectors)), strict=True
        ):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    for a, b in zip(torch.autograd.grad(losses[0](states, targets, every), (states, vectors)), wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_device_that_cannot_be_asked_excludes_the_same_titles(kind):
    """A row of scores, whose history begins with 1, 1, 5, had seen 0, 1, 2 or 3 of these: {}, {1}, {1}, {1, 5}."""
    seen = Seen(
        torch.tensor([[1, 1, 5, 0], [2, 3, 2, 4]]), torch.tensor([0, 0, 0, 1, 0]), torch.tensor([0, 1, 2, 4, 3])
    )
    firsts = seen.among(torch.arange(6), 6)
    assert firsts.tolist() == [[3, 0, 4, 4, 4, 2], [4, 4, 0, 1, 3, 4]]
    expected = [[], [1], [1], [2, 3, 4], [1, 5]]
    for how in (None, firsts):
        scores = torch.zeros(5, 6, dtype=kind)
        for block in (slice(0, 2), slice(2, 5)):
            _exclude(scores[block], seen, block, how)
        assert [torch.nonzero(row == -torch.inf).flatten().tolist() for row in scores] == expected
        assert (scores == 0).sum() == 30 - sum(map(len, expected))


def of_rows(seen, some):
    return Seen(seen.titles, seen.owners[some], seen.known[some])


def test_bfloat16_stays_near():
    states, vectors, targets, seen = problem(500)
    expected = plain(states, vectors, targets, seen)
    with torch.autocast("cpu", torch.bfloat16):
        loss = softmax_loss(states, vectors, targets, seen)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected, rtol=0.02, atol=0.02)


def test_drawing_every_title_once_is_the_full_softmax():
    states, vectors, targets, seen = problem()
    every = torch.arange(30)
    excluded = excluding(targets, every, seen, 30)
    drawn = sampled_softmax_loss(states, vectors, targets, every, torch.zeros(30), excluded)
    torch.testing.assert_close(drawn, plain(states, vectors, targets, seen), rtol=1e-5, atol=1e-6)


def test_draws_that_are_the_target_or_were_seen_are_excluded():
    targets, negatives = torch.tensor([4, 0]), torch.tensor([4, 7, 7, 2])
    seen = Seen(torch.tensor([[7, 9, 2], [2, 7, 7]]), torch.tensor([0, 1]), torch.tensor([2, 1]))
    expected = [[True, True, True, False], [False, False, False, True]]
    assert excluding(targets, negatives, seen, 10).tolist() == expected


def test_the_correction_makes_skewed_draws_estimate_the_full_softmax():
    """With 20,000 draws from a skewed distribution the error is about 1 %; without the correction it is far more."""
    states, vectors, targets, seen = problem(excluded=0)
    chances = torch.linspace(1, 20, 30) / torch.linspace(1, 20, 30).sum()
    negatives = torch.multinomial(chances, 20_000, replacement=True)
    own = negatives == targets[:, None]
    full = softmax_loss(states, vectors, targets, seen)
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

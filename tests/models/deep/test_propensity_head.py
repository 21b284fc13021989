"""The propensity head: fixed points that are known in closed form, gradients that must be 0, and calibration."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.deep.losses import Seen, softmax_loss
from matinee.models.deep.propensity_head import HeadConfig, Over, PropensityHead, Use, log_chances, weights_of
from matinee.models.sequence import Sequence, SequenceConfig, Training
from matinee.testing import assert_same, checkerboard
from matinee.testing.scorers import check_storage

pytestmark = pytest.mark.usefixtures("one_thread")

BETA = torch.tensor([0.05, 0.05, 0.3, 0.3, 0.3], dtype=torch.float64)
REWARD = torch.tensor([10.0, 9.0, 1.0, 1.0, 1.0], dtype=torch.float64)
RATIO = HeadConfig(Use.RATIO, 1e9, Over.NOTHING)


def fixed_point(config, steps=3_000, rate=0.15):
    """The table pi that descent on the mean over beta of weight * reward * -log pi ends at."""
    logits = torch.zeros(5, dtype=torch.float64)
    for _ in range(steps):
        log_pi = torch.log_softmax(logits, 0)
        weights = torch.ones(5) if config is None else weights_of(log_pi, BETA.log(), config)
        pulls = BETA * weights * REWARD  # the gradient of -sum pulls log pi is pi sum(pulls) - pulls
        logits -= rate * (log_pi.exp() * pulls.sum() - pulls)
    return torch.softmax(logits, 0).numpy()


def test_without_correction_what_was_shown_often_wins():
    right = BETA * REWARD
    np.testing.assert_allclose(fixed_point(None), right / right.sum(), atol=1e-3)  # .270, .243, .162 three times


def test_one_over_beta_gives_the_rewards_whatever_was_shown():
    inverse = HeadConfig(Use.INVERSE, 1e9, Over.NOTHING)
    np.testing.assert_allclose(fixed_point(inverse), REWARD / 22, atol=1e-3)


def test_the_ratio_chooses_the_best_and_with_top_two_the_best_two():
    assert fixed_point(RATIO)[0] > 0.95
    # r_a K (1 - pi_a)^(K - 1) is the same for both: 1 - pi = nu / r with nu = 1 / (1 / 10 + 1 / 9) = 90 / 19.
    nu = 90 / 19
    two = fixed_point(replace(RATIO, top_k=2))
    np.testing.assert_allclose(two, [1 - nu / 10, 1 - nu / 9, 0, 0, 0], atol=0.01)


def test_a_cap_blunts_the_choice():
    # With pi / beta capped at 2 for both good titles, both are pulled by 2 beta r: 10 to 9.
    np.testing.assert_allclose(fixed_point(replace(RATIO, cap=2.0)), [10 / 19, 9 / 19, 0, 0, 0], atol=0.01)


def test_weights_carry_no_gradient_and_may_have_a_mean_of_one():
    log_pi = torch.log(torch.tensor([0.5, 0.1])).requires_grad_()
    weights = weights_of(log_pi, torch.log(torch.tensor([0.1, 0.4])), HeadConfig(cap=5.0))
    assert not weights.requires_grad
    np.testing.assert_allclose(weights, np.array([5, 2.5]) / 3.75, rtol=1e-6)
    for wrong in ({"use": "never"}, {"over": "max"}, {"cap": 0.0}, {"top_k": 0}):
        with pytest.raises(BadRequest, match="propensity head"):
            HeadConfig(**wrong)


def test_the_encoder_learns_nothing_from_the_head_and_the_head_nothing_from_the_policy():
    torch.manual_seed(0)
    encoder, head = torch.nn.Linear(3, 4), PropensityHead(6, 4)
    policy = torch.randn(6, 5, requires_grad=True)
    with torch.no_grad():
        head.vectors.normal_()
    states, titles, shown = encoder(torch.randn(8, 3)), torch.arange(6), torch.randint(6, (8,))
    head.loss(states, titles, shown).backward(retain_graph=True)
    assert encoder.weight.grad is None  # exactly nothing
    assert float(head.vectors.grad.abs().max()) > 0
    head.vectors.grad = None
    log_pi, log_beta = log_chances(states, policy, shown), head.log_chances(states, titles, shown)
    nobody = Seen(torch.zeros(1, 1, dtype=torch.long), torch.zeros_like(shown), torch.zeros(8, dtype=torch.int16))
    softmax_loss(states, policy, shown, nobody, weights_of(log_pi, log_beta, HeadConfig(Use.RATIO))).backward()
    assert head.vectors.grad is None
    assert float(encoder.weight.grad.abs().max()) > 0


def test_weighted_rows_have_the_loss_and_gradient_of_autograd():
    torch.manual_seed(1)
    states, vectors = torch.randn(7, 4, requires_grad=True), torch.randn(9, 5, requires_grad=True)
    targets, weights = torch.tensor([0, 3, -1, 8, 2, 2, 5]), torch.rand(7)
    nobody = Seen(torch.zeros(1, 1, dtype=torch.long), torch.zeros_like(targets), torch.zeros(7, dtype=torch.int16))
    found = softmax_loss(states, vectors, targets, nobody, weights)
    found.backward()
    mine = states.grad.clone(), vectors.grad.clone()
    states.grad = vectors.grad = None
    logs = torch.log_softmax(states @ vectors[:, :-1].T + vectors[:, -1], dim=1)
    kept = targets >= 0
    right = -(weights * logs[torch.arange(7), targets.clamp_min(0)])[kept].sum() / kept.sum()
    right.backward()
    assert float(found.detach()) == pytest.approx(float(right.detach()), rel=1e-5)
    for own, other in zip(mine, (states.grad, vectors.grad), strict=True):
        np.testing.assert_allclose(own, other, atol=1e-5)


def test_beta_is_calibrated_on_a_log_whose_policy_is_known():
    """Log-loss within 1 % of the policy's own on the same log, and pi / beta of the policy itself 1 on average."""
    torch.manual_seed(2)
    rng, n = np.random.default_rng(2), 5_000
    states = torch.from_numpy(rng.normal(size=(n, 4)).astype(np.float32))
    truth = torch.from_numpy(rng.normal(size=(8, 5)).astype(np.float32))
    logs = torch.log_softmax(states @ truth[:, :-1].T + truth[:, -1], dim=1)
    shown = torch.distributions.Categorical(logits=logs).sample()
    head, titles = PropensityHead(8, 4), torch.arange(8)
    descent = torch.optim.Adam(head.parameters(), 0.1)
    for _ in range(100):
        descent.zero_grad()
        loss = head.loss(states, titles, shown)
        loss.backward()
        descent.step()
    own = logs[torch.arange(n), shown]
    assert float(loss.detach()) == pytest.approx(float(-own.mean()), rel=0.01)
    ratio = torch.exp(own - head.log_chances(states, titles, shown))
    assert 0.95 < float(ratio.mean()) < 1.05


TINY = SequenceConfig(
    size=16,
    layers=1,
    heads=1,
    length=20,
    unit=False,
    unknown=0.5,
    recent=0,
    training=Training(12, 16, 1e-2),
    head=HeadConfig(cap=5.0),
)


def test_a_sequence_model_stores_its_head():
    data = checkerboard()
    brief = replace(TINY, training=Training(1, 16, 1e-2))
    check_storage(lambda: Sequence(brief), Sequence(brief).fit(data, np.random.default_rng(1)), data)


def test_the_head_learns_and_only_learning_knows_it(tmp_path):
    data = checkerboard()
    with_head = Sequence(TINY).fit(data, np.random.default_rng(0))
    assert float(with_head.state.network.head.vectors.detach().abs().max()) > 0
    capped = replace(TINY, head=HeadConfig(cap=1.0, over=Over.NOTHING))  # 1 / beta is never below 1
    same = Sequence(capped).fit(data, np.random.default_rng(0))
    plain = Sequence(replace(TINY, head=None)).fit(data, np.random.default_rng(0))
    assert plain.state.network.head is None
    assert_same(same.answers(_asked()), plain.answers(_asked()))


def _asked():
    return Requests.of_histories(Histories.of_items([[0, 2], [1]]))


def test_a_head_needs_the_exact_softmax():
    with pytest.raises(BadRequest, match="exact softmax"):
        replace(TINY, loss="gbce")
    with pytest.raises(BadRequest, match="exact_up_to"):
        Sequence(replace(TINY, exact_up_to=2)).fit(checkerboard(), np.random.default_rng(0))

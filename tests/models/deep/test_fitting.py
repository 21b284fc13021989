"""The loop that fits networks: the schedule of its rate, and where it computes in bfloat16."""

import numpy as np
import pytest
import torch

from matinee.decision import no_progress
from matinee.models.deep.fitting import Training, _cosine, fit_network, multiplies_halves
from matinee.testing import assert_same

CPU = torch.device("cpu")


def fitted(half):
    """The weights of a linear map after a few steps, and in what its products were computed."""
    kinds = []
    torch.manual_seed(0)
    network = torch.nn.Linear(40, 3)
    inputs, wanted = torch.randn(64, 40), torch.randn(64, 3)

    def loss(batch):
        kinds.append(network(inputs).dtype)
        return ((network(inputs).float() - wanted) ** 2).mean()

    training = Training(epochs=5, rate=1e-2, half=half)
    fit_network(network, training, lambda rng: iter([None]), 1, loss, np.random.default_rng(0), no_progress)
    return network.weight.detach().numpy(), set(kinds)


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_every_step_moves_the_weights(epochs):
    """AdamW moves a weight by about the rate: read in the middle of each step, on half a cosine after no warm-up."""
    seen, weight = [], torch.nn.Parameter(torch.zeros(1))
    network = torch.nn.Module()
    network.register_parameter("weight", weight)

    def loss(batch):
        seen.append(weight.item())
        return -network.weight.sum()

    training = Training(epochs=epochs, rate=0.1, warmup=0.0)
    fit_network(network, training, lambda rng: iter([None]), 1, loss, np.random.default_rng(0), no_progress)
    moved = np.diff([*seen, weight.item()])
    middles = (np.arange(epochs) + 0.5) / epochs
    np.testing.assert_allclose(moved, 0.1 * (1 + np.cos(np.pi * middles)) / 2, rtol=1e-4)


def test_the_rate_rises_through_the_warm_up():
    rates = [_cosine(done, 0.4) for done in (0.1, 0.3, 0.4, 0.7, 1.0)]
    np.testing.assert_allclose(rates, [0.1 / 0.4, 0.3 / 0.4, 1, (1 + np.cos(np.pi / 2)) / 2, 0], atol=1e-12)


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16"])
def test_a_processor_with_the_instructions_computes_in_bfloat16(monkeypatch, name):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {name: True})
    assert multiplies_halves(CPU)
    assert fitted(half=False)[1] == {torch.float32}
    weights, kinds = fitted(half=True)
    assert kinds == {torch.bfloat16}
    assert weights.dtype == np.float32


def test_a_processor_that_would_emulate_it_stays_with_float32(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    assert not multiplies_halves(CPU)
    weights, kinds = fitted(half=True)
    assert kinds == {torch.float32}
    assert_same(weights, fitted(half=False)[0])

"""Factorization is a network: gradient descent on a dot product of embeddings finds what alternation finds."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import sparse

from matinee.decision import no_progress
from matinee.maths import als
from matinee.models.deep.factor_network import Descent, DotProduct
from matinee.models.factors import Factors, FactorsConfig, alternate, random_points, ridges
from matinee.testing import check_scorer

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = FactorsConfig(size=3, epochs=150, alpha0=0.3, reg=0.02)


@pytest.fixture(scope="module")
def likes():
    """60 members and 40 titles with three tastes and noise."""
    rng = np.random.default_rng(0)
    taste = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 40)) + 0.5 * rng.normal(size=(60, 40))
    return sparse.csr_matrix((taste > 1.5).astype(np.float32))


def network_of(likes, seed):
    rng = np.random.default_rng(seed)
    return DotProduct(*(random_points(n, CONFIG, rng) for n in likes.shape))


def test_keeps_the_contract():
    check_scorer(lambda: Factors(FactorsConfig(size=2, epochs=60), Descent(batch=40, rate=5e-2)))


def test_the_loss_of_the_network_is_the_loss_of_the_equations(likes):
    network, sides = network_of(likes, 1), ridges(likes, CONFIG)
    tensors = [torch.from_numpy(side) for side in sides]
    total = 0.0
    for rows in np.split(np.random.default_rng(0).permutation(60), [7, 33]):
        batch = [torch.from_numpy(part.astype(np.int64)) for part in (rows, *likes[rows].nonzero())]
        total += network.loss(batch, CONFIG.alpha0, *tensors).item()
    points, factors = (side.detach().numpy() for side in (network.members, network.titles))
    assert total == pytest.approx(als.loss(likes, points, factors, CONFIG.alpha0, sides), rel=1e-5)


def test_descent_and_alternation_reach_the_same_optimum(likes):
    """From different starts: the same loss to a thousandth, the same score for every member and title."""
    factors = alternate(likes, random_points(40, CONFIG, np.random.default_rng(1)), CONFIG, np.random.default_rng(0))
    sides = ridges(likes, CONFIG)
    points = np.zeros((60, CONFIG.size), np.float32)
    for _ in range(20):
        als.half_step(likes, points, factors, CONFIG.alpha0, sides[0])
    network = network_of(likes, 2)
    Descent(batch=20, rate=0.1).fit(network, likes, CONFIG, np.random.default_rng(3), no_progress)
    found = [side.detach().numpy() for side in (network.members, network.titles)]
    lowest = als.loss(likes, points, factors, CONFIG.alpha0, sides)
    assert als.loss(likes, *found, CONFIG.alpha0, sides) == pytest.approx(lowest, rel=1e-3)
    np.testing.assert_allclose(found[0] @ found[1].T, points @ factors.T, atol=0.1)


def test_serving_factors_needs_no_torch():
    code = "import sys, matinee.models.factors; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

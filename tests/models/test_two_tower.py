"""The two towers keep the contract."""

import pytest

torch = pytest.importorskip("torch")

from matinee.models.deep.fitting import Training
from matinee.models.two_tower import TwoTower, TwoTowerConfig
from matinee.testing import check_scorer

def test_keeps_the_contract():
    check_scorer(lambda: TwoTower(TwoTowerConfig(size=4, hidden=8, training=Training(epochs=60, batch=16, rate=3e-2))))

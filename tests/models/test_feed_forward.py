"""The feed-forward network keeps the contract."""

import pytest

from matinee.models.deep.fitting import Training
from matinee.models.feed_forward import FeedForward, FeedForwardConfig
from matinee.testing import check_scorer

pytestmark = pytest.mark.usefixtures("one_thread")


def test_keeps_the_contract():
    check_scorer(
        lambda: FeedForward(FeedForwardConfig(size=4, hidden=8, training=Training(epochs=60, batch=64, rate=5e-2)))
    )

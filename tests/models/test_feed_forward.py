"""The feed-forward network: the contract, and the layer for each pair, which is never held for all titles."""

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.history import Histories
from matinee.models.deep import match_scorer
from matinee.models.deep.fitting import Training
from matinee.models.feed_forward import FeedForward, FeedForwardConfig
from matinee.testing import check_scorer, checkerboard

pytestmark = pytest.mark.usefixtures("one_thread")


SMALL = FeedForwardConfig(size=4, hidden=8, training=Training(epochs=60, batch=64, rate=5e-2))


def test_titles_are_scored_in_blocks(monkeypatch):
    scorer, items = FeedForward(SMALL).fit(checkerboard(), np.random.default_rng(0)), np.arange(12, dtype=np.int32)
    requests = Requests.of_histories(Histories.of_items([[], [0, 2], [1, 3, 5]]))
    asked = np.tile(items, (3, 1))
    whole, reasons, widths = scorer.score(requests), scorer.explain(requests, asked), []
    monkeypatch.setattr(match_scorer, "TITLES", 5)
    scorer._fitted.network.meet.register_forward_pre_hook(lambda _, given: widths.append(len(given[1])))
    np.testing.assert_allclose(scorer.score(requests), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(scorer.explain(requests, asked), reasons)
    assert set(widths) == {5, 2}


def test_keeps_the_contract():
    check_scorer(lambda: FeedForward(SMALL))

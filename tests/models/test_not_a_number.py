"""Values that are no numbers: a play whose share watched is NaN or minus infinity says nothing, and breaks nothing."""

from dataclasses import replace

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.events import Kind
from matinee.history import Histories
from matinee.models.content.factors import ContentFactors
from matinee.models.content.taste import Content
from matinee.models.deep.fitting import Training
from matinee.models.factorization_machine import FactorizationMachine, FactorizationMachineConfig
from matinee.models.factors import FactorsConfig
from matinee.models.feed_forward import FeedForward, FeedForwardConfig
from matinee.models.linear_autoencoder import Ease
from matinee.models.markov import Markov
from matinee.models.ranking.list_ranker import ListRanker
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.ranking.trees import TreesConfig
from matinee.models.sequence import Sequence, SequenceConfig
from matinee.models.two_tower import TwoTower, TwoTowerConfig
from matinee.testing import checkerboard

pytestmark = pytest.mark.usefixtures("one_thread")

BRIEF = {"size": 4, "training": Training(epochs=1)}
TREES = RankerConfig(enough=10, trees=TreesConfig(rounds=5, least=5, leaves=3, threads=1))
MAKERS = {
    "content": Content,
    "content factors": lambda: ContentFactors(factors=FactorsConfig(size=4, epochs=2)),
    "machine": lambda: FactorizationMachine(FactorizationMachineConfig(**BRIEF)),
    "towers": lambda: TwoTower(TwoTowerConfig(hidden=8, **BRIEF)),
    "feed-forward": lambda: FeedForward(FeedForwardConfig(hidden=8, **BRIEF)),
    "sequence": lambda: Sequence(SequenceConfig(layers=1, heads=1, length=8, **BRIEF)),
    "ranker": lambda: Ranker(TREES, (("ease", Ease()), ("markov", Markov()))),
    "list ranker": ListRanker,
}
ITEMS = [[0, 2, 4], [1]]


def watched(histories: Histories, *shares: float) -> Histories:
    """The histories with these shares watched, over and over."""
    return replace(histories, values=np.resize(np.array(shares, np.float32), len(histories.items)))


@pytest.mark.parametrize("name", MAKERS)
def test_a_share_that_is_no_number_is_no_like(name):
    board = checkerboard()
    vectors = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    catalog = board.catalog.with_vectors({"poster": vectors})
    scores = []
    for odd in (0.0, np.nan, -np.inf):
        data = replace(board, catalog=catalog, histories=watched(board.histories, 1.0, odd, 1.0))
        scorer = MAKERS[name]().fit(data, np.random.default_rng(0))
        asked = watched(Histories.of_items(ITEMS), 1.0, odd, 1.0)
        assert (asked.kinds == Kind.PLAY).all()
        scores.append(scorer.score(Requests.of_histories(asked)))
        assert np.isfinite(scores[-1]).all()
    for one in scores[1:]:
        np.testing.assert_allclose(one, scores[0], rtol=1e-3, atol=1e-5)

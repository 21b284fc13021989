"""The hybrid with a network among its components is saved and loaded whole; the plain ranker refuses it."""

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.errors import ArtifactRefused
from matinee.history import Histories
from matinee.models.linear_autoencoder import Ease
from matinee.models.markov import Markov
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.ranking.sequence_ranker import SequenceRanker
from matinee.models.ranking.trees import TreesConfig
from matinee.models.sequence import Sequence, SequenceConfig, Training
from matinee.testing import assert_same, check_scorer, cyclic

pytestmark = pytest.mark.usefixtures("one_thread")


TINY = SequenceConfig(size=8, layers=1, heads=1, length=8, training=Training(epochs=2, batch=16, rate=3e-2))
SMALL = TreesConfig(rounds=5, least=5, leaves=3, threads=1)


@pytest.mark.parametrize("enough", [500, 10], ids=["blend", "trees"])
def test_keeps_the_contract(enough):
    config = RankerConfig(enough=enough, trees=SMALL)
    check_scorer(lambda: SequenceRanker(config, (("ease", Ease()), ("sequence", Sequence(TINY)))))


def test_a_network_is_a_component_like_any_other(tmp_path):
    parts = (("markov", Markov()), ("sequence", Sequence(TINY)))
    fitted = SequenceRanker(RankerConfig(), parts).fit(cyclic(), np.random.default_rng(0))
    fitted.save(tmp_path)
    requests = Requests.of_histories(Histories.of_items([[0, 1], [], [5]]))
    assert_same(SequenceRanker.load(tmp_path).score(requests), fitted.score(requests))
    with pytest.raises(ArtifactRefused, match="Sequence"):
        Ranker.load(tmp_path)


def test_it_has_all_parts_of_the_plain_ranker():
    names = [name for name, _ in SequenceRanker().components]
    assert names == [*(name for name, _ in Ranker().components), "sequence"]

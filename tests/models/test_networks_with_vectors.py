"""Networks on a catalogue with vectors of images, sound or video: titles without plays are known by them."""

from dataclasses import replace

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.deep.fitting import Training
from matinee.models.factorization_machine import FactorizationMachine, FactorizationMachineConfig
from matinee.models.feed_forward import FeedForward, FeedForwardConfig
from matinee.models.sequence import Sequence, SequenceConfig
from matinee.models.two_tower import TwoTower, TwoTowerConfig
from matinee.testing import assert_same, make_catalog, make_data, make_events

pytestmark = pytest.mark.usefixtures("one_thread")

MATCH = {"size": 8, "id_dropout": 0.3, "training": Training(epochs=30, batch=64, rate=2e-2)}
READER = SequenceConfig(
    size=16, layers=1, heads=1, length=20, id_dropout=0.3, training=Training(epochs=15, batch=16, rate=2e-2)
)
MAKERS = {
    "machine": lambda: FactorizationMachine(FactorizationMachineConfig(**MATCH)),
    "towers": lambda: TwoTower(TwoTowerConfig(hidden=16, **MATCH)),
    "feed-forward": lambda: FeedForward(FeedForwardConfig(hidden=16, **MATCH)),
    "sequence": lambda: Sequence(READER),
}


def two_looks():
    """Two tastes, told by posters alone: titles 0 to 11 look warm, 12 to 23 cold. The last three of each: no play."""
    rng = np.random.default_rng(1)
    likes = [(rng.permutation(9)[:6] + 12 * (k % 2)).tolist() for k in range(80)]
    return make_data(make_events(likes), make_catalog(24).with_vectors(posters(24)))


def posters(titles):
    """Of 26 titles: the first 12 and the last warm, the others cold."""
    warm, cold = np.array([1.0, 0.3, 0.1, 0.0]), np.array([0.1, 0.2, 1.0, 0.4])
    rows = [warm if at < 12 or at == 25 else cold for at in range(titles)]
    return {"poster": np.array(rows, np.float32) + np.linspace(0, 0.1, titles, dtype=np.float32)[:, None]}


def scores_of(scorer, lists):
    return scorer.score(Requests.of_histories(Histories.of_items(lists)))


@pytest.mark.parametrize("name", MAKERS)
def test_posters_tell_what_nobody_played_and_what_came_later(name, tmp_path):
    scorer = MAKERS[name]().fit(two_looks(), np.random.default_rng(0))
    warm, cold = scores_of(scorer, [[0, 1, 2], [12, 13, 14]])
    assert warm[9:12].min() > warm[21:].max()
    assert cold[21:].min() > cold[9:12].max()
    later = scorer.for_titles(make_catalog(26).with_vectors(posters(26)))
    warm, cold = scores_of(later, [[0, 1, 2], [12, 13, 14]])
    assert warm[25] > warm[24]
    assert cold[24] > cold[25]
    scorer.save(tmp_path)
    loaded = type(scorer).load(tmp_path)
    assert_same(scores_of(loaded, [[0, 1]]), scores_of(scorer, [[0, 1]]))
    assert np.isfinite(scores_of(loaded.for_titles(make_catalog(26)), [[0, 1]])).all(), "without posters, by the rest"


def test_going_on_without_the_vectors_is_refused(tmp_path):
    data = two_looks()
    scorer = Sequence(replace(READER, refit_epochs=1)).fit(data, np.random.default_rng(0))
    scorer.save(tmp_path)
    loaded = Sequence.load(tmp_path)
    with pytest.raises(BadRequest, match=r"\['poster'\].*lacks"):
        loaded.refit(replace(data, catalog=make_catalog(24)), np.random.default_rng(0))
    assert np.isfinite(scores_of(loaded.refit(data, np.random.default_rng(0)), [[0]])).all()


def test_vectors_are_content_and_unread_without_it():
    blind = TwoTower(TwoTowerConfig(content=False, hidden=16, **MATCH)).fit(two_looks(), np.random.default_rng(0))
    warm = scores_of(blind, [[0, 1, 2]])[0]
    assert len(set(warm[[9, 10, 11, 21, 22, 23]])) == 1, "nobody played these six"

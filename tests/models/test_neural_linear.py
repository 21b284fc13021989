"""Neural-linear: the linear arms over the last layer of the sequence model, before and after a refit."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.history import Histories
from matinee.models.sequence import Sequence, SequenceConfig, Training
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import Features, LastLayer
from matinee.policies.posterior import Prior
from matinee.testing import check_policy
from matinee.testing.worlds import make_catalog, make_data, make_events

pytestmark = pytest.mark.usefixtures("one_thread")

TITLES = 24
PRIOR = Prior(title_deviation=0.0)  # all that is learned goes through the features


@pytest.fixture(scope="module")
def data():
    """Two halves of the titles, nobody likes both."""
    rng = np.random.default_rng(1)
    likes = [(rng.permutation(12)[:6] + 12 * (k % 2)).tolist() for k in range(60)]
    return make_data(make_events(likes), make_catalog(TITLES))


@pytest.fixture(scope="module")
def network(data):
    training = Training(epochs=8, batch=16, rate=3e-2)
    return Sequence(SequenceConfig(size=16, layers=1, heads=1, length=20, training=training)).fit(
        data, np.random.default_rng(0)
    )


def asked(batch: int = 60) -> Requests:
    """Members of either half in turn, and some without a history."""
    lists = [[12 * (k % 2) + k % 5, 12 * (k % 2) + 6] if k % 10 else [] for k in range(batch)]
    return Requests.of_histories(Histories.of_items(lists), 10**15)


def arms(network: Sequence, catalog) -> LinearArms:
    features = Features.of(LastLayer(network), len(catalog), 4)
    return LinearArms("neural", "network", catalog, features, ArmsConfig(prior=PRIOR))


def enjoyed(made) -> np.ndarray:
    """Each member enjoys the titles of their half."""
    half = np.arange(len(made)) % 2
    return (made.titles // 12 == half[made.choices.decisions]).astype(float)


def test_the_inner_product_of_the_last_layer_is_the_score(network):
    requests = asked()
    layer = LastLayer(network)
    points = layer.member_vectors(requests)
    ranked = points @ layer.title_vectors.T
    known = points.any(axis=1)
    shares = [np.corrcoef(ranked[b], network.score(requests)[b])[0, 1] for b in np.flatnonzero(known)]
    assert np.mean(shares) > 0.9
    assert not known[::10].any()


def test_conformance(network, data):
    check_policy(lambda: arms(network, data.catalog), data.catalog, asked(12))


def test_taste_is_learned_through_the_layer_and_learned_again_after_a_refit(network, data):
    rng, log = np.random.default_rng(0), []
    policy = arms(network, data.catalog)
    for _ in range(15):
        made = policy.decide(asked(), rng)
        log.append((made, enjoyed(made)))
        policy.learn(*log[-1])
    known = np.arange(60) % 10 > 0
    assert np.mean([one[known].mean() for _, one in log[-5:]]) > 0.8
    again = arms(Sequence(network.config).fit(data, np.random.default_rng(5)), data.catalog)
    for made, rewards in log:
        again.learn(made, rewards)
    assert enjoyed(again.decide(asked(), rng))[known].mean() > 0.8

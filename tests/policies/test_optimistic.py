"""LinUCB: the bound is arithmetic, what is unknown is tried, and the best title is found."""

from __future__ import annotations

import numpy as np
import pytest
from arm_worlds import TITLES, Points, asked

from matinee.errors import BadRequest
from matinee.policies.disjoint import Disjoint, DisjointPrior
from matinee.policies.features import Features
from matinee.policies.optimistic import OptimisticArms, OptimisticConfig
from matinee.policies.posterior_arms import PosteriorArms
from matinee.testing import check_policy, make_catalog

CATALOG = make_catalog(TITLES)
FEATURES = Features.of(Points(), TITLES, 3)


def bounded(optimism=1.0, floor=0.01):
    nothing = Disjoint.nothing(TITLES, 4, DisjointPrior(0.1, 0.2, 0.4))
    return OptimisticArms("bound", PosteriorArms("arms", CATALOG, FEATURES, nothing), OptimisticConfig(optimism, floor))


def taught(policy, batches, seed=0):
    """Title 3 is worth .7, others .1."""
    rng = np.random.default_rng(seed)
    for _ in range(batches):
        made = policy.decide(asked(50), rng)
        policy.learn(made, (rng.random(50) < np.where(made.titles == 3, 0.7, 0.1)).astype(float))
    return policy


def test_conformance():
    check_policy(lambda: taught(bounded(floor=0.2), 3), CATALOG, asked(30))


def test_the_largest_bound_is_chosen():
    policy = taught(bounded(1.5), 4)
    mean, deviation = policy.belief(asked(6))
    best = (mean + 1.5 * deviation).argmax(axis=1)
    found = policy.probabilities(asked(6))
    np.testing.assert_allclose(found.of(best.astype(np.int32)), 0.99 + 0.01 / TITLES)


def test_what_is_unknown_is_tried_until_the_best_is_found():
    """One title after another is tried in vain, and bounds shrink until that of title 3 stands out."""
    policy = taught(bounded(), 80)
    assert policy.posterior == 80
    assert policy.decide(asked(300), np.random.default_rng(0)).titles.tolist().count(3) > 240


def test_bad_settings_are_refused():
    with pytest.raises(BadRequest, match="optimism is -1"):
        OptimisticConfig(optimism=-1.0)
    with pytest.raises(BadRequest):
        OptimisticConfig(floor=0.0)

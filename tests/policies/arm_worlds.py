"""Linear arms over a dozen titles, and requests for them."""

from __future__ import annotations

import numpy as np

from matinee.decision import Requests
from matinee.history import Histories
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import Features
from matinee.policies.posterior import Posterior
from matinee.testing import make_catalog

TITLES, SIZE = 12, 4


class Points:
    """Random points of titles; a member is the sum of their history's."""

    def __init__(self, titles: int = TITLES) -> None:
        self.title_vectors = np.random.default_rng(5).normal(size=(titles, SIZE)).astype(np.float32)

    def member_vectors(self, requests: Requests) -> np.ndarray:
        histories = requests.histories
        lists = np.split(histories.items, histories.offsets[1:-1])
        return np.array([self.title_vectors[one].sum(axis=0) for one in lists]).reshape(-1, SIZE)


def arms(
    config: ArmsConfig = ArmsConfig(), titles: int = TITLES, learned: Posterior | None = None, kind=LinearArms
) -> LinearArms:
    features = Features.of(Points(), titles, 3)
    return kind("arms", "artifact", make_catalog(titles), features, config, learned)


def asked(batch: int = 50, **fields) -> Requests:
    """Every third request is of a member without a history."""
    lists = [[k % TITLES, (5 * k) % TITLES] if k % 3 else [] for k in range(batch)]
    return Requests.of_histories(Histories.of_items(lists), 10**15, **fields)

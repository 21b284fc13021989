"""What each request of a batch may be shown, decided once for all requests that agree on it."""

from __future__ import annotations

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.eligibility import eligibility, eligible
from matinee.maths.arrays import Flags, Int32s, Int64s


def offered(catalog: Catalog, requests: Requests) -> tuple[Flags, Int32s]:
    """The masks of eligible titles that differ (masks, titles), and which of them each request has (batch,).

    Requests with exclusions, candidates, company or an episode of their own have a mask each: batch x titles bytes.
    """
    own = (requests.exclude, requests.candidates, requests.together, requests.episodes)
    if any(one is not None for one in own):
        return eligible(catalog, requests), np.arange(len(requests), dtype=np.int32)
    found = eligibility(catalog, requests)
    return found.masks, found.rules


def distinct_offers(catalog: Catalog, requests: Requests) -> tuple[Flags, Int64s]:
    """As `offered`, no two masks alike: (masks, titles), and which of them each request has (batch,)."""
    masks, whose = offered(catalog, requests)
    distinct, number = np.unique(masks, axis=0, return_inverse=True)
    return distinct, number.ravel()[whose].astype(np.int64)

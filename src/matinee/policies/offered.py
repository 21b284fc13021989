"""What each request of a batch may be shown, decided once for all requests that agree on it."""

from __future__ import annotations

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.eligibility import eligibility, eligible
from matinee.maths.arrays import Flags, Int32s


def offered(catalog: Catalog, requests: Requests) -> tuple[Flags, Int32s]:
    """The masks of eligible titles that differ (masks, titles), and which of them each request has (batch,).

    Requests with exclusions, candidates, company or an episode of their own have a mask each: batch x titles bytes.
    """
    own = (requests.exclude, requests.candidates, requests.together, requests.episodes)
    if any(one is not None for one in own):
        return eligible(catalog, requests), np.arange(len(requests), dtype=np.int32)
    found = eligibility(catalog, requests)
    return found.masks, found.rules

"""Position bias: how much likelier the first place of a list is looked at than the others, out of clicks."""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles, Flags, Int32s

STEPS = 200
SMALL = 1e-6
EDGE = 1e-4  # chances stay so far from 0 and 1


def by_chance(positions: Int32s, clicked: Flags) -> Doubles:
    """(places,) examination of each place as a share of the first one's, where chance ordered the lists.

    theta_k = (clicks_k / shown_k) / (clicks_0 / shown_0): what stands where is the same on average, so only places
    differ. `positions` and `clicked` (shown,). NaN where the first place was never clicked.
    """
    assert positions.shape == clicked.shape, f"positions {positions.shape}, clicked {clicked.shape}"
    shown = np.bincount(positions)
    clicks = np.bincount(positions, clicked, len(shown))
    rates = np.divide(clicks, shown, out=np.full(len(shown), np.nan), where=shown > 0)
    return rates / rates[0] if len(rates) and rates[0] > 0 else np.full(len(rates), np.nan)


def by_em(positions: Int32s, titles: Int32s, clicked: Flags) -> tuple[Doubles, Doubles]:
    """(places,) examination as a share of the first one's and (titles,) chance of a click if looked at, of greatest
    likelihood, whoever ordered the lists.

    P(click) = theta_k gamma_i. Without a click nobody knows whether nobody looked or nobody liked:
    P(looked | no click) = theta (1 - gamma) / (1 - theta gamma), and of liking alike; each round takes their means.
    Only theta gamma is known, so theta_0 = 1 is a choice of scale. It needs titles that stood at several places.
    Source: Wang et al. 2018, "Position bias estimation for unbiased learning to rank in personal search", one gamma a
    title in place of a regression.
    """
    assert positions.shape == titles.shape == clicked.shape, "one of each a title shown"
    places, kinds = int(positions.max(initial=-1)) + 1, int(titles.max(initial=-1)) + 1
    shown, stood = (np.maximum(np.bincount(one, minlength=n), 1) for one, n in ((positions, places), (titles, kinds)))
    theta = np.full(places, 0.5)
    gamma = np.clip(np.bincount(titles, clicked, kinds) / stood, EDGE, 1 - EDGE)
    for _ in range(STEPS):
        before, both = theta, theta[positions] * gamma[titles]
        looked = np.where(clicked, 1.0, (theta[positions] - both) / (1 - both))
        wanted = np.where(clicked, 1.0, (gamma[titles] - both) / (1 - both))
        theta = np.clip(np.bincount(positions, looked, places) / shown, EDGE, 1 - EDGE)
        gamma = np.clip(np.bincount(titles, wanted, kinds) / stood, EDGE, 1 - EDGE)
        if np.abs(theta - before).max(initial=0.0) < SMALL:
            break
    first = theta[0] if places else 1.0
    return theta / first, np.minimum(gamma * first, 1.0)

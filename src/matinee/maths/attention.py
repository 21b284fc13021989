"""Attention: how likely each place of a page is looked at, from which places were and which were not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matinee.maths.arrays import Doubles, Int64s
from matinee.maths.intervals import NORMAL_95

STEPS = 100
SMALL = 1e-10


class Decays(NamedTuple):
    """Chances to go on (3,) - to the next row, to the next column, to the next screen - with 95 % intervals."""

    value: Doubles
    low: Doubles
    high: Doubles


class Counts(NamedTuple):
    """How often each member was `shown` a place and had `seen` it, each (n,); `places` (n,) rows of the exponents."""

    members: Int64s
    places: Int64s
    shown: Doubles
    seen: Doubles


def fit_attention(exponents: Doubles, counts: Counts, prior: Doubles, prior_exponents: Doubles) -> Decays:
    """The decays d of greatest likelihood where P(place with exponents e is seen) = prod_k d_k^e_k.

    `exponents` (places, 3): rows above, columns before, screens before. `prior` (3,), each in (0, 1), counts as one
    page more, with the places `prior_exponents` (m, 3), each seen as often as it says, so that every answer is finite.
    The likelihood, a binomial with a logarithmic link, is concave in log d: Newton's method, damped. A place without
    exponents is always seen and says nothing. Places of one page are seen together and pages of one member alike; so
    the intervals are over members, by the sandwich H^-1 (sum_m g_m g_m' + I) H^-1 of log d, with g_m the gradient of
    member m, H the curvature and I the information of the prior's page.
    Sources: Wacholder, "Binomial regression in GLIM", 1986; Liang and Zeger, 1986.
    """
    assert exponents.shape[1:] == prior_exponents.shape[1:] == prior.shape == (3,), f"exponents {exponents.shape}"
    assert len(counts.members) == len(counts.places) == len(counts.shown) == len(counts.seen), "counts differ in length"
    assert ((prior > 0) & (prior < 1)).all(), f"prior {prior}"
    believed = np.exp(prior_exponents @ np.log(prior))
    design = np.concatenate([exponents, prior_exponents])
    n, tells = len(exponents), design.any(axis=1)
    shown = np.append(np.bincount(counts.places, counts.shown, n), np.ones(len(believed)))
    seen = np.append(np.bincount(counts.places, counts.seen, n), believed)
    told = [np.asarray(one[tells], np.float64) for one in (design, shown, seen)]
    theta = _newton(told[0], told[1], told[2], np.log(prior))
    spread = np.sqrt(np.diag(_covariance(theta, exponents, counts, prior_exponents)))
    return Decays(*(np.minimum(np.exp(theta + way * NORMAL_95 * spread), 1.0) for way in (0.0, -1.0, 1.0)))


def _newton(design: Doubles, shown: Doubles, seen: Doubles, start: Doubles) -> Doubles:
    theta, loss = start, _loss(design, shown, seen, start)
    for _ in range(STEPS):
        p = np.exp(design @ theta)
        gradient = ((seen - shown * p) / (1 - p)) @ design
        curvature = (design.T * ((shown - seen) * p / (1 - p) ** 2)) @ design
        step = np.linalg.solve(curvature, gradient)
        while not (new := _loss(design, shown, seen, theta + step)) <= loss and np.abs(step).max() > SMALL:
            step /= 2
        if not new <= loss:
            break
        theta, done, loss = theta + step, loss - new < SMALL * abs(loss), new
        if done:
            break
    return theta


def _loss(design: Doubles, shown: Doubles, seen: Doubles, theta: Doubles) -> float:
    """Minus the log-likelihood; infinite where a decay is no probability below 1."""
    if theta.max() >= 0:
        return np.inf
    logs = design @ theta
    return -float(seen @ logs + (shown - seen) @ np.log(-np.expm1(logs)))


def _covariance(theta: Doubles, exponents: Doubles, counts: Counts, prior_exponents: Doubles) -> Doubles:
    """(3, 3) of log d, over members."""
    p, odds = np.exp(exponents @ theta), _odds(exponents, theta)
    shown = np.bincount(counts.places, counts.shown, len(exponents))
    information = (prior_exponents.T * _odds(prior_exponents, theta)) @ prior_exponents
    curvature = (exponents.T * (shown * odds)) @ exponents + information
    surprise = (counts.seen - counts.shown * p[counts.places]) * (1 + odds[counts.places])
    number = np.unique(counts.members, return_inverse=True)[1]
    gradients = [np.bincount(number, surprise * column[counts.places]) for column in exponents.T]
    inverse = np.linalg.inv(curvature)
    return np.asarray(inverse @ (np.stack(gradients) @ np.stack(gradients).T + information) @ inverse)


def _odds(exponents: Doubles, theta: Doubles) -> Doubles:
    """P / (1 - p) of each place; 0 of those that are always seen."""
    p = np.exp(exponents @ theta)
    return np.asarray(np.divide(p, 1 - p, out=np.zeros(len(p)), where=exponents.any(axis=1)))

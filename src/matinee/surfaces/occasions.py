"""What members watch more often on some occasions than else: counted, shrunken, and weighed into pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse
from scipy.special import gammaincinv, gammaln

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.occasions import (
    FILM,
    GENRES,
    KIDS,
    LONG,
    LONG_MINUTES,
    N_OCCASIONS,
    SERIES,
    SHORT,
    SHORT_MINUTES,
    UNKNOWN,
    Liking,
    kids_of,
    occasions_of,
)
from matinee.decision.requests import situations_of
from matinee.events import liked
from matinee.history import TrainingData
from matinee.maths.arrays import Doubles, Floats, Int32s, Int64s
from matinee.maths.ragged import Ragged, owners_of, transpose

PRIORS = 2.0 ** np.arange(0, 15)  # plays that the prior may weigh; the largest where occasions say nothing
SURE = 0.01  # a row stands where the lift is above 1 with a probability of 1 - SURE,
WORTH_SAYING = 1.15  # and its mean at least this,
LEAST_MEMBERS = 3  # out of the plays of this many members
ROWS = 2  # of these on a page
SERIES_KINDS = ("series", "show", "tv show", "tv series")
MOST = 2.0  # the factor, or its inverse, by which an occasion moves a title's worth at most


@dataclass(frozen=True)
class Occasions:
    """`lifts` (occasions, features) of a catalogue's titles, 1 = no more and no less than else; `rows`: what is worth a
    row, best known first. Nothing known: no rows of either. `weighs`: titles are weighed by them; not beside a scorer
    that reads the clock itself.
    """

    lifts: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    rows: tuple[Liking, ...] = ()
    weighs: bool = True

    @classmethod
    def of(cls, data: TrainingData) -> Occasions:
        """Out of all likes known: for each occasion s and feature f, with O what was watched and E what was expected,

            E_sf = sum over members u of n_us * p_uf,    lift_sf = (O_sf + k) / (E_sf + k).

        n_us: the titles that u liked on s; p_uf: the share of u's own titles that have f, so that a taste is not taken
        for an occasion. For kids p is everybody's. The lift is the posterior mean under O ~ Poisson(E * lift) and
        lift ~ Gamma(k, k) (Clayton & Kaldor 1987, "Empirical Bayes estimates of age-standardized relative risks");
        k maximises the likelihood of all O among `PRIORS`.
        """
        features = _features(data.catalog)
        observed, expected, members = _counts(data, features)
        prior = _prior(observed, expected)
        lifts = (observed + prior) / (expected + prior)
        lowest = gammaincinv(observed + prior, SURE) / (expected + prior)
        told = (lowest > 1.0) & (lifts >= WORTH_SAYING) & (members[:, None] >= LEAST_MEMBERS)
        best = sorted(zip(*np.nonzero(told), strict=True), key=lambda at: (-lowest[at], at))
        rows = tuple(Liking(int(s), int(f), float(lifts[s, f])) for s, f in best)
        return cls(np.asarray(lifts, np.float32), rows) if rows else cls()

    @property
    def parts(self) -> tuple[object, ...]:
        """All of it as arrays and plain values."""
        return (self.lifts, self.rows, self.weighs) if self.rows else ()

    def plain(self) -> dict[str, Any]:
        """All of it as JSON can hold it; `of_plain` reads it."""
        if not self.rows:
            return {}
        return {"lifts": self.lifts.tolist(), "rows": [list(one) for one in self.rows], "weighs": self.weighs}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Occasions:
        """What `plain` gave."""
        if not plain:
            return cls()
        rows = tuple(Liking(*one) for one in plain["rows"])
        return cls(np.array(plain["lifts"], np.float32), rows, plain["weighs"])


class Suited:
    """The occasions of one catalogue: how well each title suits each, and the titles of each feature."""

    def __init__(self, occasions: Occasions, catalog: Catalog) -> None:
        self._occasions, self._catalog = occasions, catalog
        self._known: dict[int, Floats] = {}

    def weigh(self, worth: Floats, requests: Requests) -> Floats:
        """`worth` (batch, titles) times how well each title suits the occasion, at most `MOST` and below 1, in place.

        A title's factor is the product of the lifts of its length, its kind and, of its genres, their geometric mean.
        """
        if not self._occasions.rows or not self._occasions.weighs:
            return worth
        occasions = asked_on(requests)
        for occasion in np.unique(occasions[occasions != UNKNOWN]).tolist():
            rows = occasions == occasion
            worth[rows] = np.minimum(worth[rows] * self._factors(occasion), np.float32(1 - 1e-6))
        return worth

    def likings(self, occasion: int) -> list[Liking]:
        """What is worth a row on an occasion, at most `ROWS`."""
        return [one for one in self._occasions.rows if one.occasion == occasion][:ROWS]

    def titles(self, feature: int) -> Int32s:
        """The titles that have a feature."""
        return self._titles[feature]

    @cached_property
    def _titles(self) -> Ragged:
        return transpose(_features(self._catalog), GENRES + len(self._catalog.genres))

    def _factors(self, occasion: int) -> Floats:
        """(titles,) how well each title suits an occasion; two threads that both find it out agree."""
        if occasion not in self._known:
            self._known[occasion] = _suits(np.log(self._occasions.lifts[occasion]), self._catalog)
        return self._known[occasion]


def asked_on(requests: Requests) -> Int64s:
    """(batch,) the occasion of each request; a kids' profile is one of its own."""
    return np.where(kids_of(requests), KIDS, occasions_of(requests.situations))


def _suits(logs: Doubles, catalog: Catalog) -> Floats:
    """(titles,) the factor of each title, out of the log-lift of each feature."""
    features = _features(catalog)
    owners = owners_of(features.offsets)
    genre = features.values >= GENRES
    counts = np.maximum(np.bincount(owners[genre], minlength=len(catalog)), 1)
    weights = np.where(genre, 1.0 / counts[owners], 1.0)
    total = np.bincount(owners, logs[features.values] * weights, minlength=len(catalog))
    return np.exp(np.clip(total, -np.log(MOST), np.log(MOST))).astype(np.float32)


def _features(catalog: Catalog) -> Ragged:
    """Title -> its features."""
    minutes, series = _minutes(catalog), catalog.guide.n_episodes > 0
    kinds = catalog.titles["kind"].fill_null("").str.to_lowercase()
    series = series | kinds.is_in(SERIES_KINDS).to_numpy()
    lists = []
    for item in range(len(catalog)):
        length = [SHORT] if 0 < minutes[item] <= SHORT_MINUTES else [LONG] if minutes[item] >= LONG_MINUTES else []
        lists.append([*length, SERIES if series[item] else FILM, *(GENRES + catalog.title_genres[item]).tolist()])
    return Ragged.of(lists)


def _minutes(catalog: Catalog) -> Doubles:
    """(titles,) how long one sitting is: of a series its middle episode; 0 where nobody says."""
    known = catalog.titles["minutes"].fill_null(0).to_numpy().astype(np.float64)
    guide, lengths = catalog.guide, catalog.series.frame["minutes"].fill_null(0).to_numpy()
    for item in np.flatnonzero(guide.n_episodes):
        theirs = lengths[guide.order[guide.offsets[item] : guide.offsets[item + 1]]]
        known[item] = np.median(theirs[theirs > 0]) if (theirs > 0).any() else known[item]
    return known


def _counts(data: TrainingData, features: Ragged) -> tuple[Doubles, Doubles, Int64s]:
    """O and E (occasions, features), and how many members each occasion has; a title counts once for each of them."""
    likes = data.events.filter(liked())
    occasions = occasions_of(situations_of(likes, data.clocks))
    kids = likes["user_id"].replace_strict(
        {user: one.kids for user, one in data.clocks.profiles.items()}, default=False, return_dtype=pl.Boolean()
    )
    occasions = np.where(kids.to_numpy(), KIDS, occasions)
    members, items = likes["user_id"].rank("dense").to_numpy().astype(np.int64) - 1, likes["item"].to_numpy()
    known = occasions != UNKNOWN
    each = np.unique(np.stack([members[known], occasions[known], items[known]], axis=1), axis=0)
    n_members, n_titles = int(members.max(initial=-1)) + 1, len(data.catalog)
    of_title = sparse.csr_matrix(
        (np.ones(len(features.values)), features.values, features.offsets),
        shape=(n_titles, GENRES + len(data.catalog.genres)),
    )
    shape = (N_OCCASIONS, n_titles)
    observed = (sparse.csr_matrix((np.ones(len(each)), (each[:, 1], each[:, 2])), shape=shape) @ of_title).toarray()
    watched = sparse.csr_matrix((np.ones(len(each)), (each[:, 0], each[:, 2])), shape=(n_members, n_titles)) @ of_title
    moments = sparse.csr_matrix((np.ones(len(each)), (each[:, 0], each[:, 1])), shape=(n_members, N_OCCASIONS))
    totals = np.maximum(np.asarray(moments.sum(axis=1)).ravel(), 1.0)
    expected = (moments.T @ sparse.diags(1.0 / totals) @ watched).toarray()
    expected[KIDS] = moments[:, [KIDS]].sum() * observed.sum(axis=0) / max(len(each), 1)
    return observed, expected, np.asarray((moments > 0).sum(axis=0)).ravel()


def _prior(observed: Doubles, expected: Doubles) -> float:
    """How many plays the prior weighs: the k among `PRIORS` under which negative binomial counts are likeliest."""
    here = expected > 0
    counts, means = observed[here], expected[here]
    likelihoods = [
        np.sum(gammaln(counts + k) - gammaln(k) + k * np.log(k / (k + means)) + counts * np.log(means / (k + means)))
        for k in PRIORS
    ]
    return float(PRIORS[int(np.argmax(likelihoods))])

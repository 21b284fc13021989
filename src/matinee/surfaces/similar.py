"""More like this: one row of the titles nearest to a title, for a member who may see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Maker, Requests, Scorer, decision_ids, digest
from matinee.decision.eligibility import eligible, nameable
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, UInt64s
from matinee.maths.calibration import Platt
from matinee.page import RowKind
from matinee.surfaces.neighborhood import Neighborhood
from matinee.surfaces.pages.builder import Built, Shown, build_pages
from matinee.surfaces.pages.deciding import decided, log_probs_of, pages_of, shown_in, worth_of
from matinee.surfaces.pages.rows import Pools
from matinee.surfaces.stopwatch import Stopwatch
from matinee.surfaces.sway import Sway
from matinee.surfaces.tilt import straightened, tilt
from matinee.surfaces.trust import had_enough

ROW = 1  # the one candidate row; row 0 is the billboard that this surface has not


@dataclass(frozen=True)
class SimilarPolicy:
    """The scorer's answer to someone who watched nothing but `requests.about`, best first.

    The layout's columns say how many; that one is never among them, nor what the member had enough of. One that the
    member may not be shown has no row. Under a filter those with the best score of all others that it speaks for follow
    the nearest. `surprise` and `seldom` (titles,) as of the charts, for the dials for novelty and exposure.
    """

    policy_id: str
    artifact_id: str
    catalog: Catalog
    scorer: Scorer
    calibration: Platt
    neighbors: int = 400
    surprise: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    seldom: Flags = field(default_factory=lambda: np.empty(0, np.bool_))

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One row per request."""
        watch = Stopwatch()
        bits = requests.bits(rng)
        allowed = eligible(self.catalog, requests)
        sway = Sway.of(self.catalog, requests, self.seldom)
        pools, left = self._pools(requests, allowed, sway)
        watch.lap("rows")
        built = straightened(self._build(pools, requests, sway, bits), pools, left)
        watch.lap("page")
        evidence = np.where(built.items >= 0, _about(requests)[:, None, None], -1).astype(np.int32)
        return decided(
            requests,
            pages_of(pools, built, evidence, self.catalog),
            built,
            allowed,
            bits=bits,
            ids=decision_ids(len(requests), rng),
            maker=self.maker,
            catalog=self.catalog,
            timings=watch.laps,
        )

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each choice; -inf at the first that this policy would never have made."""
        requests = decisions.requests
        sway = Sway.of(self.catalog, requests, self.seldom)
        pools, _ = self._pools(requests, eligible(self.catalog, requests), sway)
        shown = shown_in(decisions, pools, self.catalog)
        return log_probs_of(decisions, self._build(pools, requests, sway, np.zeros(len(requests), np.uint64), shown))

    @cached_property
    def maker(self) -> Maker:
        """What its decisions say of who made them."""
        known = (one for one in (self.surprise, self.seldom) if len(one))
        parts = (self.policy_id, self.calibration, self.neighbors, *known, *self.catalog.versioned)
        return Maker(self.policy_id, self.artifact_id, digest(*parts))

    def _pools(self, requests: Requests, allowed: Flags, sway: Sway) -> tuple[Pools, Floats | None]:
        """The row of each request, and what dials left of the worth of its titles."""
        about, named = _about(requests), nameable(self.catalog, requests, allowed)
        nearest = self._neighborhood.nearest(about)
        alone = Requests.of_histories(Histories.of_items([[int(title)] for title in about]))
        worth = worth_of(self.scorer.score(alone), self.calibration)
        left = tilt(worth, requests, self.surprise)
        allowed = allowed & ~had_enough(requests, self.catalog)
        pools = Pools.empty(len(requests), ROW + 1, nearest.shape[1], minimum=1)
        pools.kinds[:, ROW], pools.keys[:, ROW] = RowKind.SIMILAR, about
        for b in np.flatnonzero(named[np.arange(len(about)), about]):
            offered = nearest[b][(nearest[b] >= 0) & allowed[b, nearest[b]]]
            if requests.control.filter:
                offered = self._topped_up(offered, int(about[b]), allowed[b], worth[b])
            offered, worths = _tilted(offered, worth[b], None if left is None else left[b])
            _fill(pools, int(b), offered, worths)
            pools.logits[b, ROW, : len(offered)] += sway.logits(int(b), offered)
        return pools, left

    def _topped_up(self, near: Int32s, about: int, allowed: Flags, worth: Floats) -> Int32s:
        """The nearest, and behind them the best of all other allowed titles that `about` speaks for."""
        others = allowed.copy()
        others[near] = others[about] = False
        left = np.flatnonzero(others).astype(np.int32)
        best = left[np.argsort(-worth[left], kind="stable")[: self.neighbors]]
        speaks = self.scorer.explain(Requests.of_histories(Histories.of_items([[about]])), best[None])[0] >= 0
        return np.append(near, best[speaks])[: self.neighbors]

    def _build(self, pools: Pools, requests: Requests, sway: Sway, bits: UInt64s, shown: Shown | None = None) -> Built:
        shares = np.full(len(self.catalog.genres), 1.0 / max(len(self.catalog.genres), 1), np.float32)
        return build_pages(pools, requests, self.catalog, shares, requests.exploration or 0.0, bits, shown, sway=sway)

    @cached_property
    def _neighborhood(self) -> Neighborhood:
        return Neighborhood(self.scorer, min(self.neighbors, len(self.catalog)))


def _about(requests: Requests) -> Int32s:
    if requests.about is None or requests.layout.billboard:
        raise BadRequest("similar titles need `about` and a layout without a billboard")
    return requests.about


def _tilted(titles: Int32s, worth: Floats, left: Floats | None) -> tuple[Int32s, Floats]:
    """Titles and their worths as they are, or by falling worth once dials have taken theirs."""
    if left is None:
        return titles, worth[titles]
    worths = worth[titles] * left[titles]
    order = np.argsort(-worths, kind="stable")
    return titles[order], worths[order]


def _fill(pools: Pools, b: int, titles: Int32s, worths: Floats) -> None:
    size = len(titles)
    pools.sizes[b, ROW] = size
    pools.items[b, ROW, :size] = titles
    pools.worths[b, ROW, :size] = worths
    pools.logits[b, ROW, :size] = np.log(worths)

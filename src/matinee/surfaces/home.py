"""THE FLOW: eligible -> scores -> rows -> page -> Decisions. Read `HomePolicy._page` first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import (
    UNSPOKEN,
    Beliefs,
    Decisions,
    Explain,
    Maker,
    Requests,
    Scorer,
    decision_ids,
    digest,
    joined,
    scored,
)
from matinee.decision.eligibility import eligible, nameable, only_allowed
from matinee.errors import require_share
from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, UInt64s
from matinee.maths.calibration import Platt
from matinee.maths.cores import blas_in_the_calling_thread, usable_cores
from matinee.page import Layouts
from matinee.surfaces.charts import Charts
from matinee.surfaces.neighborhood import Neighborhood
from matinee.surfaces.occasions import Occasions, Suited
from matinee.surfaces.pages.builder import Built, Shown, Where, build_pages
from matinee.surfaces.pages.deciding import decided, log_probs_of, pages_of, shown_in, worth_of
from matinee.surfaces.pages.rows import Pools, RowsConfig, Themes, candidate_rows, latest_tastes, themes_of
from matinee.surfaces.pages.shortlist import shortlist
from matinee.surfaces.reasons import with_reasons
from matinee.surfaces.stopwatch import Stopwatch
from matinee.surfaces.sway import Sway
from matinee.surfaces.taste import GenreSets, intents, name_tastes, with_taste
from matinee.surfaces.tastes import beliefs
from matinee.surfaces.tilt import straightened, tilt
from matinee.surfaces.trust import had_enough
from matinee.surfaces.unboosted import unboosted
from matinee.tone import tones

BLOCK = 64  # requests decided at a time, fewer where their scores would be more than `AT_ONCE`
AT_ONCE = 1 << 23


@dataclass(frozen=True, slots=True)
class HomeConfig:
    """`exploration`: 0 = the best page, 1 = rows and titles drawn in proportion to their worth; `where` on the page.

    `neighbors`: titles considered for a because-you-watched row.
    """

    exploration: float = 0.0
    neighbors: int = 60
    rows: RowsConfig = RowsConfig()
    where: Where = field(default=Where(), repr=False)

    def __post_init__(self) -> None:
        require_share("exploration", self.exploration)


@dataclass(frozen=True)
class HomePolicy:
    """Home pages out of a fitted scorer and the charts. Safe to share by threads.

    `calibration` turns the scorer's numbers into the probability that a title satisfies, which `occasions` weigh;
    `layouts` say how members look at its pages, for whoever makes the requests: a page is built for the layout of its
    request. A batch is decided in blocks on all cores; memory is 14 bytes a title and some 200 kB of
    candidates for each request of a block.
    """

    policy_id: str
    artifact_id: str
    catalog: Catalog
    scorer: Scorer
    calibration: Platt
    charts: Charts
    config: HomeConfig = HomeConfig()
    layouts: Layouts = Layouts()
    occasions: Occasions = field(default_factory=Occasions)

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One page per request. The random bits of a page depend on `rng` and its place in the batch only."""
        batch = len(requests)
        bits = requests.bits(rng)
        ids = decision_ids(batch, rng)
        block = max(1, min(BLOCK, AT_ONCE // max(len(self.catalog), 1)))
        if batch <= block:
            with blas_in_the_calling_thread():
                return self._page(requests, ids, bits)
        blocks = [np.arange(start, min(start + block, batch)) for start in range(0, batch, block)]
        with blas_in_the_calling_thread(), ThreadPoolExecutor(usable_cores()) as threads:
            parts = threads.map(lambda at: self._page(requests.take(at), ids[at[0] : at[-1] + 1], bits[at]), blocks)
            return joined(requests, list(parts))

    def warm(self, titles: Int32s) -> None:
        """Learn the neighbours of `titles` now rather than when the first member asks: some 0.3 ms each."""
        self._neighborhood.nearest(titles)

    def _page(self, requests: Requests, ids: tuple[str, ...], bits: UInt64s) -> Decisions:
        watch = Stopwatch()
        allowed = eligible(self.catalog, requests)
        named = nameable(self.catalog, requests, allowed)
        watch.lap("eligible")
        scores, explain = scored(self.scorer, requests)
        watch.lap("scores")
        worth = self.worth(scores, requests)
        watch.lap("worth")
        left, sway = tilt(worth, requests, self.charts.surprise), Sway.of(self.catalog, requests, self.charts.seldom)
        pools = self.rows(requests, allowed, named, worth if left is None else worth * left, sway)
        watch.lap("rows")
        built = straightened(unboosted(self.build(pools, requests, sway, bits), pools, sway), pools, left)
        watch.lap("page")
        pages = pages_of(pools, built, self._evidence(requests, built.items, named, explain), self.catalog)
        watch.lap("evidence")
        return decided(
            requests,
            pages,
            built,
            allowed,
            bits=bits,
            ids=ids,
            maker=self.maker,
            catalog=self.catalog,
            timings=watch.laps,
        )

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each choice; -inf at the first that this policy would never have made."""
        requests = decisions.requests
        worth = self._worth_of(requests)
        left = tilt(worth, requests, self.charts.surprise)
        allowed, sway = eligible(self.catalog, requests), Sway.of(self.catalog, requests, self.charts.seldom)
        named = nameable(self.catalog, requests, allowed)
        pools = self.rows(requests, allowed, named, worth if left is None else worth * left, sway)
        shown = shown_in(decisions, pools, self.catalog)
        return log_probs_of(decisions, self.build(pools, requests, sway, np.zeros(len(requests), np.uint64), shown))

    def beliefs(self, requests: Requests) -> Beliefs:
        """What is believed of the tastes of a batch of one."""
        open_to = eligible(self.catalog, requests)[0] & ~had_enough(requests, self.catalog)[0]
        with blas_in_the_calling_thread():
            return beliefs(requests, open_to, self.catalog, self.charts, self._tones, self._worth_of)

    @cached_property
    def maker(self) -> Maker:
        """What its decisions say of who made them; chance everywhere goes without saying, as it always did."""
        where = () if self.config.where == Where() else (self.config.where,)
        drawn = (*self.charts.parts, *self.occasions.parts)
        told = digest(self.policy_id, self.calibration, self.config, *drawn, *where, *self.catalog.versioned)
        return Maker(self.policy_id, self.artifact_id, told)

    def worth(self, scores: Floats, requests: Requests) -> Floats:
        """(batch, titles) the probability that each title satisfies, if looked at, of the scorer's `scores`."""
        worth, tastes = worth_of(scores, self.calibration), requests.histories.tastes
        pi = intents(tastes, self.catalog, self.charts.genre_shares)
        worth = with_taste(worth, tastes, pi, self._genre_sets, self.charts.genre_shares)
        return self._suited.weigh(worth, requests)

    def rows(self, requests: Requests, allowed: Flags, named: Flags, worth: Floats, sway: Sway) -> Pools:
        """The candidate rows: titles that are `allowed`, found by those that may be `named`, (batch, titles) each."""
        tastes, config = requests.histories.tastes, self.config.rows
        latest = latest_tastes(tastes, config.because_rows)
        about = only_allowed(np.append(tastes.items, np.int32(-1))[latest], named, -1)
        nearest = self._neighborhood.nearest(about)
        drawn_from = (self.catalog, self.charts, config.new_days, sway)
        near = shortlist(requests, allowed, sway.boosted(worth), nearest, *drawn_from)
        offered = (self.catalog, self._themes, self.charts, self._suited, config, sway)
        pools = candidate_rows(requests, allowed, near, worth, nearest, *offered)
        pi = intents(tastes, self.catalog, self.charts.genre_shares)
        name_tastes(pools, tastes, pi, self.catalog, self.charts.genre_shares)
        return pools

    def build(self, pools: Pools, requests: Requests, sway: Sway, bits: UInt64s, shown: Shown | None = None) -> Built:
        """Pages out of candidate rows; with `shown`, the probabilities of that page instead."""
        exploration, where = self.config.exploration, self.config.where
        if requests.exploration is not None:
            exploration, where = requests.exploration, Where()
        shares = self.charts.genre_shares
        return build_pages(pools, requests, self.catalog, shares, exploration, bits, shown, where, sway)

    def _evidence(self, requests: Requests, items: Int32s, named: Flags, explain: Explain) -> Int32s:
        strongest = explain(items.reshape(len(items), items.shape[1] * items.shape[2]))
        spoken = only_allowed(strongest, named, UNSPOKEN).reshape(items.shape)
        return with_reasons(spoken, items, requests, self.catalog, self.charts, self.config.rows.new_days)

    def _worth_of(self, requests: Requests) -> Floats:
        return self.worth(self.scorer.score(requests), requests)

    @cached_property
    def _tones(self) -> Floats:
        return tones(self.catalog)

    @cached_property
    def _genre_sets(self) -> GenreSets:
        return GenreSets.of(self.catalog)

    @cached_property
    def _suited(self) -> Suited:
        return Suited(self.occasions, self.catalog)

    @cached_property
    def _themes(self) -> Themes:
        return themes_of(self.catalog, self.config.rows)

    @cached_property
    def _neighborhood(self) -> Neighborhood:
        return Neighborhood(self.scorer, min(self.config.neighbors, len(self.catalog)))

"""THE FLOW: eligible -> scores -> rows -> page -> Decisions. Read `HomePolicy._page` first."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.decision import Decisions, Requests, Scorer
from matinee.eligibility import check, eligible
from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, UInt64s
from matinee.maths.calibration import Platt
from matinee.page import RowKind
from matinee.surfaces.charts import Charts
from matinee.surfaces.neighborhood import Neighborhood
from matinee.surfaces.page_builder import Built, Shown, build_pages
from matinee.surfaces.rows import BILLBOARD, Pools, RowsConfig, Themes, candidate_rows, seeds_of, themes_of
from matinee.surfaces.stopwatch import Stopwatch

LEAST = np.float32(1e-6)  # no title is thought to satisfy never, or surely
BLOCK = 64  # requests decided at a time: their scores stay in the cache
ARRAYS = ("times", "items", "scores", "row_kinds", "row_keys", "row_log_probs", "item_log_probs", "evidence")


@dataclass(frozen=True, slots=True)
class HomeConfig:
    """`exploration`: 0 = the best page, 1 = rows and titles drawn in proportion to their worth.

    `neighbors`: titles considered for a because-you-watched row.
    """

    exploration: float = 0.0
    neighbors: int = 200
    rows: RowsConfig = RowsConfig()

    def __post_init__(self) -> None:
        if not 0.0 <= self.exploration <= 1.0:
            raise BadRequest(f"exploration is {self.exploration}; give a number from 0 to 1")


@dataclass(frozen=True)
class HomePolicy:
    """Home pages out of a fitted scorer and the charts. Safe to share by threads.

    `calibration` turns the scorer's numbers into the probability that a title satisfies. A batch is decided in blocks
    on all cores; memory is 10 bytes a title and some 200 kB of candidates for each request of a block.
    """

    policy_id: str
    artifact_id: str
    catalog: Catalog
    scorer: Scorer
    calibration: Platt
    charts: Charts
    config: HomeConfig = HomeConfig()

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One page per request. The random bits of a page depend on `rng` and its place in the batch only."""
        batch = len(requests)
        seeds = rng.integers(2**64, size=batch, dtype=np.uint64)
        ids = tuple(rng.bytes(16).hex() for _ in range(batch))
        starts = range(0, batch, BLOCK)
        if len(starts) <= 1:
            return self._page(requests, ids, seeds)
        blocks = [np.arange(start, min(start + BLOCK, batch)) for start in starts]
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            parts = threads.map(lambda at: self._page(requests.take(at), ids[at[0] : at[-1] + 1], seeds[at]), blocks)
            return _joined(list(parts))

    def _page(self, requests: Requests, ids: tuple[str, ...], seeds: UInt64s) -> Decisions:
        watch = Stopwatch()
        allowed = eligible(self.catalog, requests)
        watch.lap("eligible")
        worth = self._worth(requests)
        watch.lap("scores")
        pools = self._rows(requests, allowed, worth)
        watch.lap("rows")
        built = self._build(pools, requests, seeds)
        watch.lap("page")
        evidence = self._evidence(requests, built.items)
        watch.lap("evidence")
        decisions = Decisions(
            decision_ids=ids,
            policy_id=self.policy_id,
            artifact_id=self.artifact_id,
            surface=requests.surface,
            user_ids=tuple(profile.user_id for profile in requests.profiles),
            times=requests.times,
            layout=requests.layout,
            items=built.items,
            scores=built.worths,
            row_kinds=_at(pools.kinds, built.rows, RowKind.EMPTY),
            row_keys=_at(pools.keys, built.rows, -1),
            row_log_probs=built.row_log_probs,
            item_log_probs=built.item_log_probs,
            evidence=evidence,
            timings=watch.laps,
        )
        check(self.catalog, requests, decisions, allowed)
        return decisions

    def log_prob(self, requests: Requests, decisions: Decisions) -> Doubles:
        """(batch,) log-probability of these pages; -inf for pages that this policy would never show."""
        pools = self._rows(requests, eligible(self.catalog, requests), self._worth(requests))
        rows = _candidates_of(decisions, pools)
        built = self._build(pools, requests, np.zeros(len(requests), np.uint64), (rows, decisions.items))
        return np.asarray(built.row_log_probs.sum(axis=1) + built.item_log_probs.sum(axis=(1, 2)))

    def _worth(self, requests: Requests) -> Floats:
        """(batch, titles): the probability that each title satisfies, if looked at."""
        return np.clip(self.calibration.probability(self.scorer.score(requests)), LEAST, 1 - LEAST)

    def _rows(self, requests: Requests, allowed: Flags, worth: Floats) -> Pools:
        tastes, config = requests.histories.tastes, self.config.rows
        founders = np.append(tastes.items, np.int32(-1))[seeds_of(tastes, config.seeds)]
        shelves = (self.catalog, self._themes, self.charts)
        return candidate_rows(requests, allowed, worth, self._neighborhood.nearest(founders), shelves, config)

    def _build(self, pools: Pools, requests: Requests, seeds: UInt64s, shown: Shown | None = None) -> Built:
        exploration = self.config.exploration if requests.exploration is None else requests.exploration
        return build_pages(pools, requests, self.catalog, self.charts.genre_shares, exploration, seeds, shown)

    def _evidence(self, requests: Requests, items: Int32s) -> Int32s:
        return self.scorer.explain(requests, items.reshape(len(items), -1)).reshape(items.shape)

    @cached_property
    def _themes(self) -> Themes:
        return themes_of(self.catalog, self.config.rows)

    @cached_property
    def _neighborhood(self) -> Neighborhood:
        return Neighborhood(self.scorer, min(self.config.neighbors, len(self.catalog)))


def _at(values: NDArray[Any], rows: Int32s, empty: int) -> NDArray[Any]:
    """The value of the candidate row that stands at each place of the page, `empty` where none does."""
    return np.where(rows >= 0, np.take_along_axis(values, np.maximum(rows, 0), axis=1), values.dtype.type(empty))


def _candidates_of(decisions: Decisions, pools: Pools) -> Int32s:
    """Which candidate row each shown row was, (batch, r): -1 for empty places, one never offered for unknown rows."""
    same = (decisions.row_kinds[:, :, None] == pools.kinds[:, None, :]) & (
        decisions.row_keys[:, :, None] == pools.keys[:, None, :]
    )
    known = np.where(same.any(axis=2), same.argmax(axis=2), BILLBOARD)
    return np.where(decisions.row_kinds == RowKind.EMPTY, -1, known).astype(np.int32)


def _joined(parts: list[Decisions]) -> Decisions:
    """One batch out of blocks; timings add up over the blocks."""
    timings = {lap: sum(part.timings[lap] for part in parts) for lap in parts[0].timings}
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    return replace(
        parts[0],
        decision_ids=tuple(one for part in parts for one in part.decision_ids),
        user_ids=tuple(one for part in parts for one in part.user_ids),
        timings=timings,
        **joined,
    )

"""Search as a decision: eligible -> worth -> rows by intent -> page. Read `SearchPolicy.decide` first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Maker, Pages, Requests, RowName, Scorer, decision_ids, digest
from matinee.decision.eligibility import countries_of, eligible
from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Flags, Floats, UInt64s
from matinee.maths.calibration import Platt
from matinee.maths.cores import blas_in_the_calling_thread
from matinee.maths.sampling import temperature_of
from matinee.models.content.words import WordEmbedding
from matinee.situation import country_of
from matinee.surfaces.charts import Charts
from matinee.surfaces.neighborhood import Neighborhood
from matinee.surfaces.pages.builder import Built
from matinee.surfaces.pages.deciding import decided, log_probs_of, worth_of
from matinee.surfaces.pages.turned import groups_of, looks_before, pull_of
from matinee.surfaces.search.filling import Chance, Place, Shown, fill
from matinee.surfaces.search.indexes import Indexes
from matinee.surfaces.search.intents import Asked, Intents, SearchConfig
from matinee.surfaces.search.opening import before_typing, browsed
from matinee.surfaces.search.shelves import Shelf
from matinee.surfaces.stopwatch import Stopwatch
from matinee.surfaces.sway import Sway
from matinee.surfaces.tilt import tilt
from matinee.surfaces.trust import had_enough, turned_down


@dataclass(frozen=True)
class SearchPolicy:
    """Pages of answers to `requests.queries`; nothing typed yet gives a page of what may be looked for.

    Under a filter nothing typed gives all that passes it. Titles that the member turned down stand where they are
    named, and nowhere else. `embedding` finds subjects by meaning too. Safe to share by threads.
    """

    policy_id: str
    artifact_id: str
    catalog: Catalog
    scorer: Scorer
    calibration: Platt
    charts: Charts
    config: SearchConfig = SearchConfig()
    embedding: WordEmbedding | None = None

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One page per request."""
        watch = Stopwatch()
        bits = requests.bits(rng)
        allowed = eligible(self.catalog, requests)
        watch.lap("eligible")
        worth = self._worth(requests)
        watch.lap("scores")
        sway = Sway.of(self.catalog, requests, self.charts.seldom)
        offered = self._offered(requests, allowed, self._tilted(worth, requests), sway)
        watch.lap("rows")
        built = self._built(requests, offered, sway, bits)
        pages = _pages(requests, offered, built, worth)
        watch.lap("page")
        return decided(
            requests,
            pages,
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
        requests, pages = decisions.requests, decisions.page()
        worth, sway = self._tilted(self._worth(requests), requests), Sway.of(self.catalog, requests, self.charts.seldom)
        offered = self._offered(requests, eligible(self.catalog, requests), worth, sway)
        shown = [Shown(_names(pages, b), pages.items[b]) for b in range(len(requests))]
        nothing = np.zeros(len(requests), np.uint64)
        return log_probs_of(decisions, self._built(requests, offered, sway, nothing, shown))

    def warm(self) -> None:
        """Make the indexes now rather than when the first member asks."""
        self._intents.indexes.warm()

    @cached_property
    def maker(self) -> Maker:
        """What its decisions say of who made them."""
        parts = (self.policy_id, self.calibration, self.config, *self.charts.parts, *self.catalog.versioned)
        return Maker(self.policy_id, self.artifact_id, digest(*parts))

    def _worth(self, requests: Requests) -> Floats:
        with blas_in_the_calling_thread():
            return worth_of(self.scorer.score(requests), self.calibration)

    def _tilted(self, worth: Floats, requests: Requests) -> Floats:
        """(batch, titles) the worth that counts, once dials have taken theirs."""
        left = tilt(worth, requests, self.charts.surprise)
        return worth if left is None else worth * left

    def _offered(self, requests: Requests, allowed: Flags, worth: Floats, sway: Sway) -> list[list[Shelf]]:
        """The rows that each request may be answered with."""
        if requests.queries is None or requests.layout.billboard:
            raise BadRequest("search needs `queries`, one text a request, and a layout without a billboard")
        welcome, fresh = ~turned_down(requests, len(self.catalog)), ~had_enough(requests, self.catalog)
        countries, offered = countries_of(requests), []
        for b, query in enumerate(requests.queries):
            asked = Asked(query.strip(), allowed[b], welcome[b], fresh[b], worth[b], sway.factors[b], sway.of_one(b))
            if asked.query:
                offered.append(self._intents.shelves(asked))
            elif requests.control.filter:
                offered.append(browsed(asked))
            else:
                where = country_of(int(countries[b])), int(requests.times[b])
                offered.append(before_typing(asked, self.charts, self.catalog, *where, self.config))
        return offered

    def _built(
        self,
        requests: Requests,
        offered: Sequence[Sequence[Shelf]],
        sway: Sway,
        bits: UInt64s,
        shown: Sequence[Shown] | None = None,
    ) -> Built:
        exploration = self.config.exploration if requests.exploration is None else requests.exploration
        built, groups, pull = Built.empty(len(requests), requests.layout), groups_of(self.catalog), None
        if looks_before(requests.dials):
            pull = pull_of(requests, self.catalog, requests.layout.columns)
        for b, shelves in enumerate(offered):
            page = Place(
                built.rows[b],
                built.items[b],
                built.row_log_probs[b],
                built.item_log_probs[b],
                built.among_rows[b],
                built.among_titles[b],
            )
            own = None if pull is None else pull._replace(wanted=pull.wanted[b])
            chance = Chance(temperature_of(exploration), bits[b], groups, own, sway.of_one(b))
            fill(shelves, chance, page, None if shown is None else shown[b])
        return built

    @cached_property
    def _intents(self) -> Intents:
        near = Neighborhood(self.scorer, min(self.config.neighbors, len(self.catalog)))
        return Intents(Indexes(self.catalog, self.embedding), near, self.config)


def _pages(requests: Requests, offered: Sequence[Sequence[Shelf]], built: Built, worth: Floats) -> Pages:
    """Built pages with their rows named; `worth` (batch, titles)."""
    names: dict[RowName, int] = {}
    pages, used = Pages.empty(len(requests), requests.layout), built.items >= 0
    for b, r in np.argwhere(built.rows >= 0):
        shelf = offered[b][built.rows[b, r]]
        pages.rows[b, r] = names.setdefault(shelf.name, len(names))
        pages.row_kinds[b, r] = shelf.name.kind
        pages.evidence[b, r, used[b, r]] = shelf.founder
    b, r, c = np.nonzero(used)
    pages.scores[b, r, c] = worth[b, built.items[b, r, c]]
    return replace(
        pages,
        items=built.items,
        item_log_probs=built.item_log_probs,
        row_log_probs=built.row_log_probs,
        names=tuple(names),
    )


def _names(pages: Pages, b: int) -> list[RowName | None]:
    return [pages.name(b, r) if pages.rows[b, r] >= 0 else None for r in range(pages.rows.shape[1])]

"""Watching together as a decision: eligible for all -> what each wishes -> one worth -> page -> whom it is for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import UNSPOKEN, Decisions, Maker, Requests, decision_ids, digest
from matinee.decision.eligibility import check, eligible, nameable, only_allowed
from matinee.maths.arrays import Doubles, Flags, Floats, Int32s
from matinee.maths.cores import blas_in_the_calling_thread
from matinee.page import Layouts
from matinee.surfaces.home import HomePolicy
from matinee.surfaces.pages.deciding import decided, log_probs_of, pages_of, shown_in
from matinee.surfaces.pages.rows import Pools
from matinee.surfaces.reasons import with_reasons
from matinee.surfaces.stopwatch import Stopwatch
from matinee.surfaces.sway import Sway, less_of
from matinee.surfaces.tilt import straightened, tilt
from matinee.surfaces.together.midst import in_the_midst
from matinee.surfaces.together.reasons import with_watchers
from matinee.surfaces.together.watchers import Watchers
from matinee.surfaces.together.wishes import TogetherConfig, Wishes, wishes_of
from matinee.surfaces.trust import had_enough
from matinee.surfaces.unboosted import unboosted

EDITION = 2  # of what the same parameters decide: since 2 everybody's wish for less counts, before that of who asks did


@dataclass(frozen=True)
class TogetherPolicy:
    """Pages for two or more, out of the rows and the charts of `home`, each title worth what it is worth to all.

    A title stands on the page when each of them may see it and none has met it, or all are in the midst of it. Its
    rows grow from everybody's latest
    likes in turn. Nothing but the requests decides whose turn it is, so a decision can be asked again. Safe to share by
    threads; memory is 20 bytes a title for each person of a batch.
    """

    policy_id: str
    home: HomePolicy
    config: TogetherConfig = TogetherConfig()

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One page per request. Raises `BadRequest` where somebody watches alone."""
        watch = Stopwatch()
        bits = requests.bits(rng)
        ids = decision_ids(len(requests), rng)
        watchers, catalog = Watchers.of(requests), self.catalog
        allowed = eligible(catalog, requests)
        named = nameable(catalog, requests, allowed)
        watch.lap("eligible")
        worths = self._worths(watchers)
        watch.lap("scores")
        offered, wishes = self._wishes(watchers, worths, allowed)
        watch.lap("worth")
        as_one, sway = watchers.as_one(requests), self._sway(requests, wishes)
        pools, left = self._rows(as_one, offered, named, wishes.worth, sway)
        watch.lap("rows")
        built = self.home.build(pools, as_one, sway, bits)
        built = straightened(unboosted(built, pools, sway), pools, left)
        watch.lap("page")
        because = self._because(watchers, built.items, named)
        evidence = self._evidence(watchers, as_one, built.items, because, wishes.wished)
        made = decided(
            requests,
            pages_of(pools, built, evidence, catalog),
            built,
            allowed,
            bits=bits,
            ids=ids,
            maker=self.maker,
            catalog=catalog,
            timings={},
        )
        decisions = replace(made, choices=with_watchers(made, watchers, worths, wishes.approves, because))
        check(catalog, decisions, allowed)
        watch.lap("evidence")
        return replace(decisions, timings=watch.laps)

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each choice; -inf at the first that this policy would never have made."""
        requests = decisions.requests
        watchers, allowed = Watchers.of(requests), eligible(self.catalog, requests)
        offered, wishes = self._wishes(watchers, self._worths(watchers), allowed)
        as_one, sway = watchers.as_one(requests), self._sway(requests, wishes)
        named = nameable(self.catalog, requests, allowed)
        pools, _ = self._rows(as_one, offered, named, wishes.worth, sway)
        shown = shown_in(decisions, pools, self.catalog)
        built = self.home.build(pools, as_one, sway, np.zeros(len(requests), np.uint64), shown)
        return log_probs_of(decisions, built)

    @cached_property
    def maker(self) -> Maker:
        """What its decisions say of who made them; those of another edition cannot be asked again."""
        home = self.home.maker
        return Maker(self.policy_id, home.artifact, digest(self.policy_id, home.parameters, self.config, EDITION))

    @property
    def catalog(self) -> Catalog:
        """The catalogue of its pages."""
        return self.home.catalog

    @property
    def artifact_id(self) -> str:
        """The artifact that scores."""
        return self.home.artifact_id

    @property
    def layouts(self) -> Layouts:
        """The layouts of home pages."""
        return self.home.layouts

    def _worths(self, watchers: Watchers) -> Floats:
        """(watchers, titles) what each title is worth to each of them alone."""
        with blas_in_the_calling_thread():
            return self.home.worth(self.home.scorer.score(watchers.alone), watchers.alone)

    def _wishes(self, watchers: Watchers, worths: Floats, allowed: Flags) -> tuple[Flags, Wishes]:
        """Which titles may stand on the page (batch, titles), those that all are in the midst of among them, and what
        all wish of those that none has met.
        """
        enough = ~had_enough(watchers.alone, self.catalog)
        unmet = allowed & ~watchers.met(allowed.shape[1])
        begun = allowed & in_the_midst(watchers, self.catalog)
        for offered in (unmet, begun):
            np.logical_and.at(offered, watchers.whose, enough)
        less = less_of(self.catalog, watchers.alone)
        return unmet | begun, wishes_of(watchers, worths, unmet, self.config, less)

    def _sway(self, requests: Requests, wishes: Wishes) -> Sway:
        """What the control, the dial for exposure and the wishes of all make of titles."""
        return Sway.of(self.catalog, requests, self.home.charts.seldom, wishes.less)

    def _rows(
        self, as_one: Requests, offered: Flags, named: Flags, worth: Floats, sway: Sway
    ) -> tuple[Pools, Floats | None]:
        """The candidate rows, and what the dials left of each worth."""
        left = tilt(worth, as_one, self.home.charts.surprise)
        return self.home.rows(as_one, offered, named, worth if left is None else worth * left, sway), left

    def _because(self, watchers: Watchers, items: Int32s, named: Flags) -> Int32s:
        """(watchers, rows, columns) what in each one's history speaks for the titles of `items` (batch, r, c)."""
        asked = items[watchers.whose].reshape(len(watchers.whose), -1)
        strongest = self.home.scorer.explain(watchers.alone, asked)
        return only_allowed(strongest, named[watchers.whose], UNSPOKEN).reshape(-1, *items.shape[1:])

    def _evidence(self, watchers: Watchers, as_one: Requests, items: Int32s, because: Int32s, wished: Floats) -> Int32s:
        """(batch, r, c) the evidence of who wishes a title most, else what is true of it for everybody."""
        value = np.where(items[watchers.whose] >= 0, _worth_at(wished, items[watchers.whose]), -1.0)
        evidence = np.full(items.shape, -1, np.int32)
        for b in range(len(watchers)):
            own = watchers.of_request(b)
            evidence[b] = np.take_along_axis(because[own], value[own].argmax(axis=0)[None], axis=0)[0]
        new_days = self.home.config.rows.new_days
        return with_reasons(evidence, items, as_one, self.catalog, self.home.charts, new_days)


def _worth_at(worths: Floats, items: Int32s) -> Floats:
    """(watchers, r, c) the worth of the titles in these places."""
    flat = np.maximum(items, 0).reshape(len(items), -1)
    return np.take_along_axis(worths, flat, axis=1).reshape(items.shape)

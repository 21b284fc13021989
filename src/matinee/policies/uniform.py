"""One eligible title for each request, every one as likely as any other: the log that every estimate can use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Choices, Decisions, Distribution, Maker, Requests, decision_ids
from matinee.decision.eligibility import eligible
from matinee.maths.arrays import Doubles, Flags, Int32s, Int64s
from matinee.maths.ragged import Ragged
from matinee.policies.offered import offered


@dataclass(frozen=True)
class Uniform:
    """P(title) = 1 / the number of eligible titles. A request for which no title is eligible gets no choice.

    Costs a few hundred nanoseconds a request and one list of titles for each distinct rule of eligibility, whatever the
    number of requests, unless requests bring exclusions, candidates or company of their own.
    """

    catalog: Catalog

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request."""
        bits = requests.bits(rng)
        titles, lists = self._offered(requests)
        sizes = np.diff(titles.offsets)[lists]
        place = ((bits >> np.uint64(11)) * 2.0**-53 * sizes).astype(np.int64)
        chosen = np.append(titles.values, -1)[np.where(sizes > 0, titles.offsets[lists] + place, -1)]
        return Decisions(
            requests=requests,
            ids=decision_ids(len(requests), rng),
            makers=(Maker("uniform"),),
            choices=_one_each(chosen, sizes),
            eligible=sizes.astype(np.int32),
            bits=bits,
            catalog=len(self.catalog),
        )

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) minus the log of the number of eligible titles; -inf for titles that were none of them."""
        choices = decisions.choices
        allowed = eligible(self.catalog, decisions.requests)
        possible = allowed[choices.decisions, choices.actions]
        counts = allowed.sum(axis=1)[choices.decisions]
        return np.where(possible, -np.log(np.maximum(counts, 1)), -np.inf)

    def probabilities(self, requests: Requests) -> Distribution:
        """1 / the number of eligible titles for each of them."""
        titles, lists = self._offered(requests)
        candidates = titles.take(lists)
        sizes = np.diff(candidates.offsets)
        return Distribution(candidates, np.repeat(1 / np.maximum(sizes, 1), sizes))

    def _offered(self, requests: Requests) -> tuple[Ragged, Int64s]:
        """The lists of eligible titles that differ, and which of them each request has."""
        masks, rules = offered(self.catalog, requests)
        return _lists(masks), rules.astype(np.int64)


def _lists(masks: Flags) -> Ragged:
    return Ragged.of([np.flatnonzero(mask).astype(np.int32) for mask in masks])


def _one_each(chosen: Int32s, sizes: Int64s) -> Choices:
    """The chosen titles as choices; requests with nothing to choose from have none."""
    among = np.maximum(sizes, 1)
    return Choices.of_titles(chosen, -np.log(among), among.astype(np.int32)).keep(sizes > 0)

"""Outreach: who may be written to -> messages -> their effects -> sent or silent. Read `decide_of`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Maker, Requests, Scorer, decision_ids, digest
from matinee.decision.eligibility import check
from matinee.maths.arrays import Doubles
from matinee.maths.calibration import Platt
from matinee.maths.uplift import Level, level_of
from matinee.models.effects import Effects
from matinee.surfaces.outreach.choosing import Weighed, choices_of, log_probs_of, probabilities, stratified
from matinee.surfaces.outreach.config import OutreachConfig
from matinee.surfaces.outreach.features import features_of
from matinee.surfaces.outreach.limits import limits_of
from matinee.surfaces.outreach.offers import AT_ONCE, messages_for
from matinee.surfaces.stopwatch import Stopwatch

NOBODY = Level(0.0, 0.0)


@dataclass(frozen=True)
class OutreachPolicy:
    """Writes to those whom a message moves most, at a price that the budget sets, and is silent to
    all others.

    With exploration e a member who may be written to is sent a message with probability

        e * share + (1 - e) * (1 if value > price, at_price if value = price, else 0)

    where value is the `effects` of their messages, averaged as titles would be chosen. The title is
    any with chance e, else the one of most effect; its reason any true one with chance e, else the
    strongest. Without `effects` every message is worth the same and all is left to chance. `priced`
    sets `level` and `share` for a budget; they are part of what the policy is, so that its
    decisions can be asked again.
    """

    policy_id: str
    artifact_id: str
    catalog: Catalog
    scorer: Scorer
    calibration: Platt
    config: OutreachConfig = OutreachConfig()
    effects: Effects | None = None
    level: Level = NOBODY
    share: float = 0.0

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """A message or silence for each request. As many are sent as the probabilities sum to, give
        or take one.
        """
        return self.decide_of(requests, self.weighed(requests), rng)

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each choice; -inf at the first that this policy would never
        have made.
        """
        weighed = self.weighed(decisions.requests)
        return log_probs_of(decisions, weighed, probabilities(weighed, self.level, self.share))

    def weighed(self, requests: Requests) -> Weighed:
        """The messages that could be sent, and what they are worth: all that no price changes."""
        watch = Stopwatch()
        open_to = limits_of(requests, self.config).open
        messages = messages_for(requests, open_to, self.catalog, self.scorer, self.calibration, self.config)
        watch.lap("messages")
        features = features_of(requests, messages)
        worth = np.zeros(len(features)) if self.effects is None else self.effects.of(features)
        watch.lap("effects")
        return Weighed.of(messages, features, worth, self._exploration(requests), watch.laps)

    def priced(self, weighed: Weighed, budget: float) -> OutreachPolicy:
        """The policy whose expected sends to those `weighed` are `budget`, or fewer where fewer are
        worth it.
        """
        open_to = weighed.messages.counts > 0
        reached = max(int(np.count_nonzero(open_to)), 1)
        share = min(max(budget, 0.0) / reached, 1.0)
        return replace(self, level=level_of(weighed.values[open_to], budget), share=share)

    def decide_of(self, requests: Requests, weighed: Weighed, rng: np.random.Generator) -> Decisions:
        """`decide`, of what was weighed before."""
        chances = probabilities(weighed, self.level, self.share)
        bits = stratified(chances.send, rng) if requests.seeds is None else requests.seeds
        decisions = Decisions(
            requests=requests,
            ids=decision_ids(len(requests), rng),
            makers=(self.maker,),
            choices=choices_of(weighed, chances, bits),
            eligible=weighed.messages.eligible,
            bits=bits,
            catalog=len(self.catalog),
            timings=dict(weighed.timings),
        )
        for start in range(0, len(requests), AT_ONCE):
            check(self.catalog, decisions.take(np.arange(start, min(start + AT_ONCE, len(requests)))))
        return decisions

    @cached_property
    def maker(self) -> Maker:
        """What its decisions say of who made them."""
        parts = (self.policy_id, self.calibration, self.config, self.effects, self.level, self.share)
        return Maker(self.policy_id, self.artifact_id, digest(*parts, *self.catalog.versioned))

    def _exploration(self, requests: Requests) -> float:
        if self.effects is None:
            return 1.0
        return self.config.exploration if requests.exploration is None else requests.exploration

"""Thompson sampling on adaptively weighted doubly robust means (DATS): what it learned of an arm can be believed.

Its promise is inference: arm means without the bias that a learner puts into sample means, and intervals that cover.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Distribution, Layer, Maker, Requests, digest
from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Flags
from matinee.policies.adaptive import DatsConfig, Known
from matinee.policies.drawing import drawn, log_probs_of
from matinee.policies.offered import distinct_offers
from matinee.policies.versions import Versions, kept_from

KEPT = 1_024  # versions whose decisions can be asked again and learned from
TOLERANCE = 1e-6  # between the logged probability of a choice and the one worked out again


class Dats:
    """One title a request, the same for everybody who may see the same titles; see `DatsConfig`."""

    def __init__(
        self,
        policy_id: str,
        catalog: Catalog,
        config: DatsConfig = DatsConfig(),
        learned: Known | None = None,
        versions: Versions[Known] | None = None,
    ) -> None:
        """`learned` is where it goes on from, perhaps of fewer titles. `versions` must keep those of late rewards."""
        self.policy_id, self.catalog, self.config = policy_id, catalog, config
        self._known = (Known.nothing(0) if learned is None else learned).grown(len(catalog))
        self._versions = kept_from(self._known, learned is None, versions, KEPT)

    @property
    def posterior(self) -> int:
        """How many batches of rewards were learned."""
        return self._known.version

    @property
    def maker(self) -> Maker:
        """What its decisions say of who made them now."""
        return self._maker(self._known.version)

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request; none where none is eligible."""
        known = self._known
        scores = np.broadcast_to(self.config.means(known), (len(requests), len(self.catalog)))
        return drawn(requests, self._probs(requests, known), scores, rng, self._maker(known.version))

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each title alone with what is known now; -inf for anything else."""
        return log_probs_of(decisions, self._probs(decisions.requests, self._known))

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every eligible title."""
        probs = self._probs(requests, self._known)
        return Distribution.of_masks(probs > 0, probs)

    def belief(self, requests: Requests) -> tuple[Doubles, Doubles]:
        """Mean and standard deviation of each title's mean reward, each (batch, titles): of the normal distribution
        that the estimate has by its central limit; infinite deviations where nothing is known.
        """
        deviations = np.nan_to_num(self._known.sums.estimates()[1], nan=np.inf)
        shape = len(requests), len(self.catalog)
        return np.broadcast_to(self.config.means(self._known), shape), np.broadcast_to(deviations, shape)

    def learn(self, decisions: Decisions, rewards: Doubles) -> None:
        """Learn from the titles of its own decisions: `rewards` (lines,), NaN where nobody looked, whenever they come.

        Raises `BadRequest` where another policy chose a title that has a reward: its other probabilities are unknown;
        and for decisions of a thinned log: how sure a mean is follows from every reward, one at a time.
        """
        choices = decisions.choices
        if decisions.thinned:
            raise BadRequest("these decisions are of a thinned log; adaptively weighted means need every decision")
        if rewards.shape != choices.log_probs.shape:
            raise BadRequest(f"{rewards.shape} rewards for {len(choices.log_probs)} choices; give one each")
        told = decisions.layer(Layer.TITLE) & ~np.isnan(rewards)
        known = self._known
        for k in np.unique(choices.makers[told]):
            lines = told & (choices.makers == k)
            known = self._with(known, self._made_by(decisions.makers[int(k)]), decisions, lines, rewards)
        known = self.config.checked(known, np.ones(len(self.catalog), np.bool_))
        known = known._replace(version=self._known.version + 1)
        self._versions.keep(known)
        self._known = known

    def at(self, posterior: int) -> Dats:
        """The same policy as it was with this version. Raises `NotFound` where it is gone."""
        known = self._versions.find(posterior)
        return Dats(self.policy_id, self.catalog, self.config, known, self._versions)

    def save(self, folder: Path) -> None:
        """Write what was learned; `Known.load` reads it."""
        self._known.save(folder, self.config)

    def _maker(self, version: int) -> Maker:
        return Maker(self.policy_id, "", digest(self.policy_id, self.config), version)

    def _made_by(self, maker: Maker) -> Known:
        """What was known to the version that made decisions."""
        if maker._replace(posterior=0) != self.maker._replace(posterior=0):
            raise BadRequest(f"{maker} made a decision with a reward, not {self.maker}; give it NaN")
        return self.at(maker.posterior)._known

    def _with(self, known: Known, then: Known, decisions: Decisions, lines: Flags, rewards: Doubles) -> Known:
        """With the rewards of these lines, offer by offer: titles that came later were not among what was offered."""
        of_line, items = decisions.choices.decisions[lines], decisions.choices.actions[lines]
        masks, whose = distinct_offers(self.catalog.first(decisions.catalog), decisions.requests)
        masks = np.pad(masks, ((0, 0), (0, len(self.catalog) - masks.shape[1])))
        for k in np.unique(whose[of_line]):
            these = whose[of_line] == k
            probs = self.config.probabilities(then, masks[k])
            _require_as_logged(probs[items[these]], decisions.choices.log_probs[lines][these])
            powers = rewards[lines][these] ** np.arange(3)[:, None]
            sums = [np.bincount(items[these], power, len(probs)).astype(np.float64) for power in powers]
            known = self.config.after(known, then, probs, *sums)
        return known

    def _probs(self, requests: Requests, known: Known) -> Doubles:
        """(batch, titles), worked out once for all requests that may be shown the same."""
        masks, whose = distinct_offers(self.catalog, requests)
        return self.config.probabilities(known, masks)[whose]


def _require_as_logged(probs: Doubles, log_probs: Doubles) -> None:
    """Raises `BadRequest` where what was logged is not what the version would have done."""
    with np.errstate(divide="ignore"):
        wrong = ~(np.abs(np.log(probs) - log_probs) <= TOLERANCE)
    if wrong.any():
        raise BadRequest(
            f"a choice was logged with the probability {np.exp(log_probs[wrong][0])}, and its version gives it "
            f"{probs[wrong][0]}; learn from the log as it was written"
        )

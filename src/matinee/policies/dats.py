"""Thompson sampling on adaptively weighted doubly robust means (DATS): what it learned of an arm can be believed.

Its promise is inference: arm means without the bias that a learner puts into sample means, and intervals that cover.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Distribution, Layer, Maker, Requests, digest
from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Flags
from matinee.policies.adaptive import DatsConfig, Known
from matinee.policies.drawing import drawn, log_probs_of
from matinee.policies.offered import distinct_offers
from matinee.policies.versions import Latest

KEPT = 1_024  # versions whose decisions can be asked again and learned from
TOLERANCE = 1e-6  # between the logged probability of a choice and the one worked out again


class _Learned(NamedTuple):
    """What was known after `version` batches of rewards: swapped as one while others decide."""

    version: int
    known: Known


class Dats:
    """One title a request, the same for everybody who may see the same titles; see `DatsConfig`."""

    def __init__(self, policy_id: str, catalog: Catalog, config: DatsConfig = DatsConfig()) -> None:
        self.policy_id, self.catalog, self.config = policy_id, catalog, config
        self._learned = _Learned(0, Known.nothing(len(catalog)))
        self._versions = Latest(self._learned, n=KEPT)

    @property
    def posterior(self) -> int:
        """How many batches of rewards were learned."""
        return self._learned.version

    @property
    def maker(self) -> Maker:
        """What its decisions say of who made them now."""
        return self._maker(self._learned.version)

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request; none where none is eligible."""
        version, known = self._learned
        scores = np.broadcast_to(self.config.means(known), (len(requests), len(self.catalog)))
        return drawn(requests, self._probs(requests, known), scores, rng, self._maker(version))

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

        Raises `BadRequest` where another policy chose a title that has a reward: its other probabilities are unknown.
        """
        choices = decisions.choices
        if rewards.shape != choices.log_probs.shape:
            raise BadRequest(f"{rewards.shape} rewards for {len(choices.log_probs)} choices; give one each")
        told = decisions.layer(Layer.TITLE) & ~np.isnan(rewards)
        known = self._known
        for k in np.unique(choices.makers[told]):
            lines = told & (choices.makers == k)
            known = self._with(known, self._made_by(decisions.makers[int(k)]), decisions, lines, rewards)
        known = self.config.checked(known, np.ones(len(self.catalog), np.bool_))
        self._learned = _Learned(self._learned.version + 1, known)
        self._versions.keep(self._learned)

    def at(self, posterior: int) -> Dats:
        """The same policy as it was with this version. Raises `NotFound` where it is gone."""
        learned = self._versions.find(posterior)
        found = Dats(self.policy_id, self.catalog, self.config)
        found._learned, found._versions = learned, Latest(learned, n=KEPT)
        return found

    def save(self, folder: Path) -> None:
        """Write what was learned, as arrays and JSON."""
        known = self._known
        arrays = {"counts": known.counts, "rewards": known.rewards, "doubts": known.doubts, **known.sums._asdict()}
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        about = {"version": self._learned.version, "config": asdict(self.config)}
        (folder / "posterior.json").write_text(json.dumps(about, indent=1, sort_keys=True), "utf-8")

    @property
    def _known(self) -> Known:
        return self._learned.known

    def _maker(self, version: int) -> Maker:
        return Maker(self.policy_id, "", digest(self.policy_id, self.config), version)

    def _made_by(self, maker: Maker) -> Known:
        """What was known to the version that made decisions."""
        if maker._replace(posterior=0) != self.maker._replace(posterior=0):
            raise BadRequest(f"{maker} made a decision with a reward, not {self.maker}; give it NaN")
        return self.at(maker.posterior)._known

    def _with(self, known: Known, then: Known, decisions: Decisions, lines: Flags, rewards: Doubles) -> Known:
        """With the rewards of these lines, offer by offer."""
        of_line, items = decisions.choices.decisions[lines], decisions.choices.actions[lines]
        masks, whose = distinct_offers(self.catalog, decisions.requests)
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

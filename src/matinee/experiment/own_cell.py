"""What a learner in an experiment sees: rows of its own cell only, held by the type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.decision import Decisions
from matinee.decision.contracts import Learns
from matinee.errors import BadRequest
from matinee.experiment.definition import Experiment
from matinee.maths.arrays import Doubles, Flags


@dataclass(frozen=True)
class OwnCell:
    """Decisions of one arm with their rewards (lines,); none of another arm can be in it, whoever makes it.

    An arm that learned from the others' rows would carry their exploration into its own result. Raises `BadRequest`
    where a decision is of another arm or of none. `OwnCell.of` makes it out of mixed rows.
    """

    experiment: Experiment
    arm: int
    decisions: Decisions
    rewards: Doubles

    def __post_init__(self) -> None:
        foreign = np.count_nonzero(~in_arm(self.decisions, self.experiment, self.arm))
        if foreign:
            raise BadRequest(
                f"{foreign:,} of {len(self.decisions):,} decisions are not of arm "
                f"{self.experiment.arm_names[self.arm]!r} of {self.experiment.name!r}; make the rows with OwnCell.of"
            )

    @classmethod
    def of(cls, experiment: Experiment, arm: int, decisions: Decisions, rewards: Doubles) -> OwnCell:
        """Of these decisions and their rewards those of `arm`, its place in `experiment.arms`."""
        own = in_arm(decisions, experiment, arm)
        kept = rewards[own[decisions.choices.decisions]]
        return cls(experiment, arm, decisions.take(np.flatnonzero(own)), kept)

    def teach(self, learner: Learns) -> None:
        """Let the arm's learner learn from its own rows: the way by which a learner in an experiment learns."""
        learner.learn(self.decisions, self.rewards)


def in_arm(decisions: Decisions, experiment: Experiment, arm: int) -> Flags:
    """(batch,) which decisions were made in this arm, as they were logged."""
    found = decisions.requests.cells
    if found is None or experiment.name not in found.names:
        return np.zeros(len(decisions), np.bool_)
    return np.asarray(found.arms[:, found.names.index(experiment.name)] == arm)

"""The contracts of the house: a Scorer predicts, a Policy chooses; and what either may offer beyond that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from matinee.decision.beliefs import Beliefs
from matinee.decision.decisions import Decisions
from matinee.decision.distribution import Distribution
from matinee.decision.progress import Progress, no_progress
from matinee.decision.requests import Requests
from matinee.errors import NotFound
from matinee.history import TrainingData
from matinee.maths.arrays import Doubles
from matinee.page import Layouts

Explain: TypeAlias = Callable[[NDArray[np.int32]], NDArray[np.int32]]  # `Scorer.explain` of requests that are known


@runtime_checkable
class Scorer(Protocol):
    """Predicts: how much would each of these people enjoy each title, now?

    `score` ranks within a request; what the number means is the model's own. `explain` and `save`/`load` are part
    of the contract because a page owes people a true reason, and an artifact must survive a restart.
    """

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Learn from everything known at `data.as_of`; returns self. Long work tells `progress` how far it is."""
        ...

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles fitted on) float32, finite, higher is better. Must answer empty histories and unknown members,
        and pass over titles of a history that it was not fitted on; an artifact pads it to a catalogue that grew.
        """
        ...

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """For `items` (batch, k; -1 = empty): the title of the history that adds most to each score, or -1."""
        ...

    def save(self, folder: Path) -> None:
        """Write arrays and JSON into an existing empty folder; never pickle."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        ...


@runtime_checkable
class ScoresWithReasons(Protocol):
    """What a scorer may offer beyond the contract: scores and their reasons out of one pass over what it knows."""

    def score_with_reasons(self, requests: Requests) -> tuple[NDArray[np.float32], Explain]:
        """`score`, and `explain` of these requests; the numbers are the same as apart."""
        ...


def scored(scorer: Scorer, requests: Requests) -> tuple[NDArray[np.float32], Explain]:
    """The scores of requests and what explains them, in one go where the scorer can."""
    if isinstance(scorer, ScoresWithReasons):
        return scorer.score_with_reasons(requests)
    return scorer.score(requests), partial(scorer.explain, requests)


@runtime_checkable
class Refits(Protocol):
    """What a scorer may offer beyond the contract: to go on from where its fit ended, when events were added."""

    def refit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Learn from `data`, which holds what the scorer was fitted on and more, titles appended; returns self."""
        ...


@runtime_checkable
class Policy(Protocol):
    """Chooses: what to show to each request, with the probability of each choice."""

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """Make one decision per request; the probabilities come out of the call that samples."""
        ...

    def log_prob(self, decisions: Decisions) -> NDArray[np.float64]:
        """(lines,) log-probability with which this policy would make each choice in the same situation, given those
        before it; -inf at the first of a decision that it would never make.
        """
        ...


@runtime_checkable
class Enumerates(Protocol):
    """What a policy of single titles may offer beyond the contract: its whole distribution, as direct and doubly
    robust estimates and checks of support need it.
    """

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every title that each request could be shown, as `decide` would draw it now.

        A batch holds as many numbers as it has eligible titles: ask in chunks.
        """
        ...


@runtime_checkable
class Learns(Protocol):
    """What a policy may offer beyond the contract: it learns while it runs. One writer calls `learn`; others decide
    meanwhile, with what was learned when they began.
    """

    @property
    def posterior(self) -> int:
        """The version of what was learned so far, 0 for nothing: it grows with each `learn`, and decisions say it
        (`Maker.posterior`).
        """
        ...

    def learn(self, decisions: Decisions, rewards: Doubles) -> None:
        """Learn from what became of decisions: `rewards` (lines,), NaN where nobody looked. They may come late and in
        any order; the same calls in the same order, of a log replayed, leave the same bytes in `save`.
        """
        ...

    def at(self, posterior: int) -> Policy:
        """The policy as it was with this version, to ask its decisions again. Raises `NotFound` where it is gone."""
        ...

    def save(self, folder: Path) -> None:
        """Write what was learned into an existing empty folder, as arrays and JSON; never pickle."""
        ...


@runtime_checkable
class Uncertain(Protocol):
    """What a scorer or a learning policy may offer beyond the contract: how sure it is."""

    def belief(self, requests: Requests) -> tuple[Doubles, Doubles]:
        """The mean and the standard deviation of what is believed of each title's reward, each (batch, titles)."""
        ...


@runtime_checkable
class LaysOut(Protocol):
    """What a policy of home pages may offer beyond the contract: how pages are laid out, and how they are looked at."""

    @property
    def layouts(self) -> Layouts:
        """The layout of each kind of screen, for requests that bring none."""
        ...


@runtime_checkable
class Believes(Protocol):
    """What a policy may offer beyond the contract: to say what it believes of a member's tastes."""

    def beliefs(self, requests: Requests) -> Beliefs:
        """Of a batch of one, which is asked as its page would be."""
        ...


def beliefs_by(policy: Policy, requests: Requests) -> Beliefs:
    """What this policy believes of the tastes of a batch of one. Raises `NotFound` where it does not say."""
    if not isinstance(policy, Believes):
        raise NotFound("what serves here does not say what it believes; serve a home page of the house")
    return policy.beliefs(requests)

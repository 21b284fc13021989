"""How the billboard that learns is doing: numbers to watch, and alarms with cause and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from matinee.data.log import EventLog
from matinee.decision import Decisions
from matinee.maths.arrays import Doubles
from matinee.maths.off_policy import effective_size
from matinee.policies.arms import LinearArms
from matinee.recipes.learning import SECOND, LearnerConfig
from matinee.service.watched import Alarm, Watched

RECENT = 5_000  # decisions that are watched, the latest
FEWEST = 200  # below which nothing is said of them
PATIENCE = 3  # looks that may pass before what waits is stale
LEAST_ENTROPY = 0.25  # nats; a floor of 1 % over 1,000 titles alone has 0.13
LEAST_EFFECTIVE = 0.005  # share of the decisions; a floor of 1 % leaves 0.01 at least


@dataclass(frozen=True)
class Vitals:
    """What was seen at the latest look. `entropy`: of the choice, in nats, the mean of -log p over the latest
    `decisions`. `effective`: their effective share, and `heaviest` the largest weight, were titles by chance estimated
    from them. `waiting`: seconds since the oldest decision that is not learned from could have been.
    """

    decisions: int = 0
    entropy: float = float("nan")
    effective: float = float("nan")
    heaviest: float = float("nan")
    version: int = 0
    as_of: int = 0
    waiting: float = 0.0

    def alarms(self, samples: bool, every: float) -> Iterator[Alarm]:
        """What is wrong, for a billboard that `samples` or does not, and learns `every` so many seconds."""
        if self.decisions >= FEWEST and samples and self.entropy < LEAST_ENTROPY:
            yield Alarm(
                "entropy",
                f"the billboard leaves next to nothing to chance: {self.entropy:.2f} nats over its latest "
                f"{self.decisions:,} decisions",
                "look at /studio for a title that wins everywhere; `--billboard page` switches the billboard off",
            )
        if self.decisions >= FEWEST and self.effective < LEAST_EFFECTIVE:
            yield Alarm(
                "weights",
                f"the log can hardly judge other policies: of {self.decisions:,} decisions {self.effective:.2%} count, "
                f"the heaviest {self.heaviest:,.0f} times",
                "raise `floor` of the billboard's ArmsConfig, so that every title has its chance",
            )
        if self.waiting > PATIENCE * every:
            yield Alarm(
                "stale",
                f"decisions wait to be learned from since {self.waiting:,.0f} seconds; version {self.version} serves",
                "read the service's own log for why; see that the disk has room and that one service of the workspace "
                "runs",
            )

    @property
    def gauges(self) -> dict[str, float]:
        """The numbers by name."""
        names = ("decisions", "entropy", "effective", "heaviest", "version", "waiting")
        return {name: float(getattr(self, name)) for name in names}


@dataclass
class Watch:
    """Looks at what the billboard decides, look by look; `since` is where the next look begins (microseconds). What
    it looks at is younger than what is thinned, so each decision counts once.
    """

    since: int
    _log_probs: Doubles = field(default_factory=lambda: np.empty(0))
    _weights: Doubles = field(default_factory=lambda: np.empty(0))

    def look(self, events: EventLog, arms: LinearArms, now: int, config: LearnerConfig) -> Vitals:
        """What is seen at `now` (microseconds since 1970, UTC)."""
        for decisions in events.decisions.read(now, self.since, "home"):
            self._add(decisions, arms.policy_id)
        self.since = max(now, self.since)
        waiting = _waiting(events, arms, now, config)
        seen = Vitals(len(self._weights), version=arms.posterior, as_of=arms.as_of, waiting=waiting)
        if not len(self._weights):
            return seen
        effective = effective_size(self._weights) / len(self._weights)
        return replace(
            seen, entropy=float(-self._log_probs.mean()), effective=effective, heaviest=float(self._weights.max())
        )

    def _add(self, decisions: Decisions, policy: str) -> None:
        choices = decisions.choices
        own = np.array([maker.policy == policy for maker in decisions.makers], np.bool_)
        lines = decisions.billboards & own[choices.makers]
        weights = np.exp(-choices.log_probs[lines]) / choices.among[lines]
        self._log_probs = np.append(self._log_probs, choices.log_probs[lines])[-RECENT:]
        self._weights = np.append(self._weights, weights)[-RECENT:]


def watched(vitals: Vitals, samples: bool, every: float) -> Watched:
    """The numbers and alarms for the service."""
    return Watched(vitals.gauges, tuple(vitals.alarms(samples, every)))


def _waiting(events: EventLog, arms: LinearArms, now: int, config: LearnerConfig) -> float:
    """Seconds since the oldest decision that is not learned from could have been; 0 where none waits."""
    known = (one for one in events.decisions.read(config.until(now), arms.as_of + 1, "home"))
    first = next((int(one.requests.times.min()) for one in known if one.requests.arrived is not None), None)
    if first is None:
        return 0.0
    end = int(config.slices(np.array([first]))[0, 1])
    return (now - end) / SECOND - config.window - config.grace

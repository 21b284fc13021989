"""Ways to choose whom to write to, played against each other in worlds of one seed, after days of random messages.

All ways learn from the same days and meet the same luck, so that members tell differences pair by pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from matinee.decision import Decisions, Layer, Requests, Scorer
from matinee.decision.messages import sent_by
from matinee.maths.arrays import Doubles, Int64s
from matinee.maths.calibration import Platt
from matinee.maths.mean_intervals import Interval, normal
from matinee.maths.off_policy import ips
from matinee.models.effects import Trials, chance_if_sent, effect_of_sending
from matinee.recipes.outreach.learning import trials_with
from matinee.simulate.loop import chance
from matinee.simulate.persuasion import Lived, Nature, Persuasion, days_with_messages
from matinee.simulate.world import World
from matinee.surfaces.outreach.choosing import Weighed
from matinee.surfaces.outreach.config import By, OutreachConfig
from matinee.surfaces.outreach.policy import OutreachPolicy

ALWAYS = OutreachConfig(quiet=0, awake=0)  # the world's messages come at midnight
AFTER = 2  # days within which a return counts, the day of the message included
CALIBRATION = Platt(1.0, -1.0)


class Arm(NamedTuple):
    """One way to choose: by what, and for how many members a day of each that stays."""

    by: By
    share: float


class Played(NamedTuple):
    """What came of an arm: on how many days each member played (members,), how many left, and how many messages went to
    each `Nature` (natures,).
    """

    days: Int64s
    left: int
    sends: Int64s


class Judged(NamedTuple):
    """The returns that an arm would get: told by one random day of the log, and the mean over luck."""

    told: Interval
    truth: float


@dataclass(frozen=True)
class Result:
    """What came of each arm by name, and of no message at all; what the log told of arms before they were played."""

    arms: Mapping[str, Played]
    silent: Played
    judged: Mapping[str, Judged]

    def gained(self, name: str) -> float:
        """Days with a play that an arm added, per member."""
        return float((self.arms[name].days - self.silent.days).mean())

    def ahead(self, one: str, other: str) -> Interval:
        """Days with a play a member that `one` is ahead of `other`, over members in pairs."""
        return normal((self.arms[one].days - self.arms[other].days).astype(np.float64))


def trial(
    world: World,
    scorer: Scorer,
    arms: Mapping[str, Arm],
    learning: int = 10,
    days: int = 14,
    share: float = 0.1,
    lucks: int = 0,
) -> Result:
    """Learn from `learning` days on which a `share` of members are written to at random, then play each arm for `days`.

    With `lucks`, the arms are first judged by the last day of learning, and the truth is the mean of so many futures.
    """
    persuasion = Persuasion.drawn(world)
    plain = OutreachPolicy("outreach", "unsaved", world.catalog, scorer, CALIBRATION, ALWAYS)
    learned = _Learned(plain, share)
    for lived in days_with_messages(world, persuasion, learned, range(learning - AFTER)):
        learned.keep(lived)
    before = _copy(world)
    for lived in days_with_messages(world, persuasion, learned, range(learning - AFTER, learning)):
        learned.keep(lived)
    policies = {name: learned.policy(arm) for name, arm in arms.items()}
    judged = {
        name: _judged(before, persuasion, policy, arms[name].share, learned, learning - AFTER, lucks)
        for name, policy in policies.items()
        if lucks
    }
    after = range(learning, learning + days)
    played = {name: _play(world, persuasion, one, arms[name].share, after) for name, one in policies.items()}
    return Result(played, _play(world, persuasion, plain, 0.0, after), judged)


class _Learned:
    """Random messages, and what came of them day by day."""

    def __init__(self, plain: OutreachPolicy, share: float) -> None:
        self._plain, self._share = plain, share
        self._weighed: list[Weighed] = []
        self.lived: list[Lived] = []
        self._asked = 0

    def __call__(self, requests: Requests) -> Decisions:
        """Random messages to this share of those who may get one."""
        weighed = self._plain.weighed(requests)
        self._weighed.append(weighed)
        self._asked += 1
        policy = self._plain.priced(weighed, self._share * len(requests))
        return policy.decide_of(requests, weighed, chance(0, self._asked, 0))

    def keep(self, lived: Lived) -> None:
        """Remember a day."""
        self.lived.append(lived)

    def returned(self, day: int) -> Doubles:
        """(batch,) whether each member decided for on a day played within `AFTER` days."""
        active = np.any([one.active for one in self.lived[day : day + AFTER]], axis=0)
        return np.asarray(active[self.lived[day].decisions.requests.members], np.float64)

    def policy(self, arm: Arm) -> OutreachPolicy:
        """The policy of an arm, without a price."""
        if arm.by is By.RANDOM:
            return self._plain
        learn = effect_of_sending if arm.by is By.UPLIFT else chance_if_sent
        return replace(self._plain, policy_id=f"outreach-{arm.by}", effects=learn(self._trials(arm.by)))

    def _trials(self, by: By) -> Trials:
        return Trials.joined([self._of_day(day, by) for day in range(len(self.lived) - AFTER + 1)])

    def _of_day(self, day: int, by: By) -> Trials:
        decisions, delivered = self.lived[day].decisions, self.lived[day].delivered
        if by is By.UPLIFT:
            came = self.returned(day)
        else:
            came = np.zeros(len(decisions))
            came[sent_by(decisions)] = delivered.opened
        members = decisions.requests.members.astype(np.int64)
        trials = trials_with(decisions, self._weighed[day].expected_features, came, members)
        return trials.of(decisions.choices.log_probs[decisions.layer(Layer.SEND)] < 0)


def _play(world: World, persuasion: Persuasion, policy: OutreachPolicy, share: float, days: range) -> Played:
    own = _copy(world)
    active, sends = np.zeros(len(own.members), np.int64), np.zeros(len(Nature), np.int64)
    for lived in days_with_messages(own, persuasion, _within(policy, share), days):
        active += lived.active
        sends += np.bincount(persuasion.natures[lived.delivered.members], minlength=len(Nature))
    return Played(active, len(active) - own.members.staying, sends)


def _within(policy: OutreachPolicy, share: float) -> Callable[[Requests], Decisions]:
    """Decide with a budget that is a share of those asked."""

    def decide(requests: Requests) -> Decisions:
        weighed = policy.weighed(requests)
        priced = policy.priced(weighed, share * len(requests))
        return priced.decide_of(requests, weighed, chance(1, int(requests.times[0] // 1_000_000), 0))

    return decide


def _judged(
    before: World,
    persuasion: Persuasion,
    policy: OutreachPolicy,
    share: float,
    learned: _Learned,
    day: int,
    lucks: int,
) -> Judged:
    """The returns after one day of an arm's messages: by the random log of that day, and in worlds of other luck."""
    decisions, rewards = learned.lived[day].decisions, learned.returned(day)
    weighed = policy.weighed(decisions.requests)
    priced = policy.priced(weighed, share * len(decisions))
    again = decisions.sums(np.maximum(priced.log_prob(decisions), -1e3))
    told = normal(ips(np.exp(again - decisions.log_probs), rewards))
    truth = [_return_rate(replace(_copy(before), seed=seed), persuasion, priced, day) for seed in range(1, lucks + 1)]
    return Judged(told, float(np.mean(truth)))


def _return_rate(world: World, persuasion: Persuasion, policy: OutreachPolicy, day: int) -> float:
    """The share of members who return after one day of messages and as many days more as count."""
    active, asked = np.zeros(len(world.members), np.bool_), None

    def decide(requests: Requests) -> Decisions:
        once = (
            policy
            if requests.times[0] == world.config.start + day * 86_400_000_000
            else replace(policy, effects=None, share=0.0)
        )
        return once.decide(requests, chance(world.seed, day, 1))

    for lived in days_with_messages(world, persuasion, decide, range(day, day + AFTER)):
        asked = lived.decisions.requests.members if asked is None else asked
        active |= lived.active
    return float(active[asked].mean())


def _copy(world: World) -> World:
    """The same world as it stands, to go its own way."""
    return replace(world, members=deepcopy(world.members))

"""What several wish, as one worth a title: the rule, and whose turn it is after the nights they had together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from matinee.errors import BadRequest, require_share
from matinee.maths import group
from matinee.maths.arrays import Doubles, Flags, Floats
from matinee.surfaces.together.watchers import Watchers


class Rule(StrEnum):
    """How several wishes become one, see `maths.group`."""

    AVERAGE = "average"
    LEAST_MISERY = "least_misery"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class TogetherConfig:
    """`rule` of the group; `fairness` 0..1: how much more weighs who gave in on nights before; `memory` 0..1: how much
    a night counts beside the one after it. Each approves of the `approves` titles that they would like best alone.
    """

    rule: Rule = Rule.AVERAGE
    fairness: float = 1.0
    memory: float = 0.9
    approves: int = 100

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", Rule(self.rule))
        for name in ("fairness", "memory"):
            require_share(name, getattr(self, name))
        if self.approves < 1:
            raise BadRequest(f"approves is {self.approves}; each approves of a title or more")


@dataclass(frozen=True)
class Wishes:
    """`worth` (batch, titles) of each title to all who watch; `approves` (watchers, titles) who would choose it alone;
    `weights` (watchers,) whose turn it is, 1 in sum for a request.
    """

    worth: Floats
    approves: Flags
    weights: Doubles


def wishes_of(watchers: Watchers, worths: Floats, offered: Flags, config: TogetherConfig) -> Wishes:
    """The wishes of all, out of what each title is worth to each alone: `worths` (watchers, titles).

    A wish is the share of the best that is `offered` (batch, titles); the worth to all is on the scale of `worths`.
    """
    worth = np.empty((len(watchers), worths.shape[1]), np.float32)
    approves, weights = np.zeros(worths.shape, np.bool_), np.empty(len(worths))
    for b in range(len(watchers)):
        own = watchers.of_request(b)
        best = _best(worths[own], offered[b])
        wishes = np.minimum(worths[own] / best[:, None], 1.0)
        approves[own] = _among_the_best(worths[own], offered[b], config.approves)
        weights[own] = group.turns(_had(watchers, b, wishes, config.memory), config.fairness)
        worth[b] = _agreed(wishes, weights[own], approves[own], config.rule) * best.mean()
    return Wishes(np.clip(worth, LEAST, 1 - LEAST), approves, weights)


LEAST = np.float32(1e-6)


def _agreed(wishes: Doubles, weights: Doubles, approves: Flags, rule: Rule) -> Doubles:
    match rule:
        case Rule.AVERAGE:
            return group.average(wishes, weights)
        case Rule.LEAST_MISERY:
            return group.least_misery(wishes, weights)
        case Rule.APPROVAL:
            return group.approval(wishes, weights, approves)


def _best(worths: Floats, offered: Flags) -> Floats:
    """(people,) the highest worth of what is offered; 1 where nothing is."""
    return np.asarray(worths[:, offered].max(axis=1) if offered.any() else np.ones(len(worths), np.float32))


def _among_the_best(worths: Floats, offered: Flags, n: int) -> Flags:
    """(people, titles) which titles are among the `n` best of those offered."""
    titles = np.flatnonzero(offered)
    if len(titles) <= n:
        return np.broadcast_to(offered, worths.shape)
    least = np.partition(worths[:, titles], len(titles) - n, axis=1)[:, len(titles) - n]
    return np.asarray(offered & (worths >= least[:, None]))


def _had(watchers: Watchers, b: int, wishes: Doubles, memory: float) -> Doubles:
    """(people,) how much of what each wished they got on the nights before; nothing by titles they turned down."""
    own = watchers.of_request(b)
    nights = watchers.nights(b)
    got = wishes[:, nights].astype(np.float64)
    for p, refused in enumerate(watchers.turned_down[own]):
        got[p, np.isin(nights, refused)] = 0.0
    return np.asarray(got @ memory ** np.arange(len(nights)))

"""What several wish, as one worth a title: the rule, whose turn it is after the nights they had together, and what one
or another wants less of.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import logit

from matinee.errors import BadRequest, require_share
from matinee.maths import group
from matinee.maths.arrays import Doubles, Flags, Floats
from matinee.surfaces.sway import with_odds
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


LEAST = np.float32(1e-6)
NONE_LESS = np.empty((0, 0))


@dataclass(frozen=True)
class Wishes:
    """`worth` (batch, titles) of each title to all who watch; `less` (batch, titles) the log of what they want less of
    makes of its odds, without titles where none wants less of anything; `wished` (watchers, titles) what each title
    counts for each of them; `approves` (watchers, titles) who would choose it alone; `weights` (watchers,) whose turn
    it is, 1 in sum for a request.
    """

    worth: Floats
    less: Doubles
    wished: Floats
    approves: Flags
    weights: Doubles


def wishes_of(
    watchers: Watchers, worths: Floats, offered: Flags, config: TogetherConfig, less: Doubles = NONE_LESS
) -> Wishes:
    """The wishes of all, out of what each title is worth to each alone: `worths` (watchers, titles), and the log of
    what each one's wish for less makes of its odds: `less` (watchers, titles), without titles where none wishes so.

    A wish is the share of the best that is `offered` (batch, titles); the worth to all is on the scale of `worths`.
    Whose turn it is and who approves follow from the wishes with less.
    """
    wished = with_odds(worths, np.exp(less)) if less.size else worths
    approves, weights = np.zeros(worths.shape, np.bool_), np.empty(len(worths))
    for b in range(len(watchers)):
        own = watchers.of_request(b)
        approves[own] = _among_the_best(wished[own], offered[b], config.approves)
        had = _had(watchers, b, _shares(wished[own], offered[b]), config.memory)
        weights[own] = group.turns(had, config.fairness)

    def agreed(each: Floats) -> Floats:
        return _worth_to_all(watchers, each, offered, weights, approves, config.rule)

    worth = agreed(worths)
    held = _logits(agreed(wished)) - _logits(worth) if less.size else np.empty((len(worth), 0))
    return Wishes(worth, held, wished, approves, weights)


def _worth_to_all(
    watchers: Watchers, worths: Floats, offered: Flags, weights: Doubles, approves: Flags, rule: Rule
) -> Floats:
    """(batch, titles) one worth a title, on the scale of `worths` (watchers, titles)."""
    worth = np.empty((len(watchers), worths.shape[1]), np.float32)
    for b in range(len(watchers)):
        own = watchers.of_request(b)
        wishes = _shares(worths[own], offered[b])
        worth[b] = _agreed(wishes, weights[own], approves[own], rule) * _best(worths[own], offered[b]).mean()
    return np.clip(worth, LEAST, 1 - LEAST)


def _logits(worth: Floats) -> Doubles:
    return np.asarray(logit(worth.astype(np.float64)))


def _shares(worths: Floats, offered: Flags) -> Doubles:
    """(people, titles) the share of the best of what is offered, at most 1."""
    return np.asarray(np.minimum(worths / _best(worths, offered)[:, None], 1.0), np.float64)


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

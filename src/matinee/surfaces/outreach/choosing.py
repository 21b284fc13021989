"""Sent or silent, which title, and why: the probabilities of each, the draw, and the same asked
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numba
import numpy as np

from matinee.decision import NEW, Choices, Decisions, Layer
from matinee.decision.decisions import SILENT
from matinee.decision.messages import Reason
from matinee.maths.arrays import Doubles, Flags, Int8s, Int32s, Int64s, UInt64s
from matinee.maths.counters import keyed, uniform
from matinee.maths.ragged import offsets_of
from matinee.maths.uplift import Level
from matinee.surfaces.outreach.offers import ARRIVAL, Messages

SENT = 1
VALUE_DIGITS = 7  # values are rounded to it, so that a member asked again alone is on the same side of the price
TITLE, REASON = 1, 2  # what a member's further random numbers are for


@dataclass(frozen=True)
class Weighed:
    """Messages with their `features` (messages, features), what each is `worth` and how likely each
    would be, if one is sent: `title` (messages,). `values` (batch,) is the worth expected of a
    send. What members wish less of is worth a part of what it would be, and drawn as much less
    often.
    """

    messages: Messages
    features: Doubles
    worth: Doubles
    title: Doubles
    values: Doubles
    exploration: float
    timings: Mapping[str, float]

    @classmethod
    def of(
        cls, messages: Messages, features: Doubles, worth: Doubles, exploration: float, timings: Mapping[str, float]
    ) -> Self:
        """Any title with chance `exploration`, else the one of most worth, the first of equals."""
        factors, owners = messages.factors.astype(np.float64), messages.owners
        counted: Doubles = np.where(worth > 0, worth * factors, worth / factors)
        worth = np.round(counted, VALUE_DIGITS)
        title = exploration * factors / np.bincount(owners, factors, len(messages))[owners]
        title[_best(messages, worth)] += 1.0 - exploration
        expected = np.bincount(owners, title * worth, len(messages)).astype(np.float64)
        values = np.round(expected, VALUE_DIGITS)
        return cls(messages, features, worth, title, values, exploration, timings)

    @property
    def expected_features(self) -> Doubles:
        """(batch, features) of what a member would be sent, averaged over the titles; 0 where that
        is nothing.
        """
        sums = [np.bincount(self.messages.owners, self.title * one, len(self.messages)) for one in self.features.T]
        return np.stack(sums, axis=1)


class Chances(NamedTuple):
    """P(sent) of each member (batch,), of the title of each message if sent (messages,), and of
    each reason of it.
    """

    send: Doubles
    title: Doubles
    reason: Doubles


def probabilities(weighed: Weighed, level: Level, share: float) -> Chances:
    """The chances of every choice at a price, see `OutreachPolicy`."""
    e, reasons = weighed.exploration, weighed.messages.reasons
    worthwhile = e * share + (1.0 - e) * level.chances(weighed.values)
    send = np.where(weighed.messages.counts > 0, np.clip(worthwhile, 0.0, 1.0), 0.0)
    true = ((reasons[:, None] >> np.arange(len(Reason))) & 1).astype(np.float64)
    reason = e * true / np.maximum(true.sum(axis=1, keepdims=True), 1.0)
    reason[np.arange(len(reason)), true.argmax(axis=1)] += 1.0 - e
    return Chances(send, weighed.title, reason)


def stratified(chances: Doubles, rng: np.random.Generator) -> UInt64s:
    """(batch,) random bits, uniform each, under which as many are below their chance as the chances
    sum to, but one.

    Madow 1949: u_k = (U - c_1 - ... - c_(k-1)) mod 1 for one uniform U; who stands beside whom is
    drawn first.
    """
    order = rng.permutation(len(chances))
    before = np.append(0.0, np.cumsum(chances[order])[:-1]) if len(chances) else np.zeros(0)
    places = np.empty(len(chances))
    places[order] = (rng.random() - before) % 1.0
    high = (places * 2.0**53).astype(np.uint64) & np.uint64(2**53 - 1)
    return (high << np.uint64(11)) | rng.integers(2**11, size=len(chances), dtype=np.uint64)


def choices_of(weighed: Weighed, chances: Chances, bits: UInt64s) -> Choices:
    """The choices that these bits make: `Layer.SEND` for all, and a title and a reason where
    something is sent.
    """
    messages, batch = weighed.messages, len(bits)
    sent = (bits >> np.uint64(11)) * 2.0**-53 < chances.send
    which, why = np.full(batch, -1, np.int64), np.full(batch, -1, np.int8)
    _draw(messages.offsets, chances.title, chances.reason, sent, bits, which, why)
    offsets = offsets_of(np.where(sent, 3, 1))
    send, title, reason = offsets[:-1], offsets[:-1][sent] + 1, offsets[:-1][sent] + 2
    lines, chosen, reasons = int(offsets[-1]), which[sent], why[sent]
    open_to = (chances.send > 0) & (chances.send < 1)
    made = Choices(
        offsets=offsets,
        layers=_placed(lines, np.int8, (send, Layer.SEND), (title, Layer.TITLE), (reason, Layer.REASON)),
        rows=_placed(lines, np.int16, (send, -1)),
        columns=_placed(lines, np.int16, (send, -1)),
        actions=_placed(
            lines, np.int32, (send, np.where(sent, SENT, SILENT)), (title, messages.titles[chosen]), (reason, reasons)
        ),
        log_probs=_placed(
            lines,
            np.float64,
            (send, _log(np.where(sent, chances.send, 1.0 - chances.send))),
            (title, _log(chances.title[chosen])),
            (reason, _log(chances.reason[chosen, reasons])),
        ),
        among=_placed(
            lines,
            np.int32,
            (send, np.where(open_to, 2, 1)),
            (title, messages.counts[sent]),
            (reason, np.count_nonzero(chances.reason[chosen], axis=1)),
        ),
        makers=np.zeros(lines, np.int8),
        scores=_placed(lines, np.float32, (title, messages.worth[chosen])),
        evidence=_placed(
            lines, np.int32, (send, -1), (reason, -1), (title, np.where(messages.reasons[chosen] & ARRIVAL, NEW, -1))
        ),
    )
    return made


def log_probs_of(decisions: Decisions, weighed: Weighed, chances: Chances) -> Doubles:
    """(lines,) log of the chance of each choice that was made; -inf for one that could not be."""
    choices, messages = decisions.choices, weighed.messages
    owner, actions, lines = choices.decisions, choices.actions, len(choices.layers)
    found = np.full(lines, -np.inf)
    send = decisions.layer(Layer.SEND)
    found[send] = _log(np.where(actions[send] == SILENT, 1.0 - chances.send[owner[send]], chances.send[owner[send]]))
    title = decisions.layer(Layer.TITLE)
    which = np.full(len(decisions), -1, np.int64)
    which[owner[title]] = _place(messages, owner[title], actions[title], decisions.catalog)
    found[title] = _log(np.append(chances.title, 0.0)[which[owner[title]]])
    reason = decisions.layer(Layer.REASON) & (actions >= 0) & (actions < len(Reason))
    none = np.vstack([chances.reason, np.zeros((1, len(Reason)))])
    found[reason] = _log(none[which[owner[reason]], actions[reason]])
    return found


def _best(messages: Messages, worth: Doubles) -> Int64s:
    """(members with messages,) where the message of most worth of each stands, first of equals."""
    some = messages.counts > 0
    if not some.any():
        return np.zeros(0, np.int64)
    most = np.maximum.reduceat(worth, messages.offsets[:-1][some])
    at = np.flatnonzero(worth == np.repeat(most, messages.counts[some]))
    _, first = np.unique(messages.owners[at], return_index=True)
    return np.asarray(at[first])


def _place(messages: Messages, owners: Int64s, titles: Int32s, catalog: int) -> Int64s:
    """(n,) which message each title is to its member, -1 where it is none."""
    keys = messages.owners * catalog + messages.titles
    order = np.argsort(keys, kind="stable")
    wanted = owners * catalog + titles
    at = np.minimum(np.searchsorted(keys[order], wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return np.full(len(owners), -1, np.int64)
    return np.where(keys[order][at] == wanted, order[at], -1)


def _placed(lines: int, dtype: type, *parts: tuple[Int64s, object]) -> Any:
    """(lines,) values at their places, 0 elsewhere."""
    made: Any = np.zeros(lines, dtype)
    for places, values in parts:
        made[places] = values
    return made


def _log(chances: Doubles) -> Doubles:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(chances))


@numba.njit(cache=True, nogil=True)
def _draw(
    offsets: Int64s, title: Doubles, reason: Doubles, sent: Flags, bits: UInt64s, which: Int64s, why: Int8s
) -> None:
    for b in range(len(sent)):
        if sent[b]:
            at = _one_of(title[offsets[b] : offsets[b + 1]], uniform(keyed(bits[b], TITLE, 0, 0)))
            which[b] = offsets[b] + at
            why[b] = _one_of(reason[which[b]], uniform(keyed(bits[b], REASON, 0, 0)))


@numba.njit(cache=True, nogil=True)
def _one_of(chances: Doubles, share: float) -> int:
    """The place at which the running sum of `chances` passes `share` of their sum, of those above
    0.
    """
    left, last = share * chances.sum(), 0
    for at in range(len(chances)):
        if chances[at] > 0.0:
            last = at
            left -= chances[at]
            if left < 0.0:
                break
    return last

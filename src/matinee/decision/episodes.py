"""Episodes: chains of decisions, each of which knows what was suggested before it and how that was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from matinee.events import Kind
from matinee.history import Histories
from matinee.maths.arrays import Int8s, Int32s, Int64s, UInt64s
from matinee.maths.ragged import Ragged, gather, offsets_of, owners_of

UNANSWERED = Kind.IMPRESSION  # a suggestion that was shown, and no more is known
ANSWERS = (
    Kind.PLAY,
    Kind.SKIP,
    Kind.NOT_NOW,
    Kind.MORE_LIKE,
    Kind.LIGHTER,
    Kind.HEAVIER,
    Kind.THUMBS_UP,
    Kind.THUMBS_DOWN,
    Kind.DISMISS,
    Kind.SEEN,
)
_NOTHING: Any = None
_WIDE = np.int64(2**32)  # more than any title's index


@dataclass(frozen=True)
class Episodes:
    """`chains` (batch,) which chain each decision belongs to, `steps` (batch,) its place in it, 0 the first.

    `suggested` (batch) lists of the titles that the decisions before it chose, oldest first, none of them twice;
    `answers` along their values: the latest of `ANSWERS` to each, or `UNANSWERED`. Left out, nothing was.
    """

    chains: UInt64s
    steps: Int32s
    suggested: Ragged = field(default_factory=lambda: _NOTHING)
    answers: Int8s = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        if self.suggested is _NOTHING:
            nothing = Ragged(np.zeros(len(self.chains) + 1, np.int64), np.empty(0, np.int32))
            object.__setattr__(self, "suggested", nothing)
        if self.answers is _NOTHING:
            object.__setattr__(self, "answers", np.full(len(self.suggested.values), UNANSWERED, np.int8))
        told = len(self.chains), len(self.answers)
        wanted = len(self.suggested), len(self.suggested.values)
        assert told == wanted, f"{told} chains and answers for {wanted} lists and titles suggested"

    def __len__(self) -> int:
        return len(self.chains)

    @classmethod
    def joined(cls, parts: Sequence[Episodes]) -> Episodes:
        """Those of all parts, one part after the other; at least one part."""
        chains, steps, answers = (
            np.concatenate([getattr(one, name) for one in parts]) for name in ("chains", "steps", "answers")
        )
        return cls(chains, steps, Ragged.joined([one.suggested for one in parts]), answers)

    def take(self, rows: Int64s) -> Episodes:
        """Those of these batch rows, in this order."""
        _, places = gather(self.suggested.offsets, rows)
        return Episodes(self.chains[rows], self.steps[rows], self.suggested.take(rows), self.answers[places])

    def then(self, titles: Int32s, answers: Int8s) -> Episodes:
        """One step on: `titles` (batch,) were suggested, -1 = none, and answered so (batch,)."""
        offsets, shown = self.suggested.offsets, titles >= 0
        at = offsets[1:][shown]
        longer = offsets_of(np.diff(offsets) + shown)
        suggested = np.insert(self.suggested.values, at, titles[shown]).astype(np.int32)
        return Episodes(
            self.chains,
            (self.steps + 1).astype(np.int32),
            Ragged(longer, suggested),
            np.insert(self.answers, at, answers[shown]).astype(np.int8),
        )

    def heard(self, histories: Histories, since: Int64s) -> Episodes:
        """With what members (`histories`, batch) said of the titles suggested at or after `since` (batch,).

        The latest word on a title counts.
        """
        member = owners_of(histories.offsets)
        said = np.isin(histories.kinds, ANSWERS) & (histories.times >= since[member])
        chain = owners_of(self.suggested.offsets)
        keys = chain * _WIDE + self.suggested.values
        order = np.argsort(keys, kind="stable")
        asked = member[said] * _WIDE + histories.items[said]
        place = np.append(order, -1)[np.searchsorted(keys[order], asked)]
        about = np.append(keys, -1)[place] == asked
        answers = self.answers.copy()
        answers[place[about]] = histories.kinds[said][about]  # in the order of time: the last stays
        return replace(self, answers=answers)

    @property
    def last(self) -> tuple[Int32s, Int8s]:
        """(batch,) the title suggested last, -1 = none, and the answer to it."""
        ends, some = self.suggested.offsets[1:], np.diff(self.suggested.offsets) > 0
        titles = np.append(self.suggested.values, np.int32(-1))[np.where(some, ends - 1, -1)]
        answers = np.append(self.answers, np.int8(UNANSWERED))[np.where(some, ends - 1, -1)]
        return titles, answers

"""Why a title is on a page: the kinds of reasons there are, and of which kind a choice's evidence is."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from matinee.decision.decisions import CHARTED, FAVOURITE, MOMENT, NEW, UNSPOKEN
from matinee.maths.arrays import Int8s, Int32s

UNTRUE = np.iinfo(np.int32).min  # stands for the evidence of a reason that is not true


class Why(IntEnum):
    """What speaks for a title of a page: the action of `Layer.REASON` there. The numbers are stored; they never change
    meaning.
    """

    HISTORY = 0  # a title of the member's history
    NEW = 1
    CHARTED = 2
    FAVOURITE = 3  # a genre that the member likes
    LIKELY = 4  # nothing but its worth
    MOMENT = 5  # what the answers of an episode ask for


def kinds_of(evidence: Int32s) -> Int8s:
    """The `Why` of each evidence, see `Choices`; of the same shape."""
    tests = [(evidence >= 0) | (evidence == UNSPOKEN), evidence == NEW, evidence <= MOMENT]
    tests += [evidence <= FAVOURITE, evidence <= CHARTED]
    kinds = [Why.HISTORY, Why.NEW, Why.MOMENT, Why.FAVOURITE, Why.CHARTED]
    return np.select(tests, kinds, Why.LIKELY).astype(np.int8)

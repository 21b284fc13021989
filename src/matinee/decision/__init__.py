"""Requests, Decisions, and the contracts of the house: a Scorer predicts, a Policy chooses.

Everything that serves, simulates, evaluates or experiments knows these and no model or surface.
"""

from matinee.decision.beliefs import Beliefs
from matinee.decision.company import Company
from matinee.decision.contracts import (
    Believes,
    Enumerates,
    Explain,
    LaysOut,
    Learns,
    Policy,
    Refits,
    Scorer,
    ScoresWithReasons,
    Uncertain,
    scored,
)
from matinee.decision.control import Boost, Control, Promotion
from matinee.decision.decisions import (
    CHARTED,
    FAVOURITE,
    MOMENT,
    NEW,
    UNSPOKEN,
    Choices,
    Decisions,
    Layer,
    Maker,
    Pages,
    decision_ids,
    digest,
)
from matinee.decision.dials import Dials
from matinee.decision.distribution import Distribution
from matinee.decision.episodes import Episodes
from matinee.decision.joining import as_one, joined
from matinee.decision.progress import Progress, no_progress, part_of
from matinee.decision.requests import Cells, People, Requests, situations_of
from matinee.decision.rows import RowName, row_key, row_name
from matinee.situation import Context, Situations

__all__ = [
    "CHARTED",
    "FAVOURITE",
    "MOMENT",
    "NEW",
    "UNSPOKEN",
    "Beliefs",
    "Believes",
    "Boost",
    "Cells",
    "Choices",
    "Company",
    "Context",
    "Control",
    "Decisions",
    "Dials",
    "Distribution",
    "Enumerates",
    "Episodes",
    "Explain",
    "Layer",
    "LaysOut",
    "Learns",
    "Maker",
    "Pages",
    "People",
    "Policy",
    "Progress",
    "Promotion",
    "Refits",
    "Requests",
    "RowName",
    "Scorer",
    "ScoresWithReasons",
    "Situations",
    "Uncertain",
    "as_one",
    "decision_ids",
    "digest",
    "joined",
    "no_progress",
    "part_of",
    "row_key",
    "row_name",
    "scored",
    "situations_of",
]

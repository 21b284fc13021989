"""Requests, Decisions, and the contracts of the house: a Scorer predicts, a Policy chooses.

Everything that serves, simulates, evaluates or experiments knows these and no model or surface.
"""

from matinee.decision.contracts import Policy, Refits, Scorer
from matinee.decision.decisions import UNSPOKEN, Choices, Decisions, Layer, Maker, Pages, digest, joined
from matinee.decision.progress import Tell, quiet, within
from matinee.decision.requests import Cells, Context, Episodes, People, Requests, contexts_of
from matinee.decision.rows import RowName, row_key, row_name

__all__ = [
    "UNSPOKEN",
    "Cells",
    "Choices",
    "Context",
    "Decisions",
    "Episodes",
    "Layer",
    "Maker",
    "Pages",
    "People",
    "Policy",
    "Refits",
    "Requests",
    "RowName",
    "Scorer",
    "Tell",
    "contexts_of",
    "digest",
    "joined",
    "quiet",
    "row_key",
    "row_name",
    "within",
]

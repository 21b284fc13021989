"""Requests, Decisions, and the two contracts of the house: a Scorer predicts, a Policy chooses.

Everything that serves, simulates, evaluates or experiments knows these four and no model or surface.
"""

from matinee.decision.contracts import Policy, Refits, Scorer
from matinee.decision.decisions import UNSPOKEN, Decisions
from matinee.decision.progress import Tell, quiet, within
from matinee.decision.requests import Context, Requests

__all__ = [
    "UNSPOKEN",
    "Context",
    "Decisions",
    "Policy",
    "Refits",
    "Requests",
    "Scorer",
    "Tell",
    "quiet",
    "within",
]

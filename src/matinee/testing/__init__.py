"""For tests, ours and yours: toy worlds with provable answers, and the suites that scorers and policies pass."""

from matinee.testing.logs import check_log
from matinee.testing.numbers import assert_same
from matinee.testing.policies import check_policy
from matinee.testing.scorers import check_scorer
from matinee.testing.worlds import checkerboard, cyclic, make_catalog, make_data, make_decisions, make_events

__all__ = [
    "assert_same",
    "check_log",
    "check_policy",
    "check_scorer",
    "checkerboard",
    "cyclic",
    "make_catalog",
    "make_data",
    "make_decisions",
    "make_events",
]

"""For tests, ours and yours: toy worlds whose right answers are provable, and the suite that every scorer passes."""

from matinee.testing.scorers import check_scorer
from matinee.testing.worlds import checkerboard, cyclic, make_catalog, make_data, make_events

__all__ = ["check_scorer", "checkerboard", "cyclic", "make_catalog", "make_data", "make_events"]

"""Matinee: every row, page and suggestion is a decision of a policy, logged with its probability.

The names below are the public face; the house behind them is described in docs/architecture.md. Models, surfaces and
the service are imported from where they live (`matinee.models.linear_autoencoder`, `matinee.surfaces.home`, ...): so
`import matinee` stays light.
"""

from matinee.catalog import Catalog
from matinee.decision import Context, Decisions, Policy, Requests, Scorer
from matinee.eligibility import eligible
from matinee.errors import MatineeError
from matinee.events import Kind, Rejections, clean
from matinee.history import Histories, Tastes, TrainingData
from matinee.page import Attention, Layout, RowKind
from matinee.profile import Profile

__all__ = [
    "Attention",
    "Catalog",
    "Context",
    "Decisions",
    "Histories",
    "Kind",
    "Layout",
    "MatineeError",
    "Policy",
    "Profile",
    "Rejections",
    "Requests",
    "RowKind",
    "Scorer",
    "Tastes",
    "TrainingData",
    "clean",
    "eligible",
]

"""Matinee: every row, page and suggestion is a decision of a policy, logged with its probability.

    import matinee

    data = matinee.read("ratings.csv")            # or a pandas or polars frame
    model = matinee.fit("ease", data)
    model.recommend(users=["ada"], n=10)

The names below are the public face, each imported when it is first asked for, so that `import matinee` takes no time.
The house behind them is described in docs/architecture.md; models, surfaces and the service are imported from where
they live (`matinee.models.linear_autoencoder`, `matinee.surfaces.home`, ...).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matinee.catalog import Catalog
    from matinee.decision import Context, Decisions, Policy, Requests, Scorer
    from matinee.decision.eligibility import eligible
    from matinee.errors import MatineeError
    from matinee.events import Kind, Rejections, clean
    from matinee.history import Histories, Tastes, TrainingData
    from matinee.page import Attention, Layout, RowKind
    from matinee.profile import Profile
    from matinee.recipes.recommender import Recommender, fit, read

    __version__: str

_HOME_OF = {
    "Attention": "page",
    "Catalog": "catalog",
    "Context": "decision",
    "Decisions": "decision",
    "Histories": "history",
    "Kind": "events",
    "Layout": "page",
    "MatineeError": "errors",
    "Policy": "decision",
    "Profile": "profile",
    "Recommender": "recipes.recommender",
    "Rejections": "events",
    "Requests": "decision",
    "RowKind": "page",
    "Scorer": "decision",
    "Tastes": "history",
    "TrainingData": "history",
    "clean": "events",
    "eligible": "decision.eligibility",
    "fit": "recipes.recommender",
    "read": "recipes.recommender",
}

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
    "Recommender",
    "Rejections",
    "Requests",
    "RowKind",
    "Scorer",
    "Tastes",
    "TrainingData",
    "clean",
    "eligible",
    "fit",
    "read",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("matinee")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'matinee' has no attribute {name!r}")
    return getattr(import_module(f"matinee.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

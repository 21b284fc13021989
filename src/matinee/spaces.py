"""Spaces: for each model, what tuning may choose from; settings found there become a scorer by the same code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from matinee.decision import Scorer
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.markov import Markov, MarkovConfig
from matinee.models.neighbors import Neighbors, NeighborsConfig
from matinee.models.popularity import Popularity, PopularityConfig

HALF_LIVES = (None, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # in later likes
KAPPA = (1e-3, 30.0)  # history length at which popularity counts half


class Choices(Protocol):
    """What an optuna trial offers, searching or fixed."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number between two."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number between two, both included."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of some."""
        ...


def popularity(choose: Choices) -> Scorer:
    """How fast likes age, how much a context is believed."""
    return Popularity(
        PopularityConfig(
            half_life_days=choose.suggest_float("half_life_days", 1.0, 1_000.0, log=True),
            pseudo_counts=choose.suggest_float("pseudo_counts", 100.0, 1e6, log=True),
        )
    )


def neighbors(choose: Choices) -> Scorer:
    """How many neighbours, how they are weighted, how fast a history ages."""
    return Neighbors(
        NeighborsConfig(
            k=choose.suggest_int("k", 20, 1_000, log=True),
            weighting=choose.suggest_categorical("weighting", ("cosine", "tfidf", "bm25")),
            half_life=choose.suggest_categorical("half_life", HALF_LIVES),
            kappa=_kappa(choose),
        )
    )


def markov(choose: Choices) -> Scorer:
    """How far a title reaches, how many of the last titles speak."""
    return Markov(
        MarkovConfig(
            reach=choose.suggest_int("reach", 1, 10),
            shrink=choose.suggest_float("shrink", 1.0, 100.0, log=True),
            last=choose.suggest_int("last", 1, 10),
            decay=choose.suggest_float("decay", 0.2, 1.0),
            kappa=_kappa(choose),
        )
    )


def factors(choose: Choices) -> Scorer:
    """Size, weight of what was not liked, penalty."""
    return Factors(
        FactorsConfig(
            size=choose.suggest_categorical("size", (32, 64, 128, 256)),
            alpha0=choose.suggest_float("alpha0", 0.003, 1.0, log=True),
            reg=choose.suggest_float("reg", 0.0003, 0.1, log=True),
            kappa=_kappa(choose),
        )
    )


def ease(choose: Choices) -> Scorer:
    """Penalty, and how fast a history ages."""
    return Ease(
        EaseConfig(
            l2=choose.suggest_float("l2", 10.0, 5_000.0, log=True),
            half_life=choose.suggest_categorical("half_life", HALF_LIVES),
            kappa=_kappa(choose),
        )
    )


def _kappa(choose: Choices) -> float:
    return choose.suggest_float("kappa", *KAPPA, log=True)


SPACES: Mapping[str, Callable[[Choices], Scorer]] = {
    "popularity": popularity,
    "neighbors": neighbors,
    "markov": markov,
    "factors": factors,
    "ease": ease,
}

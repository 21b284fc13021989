"""Boards: which models stand on each leaderboard, with the settings that suit its protocol.

Settings are defaults of the models unless a comment says what they were tuned on; always a validation, never a test.
"""

from __future__ import annotations

from collections.abc import Callable

from matinee.contenders import CONTENDERS
from matinee.decision import Scorer
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.markov import Markov, MarkovConfig
from matinee.models.neighbors import Neighbors, NeighborsConfig
from matinee.models.popularity import Popularity, PopularityConfig

Makers = dict[str, Callable[[], Scorer]]
NO_PRIOR = 1e-6  # kappa: published protocols ask members with long histories, and the published models know no prior


def board_of(protocol: str, timed: bool) -> Makers:
    """The models of a protocol's leaderboard by name; `timed` is False for data that know an order but no times."""
    match protocol:
        case "ncf":
            return _ncf()
        case "next-item":
            return _next_item()
        case "strong":
            return _strong()
        case _:
            return _in_time()


def _ncf() -> Makers:
    """Settings published by Rendle et al. 2020 and 2022 for this protocol."""
    return {
        "popularity": _everything_ever,
        "ease": lambda: Ease(EaseConfig(l2=1_000.0, kappa=NO_PRIOR)),
        "factors": lambda: Factors(FactorsConfig(size=192, epochs=12, alpha0=0.3, reg=0.007, kappa=NO_PRIOR)),
    }


def _next_item() -> Makers:
    return {
        "popularity": _everything_ever,
        "neighbors": lambda: Neighbors(NeighborsConfig(half_life=5.0, kappa=NO_PRIOR)),
        "markov": lambda: Markov(MarkovConfig(kappa=NO_PRIOR)),
        "ease": lambda: Ease(EaseConfig(l2=500.0, kappa=NO_PRIOR)),
        "ease-recent": lambda: Ease(EaseConfig(l2=500.0, half_life=5.0, kappa=NO_PRIOR)),
        "factors": lambda: Factors(FactorsConfig(size=192, epochs=12, alpha0=0.3, reg=0.007, kappa=NO_PRIOR)),
    }


def _strong() -> Makers:
    return {
        "popularity": _everything_ever,
        "neighbors": lambda: Neighbors(NeighborsConfig(kappa=NO_PRIOR)),
        "ease": lambda: Ease(EaseConfig(l2=700.0, kappa=NO_PRIOR)),
        "factors": lambda: Factors(FactorsConfig(size=512, alpha0=0.3, reg=0.007, kappa=NO_PRIOR)),
    }


def _in_time() -> Makers:
    """Everything that has useful defaults."""
    return {name: contender.make for name, contender in CONTENDERS.items()}


def _everything_ever() -> Scorer:
    return Popularity(PopularityConfig(half_life_days=None, contexts=()))

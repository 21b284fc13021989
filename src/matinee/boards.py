"""Boards: which models stand on each leaderboard, with the settings that suit its protocol.

Settings are the models' defaults unless a comment says where others come from: published ones, or tuned on the
protocol's validation, never on its test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.contenders import CONTENDERS
from matinee.decision import Scorer
from matinee.extras import needing
from matinee.history import TrainingData
from matinee.models.factors import Factors, FactorsConfig, Initial
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.markov import Markov, MarkovConfig
from matinee.models.neighbors import Neighbors, NeighborsConfig
from matinee.models.popularity import Popularity, PopularityConfig
from matinee.models.ranking.folds import Labels
from matinee.models.ranking.list_ranker import ListRanker, ListRankerConfig
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.slim import Slim, SlimConfig
from matinee.models.sparse_inverse import SparseInverse, SparseInverseConfig
from matinee.models.user_neighbors import UserNeighbors, UserNeighborsConfig

Makers = dict[str, Callable[[], Scorer]]
IN_TIME = ("time-split", "own-times")
BESIDE = ("popularity-7d", "ease-recent")  # what a model must beat where fashion counts; they cost next to nothing
NO_PRIOR = 1e-6  # kappa: published protocols ask members with long histories, and the published models know no prior


def board_of(protocol: str) -> Makers:
    """The models of a protocol's leaderboard by name."""
    match protocol:
        case "ncf":
            return _ncf()
        case "next-item" | "next-item-refitted":
            return _next_item()
        case "strong":
            return _strong()
        case "shown-lists":
            return _shown_lists()
        case _:
            return _in_time()


def beside(protocol: str, asked: Makers) -> Makers:
    """The models asked for; on a protocol in time with those of `BESIDE`, so that no model stands there alone."""
    if protocol not in IN_TIME:
        return asked
    return asked | {name: CONTENDERS[name].make for name in BESIDE if name not in asked}


def _ncf() -> Makers:
    """EASE and factors as Rendle et al. 2020 and 2022 published them; the networks with their defaults."""
    return {
        "popularity": _everything_ever,
        "neighbors": lambda: Neighbors(NeighborsConfig(kappa=NO_PRIOR)),
        "slim": lambda: Slim(SlimConfig(kappa=NO_PRIOR)),
        "ease": lambda: Ease(EaseConfig(l2=1_000.0, kappa=NO_PRIOR)),
        "edlae": lambda: Ease(EaseConfig(l2=500.0, dropout=0.33, kappa=NO_PRIOR)),
        "factors": lambda: Factors(FactorsConfig(size=192, epochs=12, alpha0=0.3, reg=0.007, kappa=NO_PRIOR)),
        "factors by descent": _factors_by_descent,
        "factorization-machine": _made("factorization-machine"),
        "two-tower": _made("two-tower"),
        "feed-forward": _made("feed-forward"),
    }


def _next_item() -> Makers:
    """Co-visitation as tuned on the validation of MovieLens 1M; the half-life is that of the known answer."""
    return {
        "popularity": _everything_ever,
        "neighbors": lambda: Neighbors(NeighborsConfig(half_life=5.0, kappa=NO_PRIOR)),
        "user-neighbors": lambda: UserNeighbors(UserNeighborsConfig(half_life=5.0, kappa=NO_PRIOR)),
        "markov": lambda: Markov(MarkovConfig(kappa=NO_PRIOR)),
        "co-visits": lambda: Markov(MarkovConfig(reach=5, last=5, decay=0.7, kappa=NO_PRIOR)),
        "slim": lambda: Slim(SlimConfig(half_life=5.0, kappa=NO_PRIOR)),
        "ease": lambda: Ease(EaseConfig(l2=500.0, kappa=NO_PRIOR)),
        "ease-recent": lambda: Ease(EaseConfig(l2=500.0, half_life=5.0, kappa=NO_PRIOR)),
        "factors": _next_item_factors,
        "factors from sequence": lambda: _next_item_factors(_vectors_of_a_sequence),
        "two-tower": _made("two-tower"),
        "sequence": _sequence(),
        "sequence float32": _sequence(half=False),
        "sequence from factors": _sequence(initial=_vectors_of_factors),
        "sequence bag": _sequence(body="bag"),
        "sequence gru": _sequence(body="gru"),
        "sequence convolution": _sequence(body="convolution"),
        "ranker": _next_item_ranker,
        "sequence-ranker": _next_item_sequence_ranker,
    }


def _strong() -> Makers:
    """As tuned on the 1,000 validation members of MovieLens 1M."""
    return {
        "popularity": _everything_ever,
        "neighbors": lambda: Neighbors(NeighborsConfig(weighting="bm25", kappa=NO_PRIOR)),
        "user-neighbors": lambda: UserNeighbors(UserNeighborsConfig(kappa=NO_PRIOR)),
        "slim": lambda: Slim(SlimConfig(kappa=NO_PRIOR)),
        "sparse-inverse": lambda: SparseInverse(SparseInverseConfig(l2=300.0, dropout=0.5, kappa=NO_PRIOR)),
        "ease": lambda: Ease(EaseConfig(l2=700.0, kappa=NO_PRIOR)),
        "edlae": lambda: Ease(EaseConfig(l2=300.0, dropout=0.5, kappa=NO_PRIOR)),
        "factors": lambda: Factors(FactorsConfig(size=512, alpha0=0.3, reg=0.007, kappa=NO_PRIOR)),
        "ranker": _strong_ranker,
    }


def _shown_lists() -> Makers:
    """Rankers of impressions, by what they may look at; and two models that know no lists."""
    return {
        "popularity": _everything_ever,
        "ease": Ease,
        "content": CONTENDERS["content"].make,
        "list-ranker content": _list_ranker(collaborative=False),
        "list-ranker collaborative": _list_ranker(content=False),
        "list-ranker": _list_ranker(),
        "list-ranker binary": _list_ranker(objective="binary"),
    }


def _in_time() -> Makers:
    """Everything with its defaults, and the sequence model without context, time or order."""
    blind: Mapping[str, dict[str, bool]] = {
        f"sequence no {what}": {what: False} for what in ("context", "time", "order")
    }
    everything = {name: contender.make for name, contender in CONTENDERS.items() if name != "list-ranker"}
    return everything | {name: _sequence(reading=reading) for name, reading in blind.items()}


def _everything_ever() -> Scorer:
    return Popularity(PopularityConfig(half_life_days=None, contexts=()))


def _made(name: str) -> Callable[[], Scorer]:
    return CONTENDERS[name].make


def _sequence(initial: Initial | None = None, half: bool = True, **settings: Any) -> Callable[[], Scorer]:
    def make() -> Scorer:
        with needing("deep"):
            from matinee.models.sequence import Sequence, SequenceConfig
        config = SequenceConfig(**settings)
        return Sequence(replace(config, training=replace(config.training, half=half)), initial)

    return make


def _next_item_factors(initial: Initial | None = None) -> Scorer:
    config = FactorsConfig(size=192, epochs=12, alpha0=0.3, reg=0.007, kappa=NO_PRIOR)
    return Factors(config, initial=initial)


def _vectors_of_a_sequence(data: TrainingData, rng: np.random.Generator) -> NDArray[np.float32]:
    """Title vectors of the sequence model, without their biases."""
    with needing("deep"):
        from matinee.models.sequence import Sequence
    return Sequence().fit(data, rng).title_vectors[:, :-1]


def _vectors_of_factors(data: TrainingData, rng: np.random.Generator) -> NDArray[np.float32]:
    """Title vectors as wide as the sequence model's."""
    return Factors(FactorsConfig(size=64)).fit(data, rng).title_vectors


def _factors_by_descent() -> Scorer:
    """The same objective as the factors', by gradient descent; rate and batch of the second of two trials."""
    with needing("deep"):
        from matinee.models.deep.factor_network import Descent
    config = FactorsConfig(size=192, epochs=60, alpha0=0.3, reg=0.007, kappa=NO_PRIOR)
    return Factors(config, solve=Descent())


def _strong_ranker() -> Scorer:
    """The best of the families, ordered by what a fifth of the titles of unseen members taught."""
    strong = _strong()
    names = ("slim", "ease", "edlae", "factors", "user-neighbors")
    return Ranker(RankerConfig(labels=Labels.MEMBERS), tuple((name, strong[name]()) for name in names))


def _next_item_ranker() -> Scorer:
    """Its first stages are not fitted again, so that they know as little of a member's last titles as in training."""
    return Ranker(RankerConfig(refit=False))


def _next_item_sequence_ranker() -> Scorer:
    with needing("deep"):
        from matinee.models.ranking.sequence_ranker import SequenceRanker
    return SequenceRanker(RankerConfig(refit=False))


def _list_ranker(**settings: Any) -> Callable[[], Scorer]:
    def make() -> Scorer:
        return ListRanker(ListRankerConfig(**settings))

    return make

"""Spaces: for each model, what tuning may choose from; settings found there become a scorer by the same code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from matinee.decision import Scorer
from matinee.extras import needing
from matinee.models.content.factors import ContentFactors, ContentFactorsConfig
from matinee.models.content.taste import Content, ContentConfig
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.markov import Markov, MarkovConfig
from matinee.models.neighbors import Neighbors, NeighborsConfig
from matinee.models.popularity import Popularity, PopularityConfig
from matinee.models.ranking.folds import Labels
from matinee.models.ranking.list_ranker import ListRanker, ListRankerConfig
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.ranking.trees import TreesConfig
from matinee.models.slim import Slim, SlimConfig
from matinee.models.sparse_inverse import SparseInverse, SparseInverseConfig
from matinee.models.user_neighbors import UserNeighbors, UserNeighborsConfig

if TYPE_CHECKING:
    from matinee.models.deep.fitting import Training

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
    return Factors(_factors(choose))


def content(choose: Choices) -> Scorer:
    """Both penalties, and how fast a history ages."""
    return Content(
        ContentConfig(
            taste_l2=choose.suggest_float("taste_l2", 1e-4, 1.0, log=True),
            title_l2=choose.suggest_float("title_l2", 1e-3, 10.0, log=True),
            half_life=choose.suggest_categorical("half_life", HALF_LIVES),
            kappa=_kappa(choose),
        )
    )


def content_factors(choose: Choices) -> Scorer:
    """The factors' settings, and how many likes outweigh content."""
    strength = choose.suggest_float("strength", 0.3, 100.0, log=True)
    return ContentFactors(ContentFactorsConfig(strength), _factors(choose))


def ease(choose: Choices) -> Scorer:
    """Penalty, dropout (EDLAE), and how fast a history ages."""
    return Ease(
        EaseConfig(
            l2=choose.suggest_float("l2", 10.0, 5_000.0, log=True),
            dropout=choose.suggest_float("dropout", 0.0, 0.7),
            half_life=choose.suggest_categorical("half_life", HALF_LIVES),
            kappa=_kappa(choose),
        )
    )


def user_neighbors(choose: Choices) -> Scorer:
    """How many members are asked, how they are weighted."""
    return UserNeighbors(
        UserNeighborsConfig(
            k=choose.suggest_int("k", 10, 500, log=True),
            weighting=choose.suggest_categorical("weighting", ("cosine", "tfidf")),
            shrinkage=choose.suggest_float("shrinkage", 0.1, 100.0, log=True),
            half_life=choose.suggest_categorical("half_life", HALF_LIVES),
            kappa=_kappa(choose),
        )
    )


def slim(choose: Choices) -> Scorer:
    """Both penalties, and how fast a history ages."""
    return Slim(
        SlimConfig(
            l1=choose.suggest_float("l1", 0.1, 20.0, log=True),
            l2=choose.suggest_float("l2", 10.0, 5_000.0, log=True),
            half_life=choose.suggest_categorical("half_life", HALF_LIVES),
            kappa=_kappa(choose),
        )
    )


def sparse_inverse(choose: Choices) -> Scorer:
    """How many titles a regression may use, and its penalties."""
    return SparseInverse(
        SparseInverseConfig(
            neighbors=choose.suggest_int("neighbors", 50, 400, log=True),
            l2=choose.suggest_float("l2", 10.0, 5_000.0, log=True),
            dropout=choose.suggest_float("dropout", 0.0, 0.7),
            half_life=choose.suggest_categorical("half_life", HALF_LIVES),
            kappa=_kappa(choose),
        )
    )


def factorization_machine(choose: Choices) -> Scorer:
    """Size, id dropout and training."""
    with needing("deep"):
        from matinee.models.factorization_machine import FactorizationMachine, FactorizationMachineConfig
    return FactorizationMachine(FactorizationMachineConfig(**_matching(choose)))


def two_tower(choose: Choices) -> Scorer:
    """Size, towers, id dropout and training."""
    with needing("deep"):
        from matinee.models.two_tower import TwoTower, TwoTowerConfig
    hidden, dropout = choose.suggest_categorical("hidden", (64, 128, 256)), choose.suggest_float("dropout", 0.0, 0.5)
    return TwoTower(TwoTowerConfig(hidden=hidden, dropout=dropout, **_matching(choose)))


def feed_forward(choose: Choices) -> Scorer:
    """Size, layers, id dropout and training."""
    with needing("deep"):
        from matinee.models.feed_forward import FeedForward, FeedForwardConfig
    hidden, dropout = choose.suggest_categorical("hidden", (16, 32, 64)), choose.suggest_float("dropout", 0.0, 0.5)
    return FeedForward(FeedForwardConfig(hidden=hidden, dropout=dropout, **_matching(choose)))


def sequence(choose: Choices) -> Scorer:
    """Body, depth, dropout and training; the width stays, it decides the cost."""
    with needing("deep"):
        from matinee.models.sequence import Body, Sequence, SequenceConfig
    return Sequence(
        SequenceConfig(
            body=choose.suggest_categorical("body", [str(body) for body in Body]),
            layers=choose.suggest_int("layers", 1, 3),
            dropout=choose.suggest_float("dropout", 0.0, 0.5),
            id_dropout=choose.suggest_float("id_dropout", 0.0, 0.3),
            training=_training(choose, batch=32, half=True),
            kappa=_kappa(choose),
        )
    )


def ranker(choose: Choices) -> Scorer:
    """How many titles are proposed, which answers teach, whether the first stages learn from them too in the end (their
    settings stay), blend and trees.
    """
    return Ranker(_ranking(choose))


def sequence_ranker(choose: Choices) -> Scorer:
    """The same, with the sequence model among the first stages."""
    with needing("deep"):
        from matinee.models.ranking.sequence_ranker import SequenceRanker
    return SequenceRanker(_ranking(choose))


def list_ranker(choose: Choices) -> Scorer:
    """Penalties of the blend and of what others liked, and the trees."""
    return ListRanker(
        ListRankerConfig(
            l2=choose.suggest_float("l2", 10.0, 5_000.0, log=True),
            ridge=choose.suggest_float("ridge", 0.1, 1_000.0, log=True),
            trees=_trees(choose),
        )
    )


def _factors(choose: Choices) -> FactorsConfig:
    return FactorsConfig(
        size=choose.suggest_categorical("size", (32, 64, 128, 256)),
        alpha0=choose.suggest_float("alpha0", 0.003, 1.0, log=True),
        reg=choose.suggest_float("reg", 0.0003, 0.1, log=True),
        kappa=_kappa(choose),
    )


def _ranking(choose: Choices) -> RankerConfig:
    return RankerConfig(
        candidates=choose.suggest_int("candidates", 20, 200, log=True),
        labels=Labels(choose.suggest_categorical("labels", [str(one) for one in Labels])),
        ridge=choose.suggest_float("ridge", 0.1, 1_000.0, log=True),
        refit=choose.suggest_categorical("refit", (True, False)),
        trees=_trees(choose),
    )


def _trees(choose: Choices) -> TreesConfig:
    with needing("rank"):
        import matinee.models.ranking.boosting  # noqa: F401  # only growing needs it: told before anything is fitted
    return TreesConfig(
        rate=choose.suggest_float("rate", 0.01, 0.2, log=True),
        leaves=choose.suggest_int("leaves", 7, 63, log=True),
        least=choose.suggest_int("least", 20, 500, log=True),
        share=choose.suggest_float("share", 0.5, 1.0),
    )


def _matching(choose: Choices) -> dict[str, Any]:
    return {
        "size": choose.suggest_categorical("size", (32, 64, 128)),
        "id_dropout": choose.suggest_float("id_dropout", 0.0, 0.3),
        "training": _training(choose, batch=128),
        "kappa": _kappa(choose),
    }


def _training(choose: Choices, **fixed: Any) -> Training:
    with needing("deep"):
        from matinee.models.deep.fitting import Training
    epochs = choose.suggest_int("epochs", 5, 60, log=True)
    rate = choose.suggest_float("rate", 5e-4, 3e-2, log=True)
    return Training(epochs=epochs, rate=rate, decay=choose.suggest_float("decay", 1e-4, 0.1, log=True), **fixed)


def _kappa(choose: Choices) -> float:
    return choose.suggest_float("kappa", *KAPPA, log=True)


SPACES: Mapping[str, Callable[[Choices], Scorer]] = {
    "popularity": popularity,
    "neighbors": neighbors,
    "user-neighbors": user_neighbors,
    "markov": markov,
    "slim": slim,
    "ease": ease,
    "sparse-inverse": sparse_inverse,
    "factors": factors,
    "content": content,
    "content-factors": content_factors,
    "factorization-machine": factorization_machine,
    "two-tower": two_tower,
    "feed-forward": feed_forward,
    "sequence": sequence,
    "ranker": ranker,
    "sequence-ranker": sequence_ranker,
    "list-ranker": list_ranker,
}


def spaces_of(protocol: str) -> Mapping[str, Callable[[Choices], Scorer]]:
    """The spaces of a protocol's models: rankers of shown lists learn from lists alone."""
    return {name: space for name, space in SPACES.items() if name != "list-ranker" or protocol == "shown-lists"}

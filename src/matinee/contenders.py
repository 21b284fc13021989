"""The models by name: the types that an artifact may hold, and the models that are trained and compared.

The only place where a name finds a class. Types that need an extra are imported when they are asked for, so that a
service without networks starts without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from matinee.decision import Scorer
from matinee.extras import needing
from matinee.models.content.factors import ContentFactors
from matinee.models.content.taste import Content
from matinee.models.factors import Factors
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.markov import Markov
from matinee.models.neighbors import Neighbors
from matinee.models.popularity import Popularity, PopularityConfig
from matinee.models.slim import Slim
from matinee.models.sparse_inverse import SparseInverse
from matinee.models.user_neighbors import UserNeighbors


def _sequence() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.sequence import Sequence
    return Sequence


def _factorization_machine() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.factorization_machine import FactorizationMachine
    return FactorizationMachine


def _two_tower() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.two_tower import TwoTower
    return TwoTower


def _feed_forward() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.feed_forward import FeedForward
    return FeedForward


def _sequence_ranker() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.ranking.sequence_ranker import SequenceRanker
    return SequenceRanker


def _ranker() -> type[Scorer]:
    from matinee.models.ranking.ranker import Ranker

    return Ranker


def _list_ranker() -> type[Scorer]:
    from matinee.models.ranking.list_ranker import ListRanker

    return ListRanker


class ScorerTypes(Mapping[str, type[Scorer]]):
    """Scorer types by the name that stands in a manifest, each imported when it is asked for."""

    def __init__(self, loaders: Mapping[str, Callable[[], type[Scorer]]]) -> None:
        self._loaders = loaders

    def __getitem__(self, name: str) -> type[Scorer]:
        """The type; raises `MissingExtra` when a package that it needs is not installed."""
        return self._loaders[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)

    def __contains__(self, name: object) -> bool:
        return name in self._loaders


SCORERS = ScorerTypes(
    {
        "popularity": lambda: Popularity,
        "neighbors": lambda: Neighbors,
        "user-neighbors": lambda: UserNeighbors,
        "markov": lambda: Markov,
        "slim": lambda: Slim,
        "ease": lambda: Ease,
        "sparse-inverse": lambda: SparseInverse,
        "factors": lambda: Factors,
        "content": lambda: Content,
        "content-factors": lambda: ContentFactors,
        "factorization-machine": _factorization_machine,
        "two-tower": _two_tower,
        "feed-forward": _feed_forward,
        "sequence": _sequence,
        "ranker": _ranker,
        "sequence-ranker": _sequence_ranker,
        "list-ranker": _list_ranker,
    }
)


@dataclass(frozen=True, slots=True)
class Contender:
    """A model with settings: `type_name` is its key in `SCORERS`, `make` builds it unfitted."""

    type_name: str
    make: Callable[[], Scorer]


def _default(type_name: str) -> Contender:
    """The type with its defaults; what it needs is imported when it is made."""

    def make() -> Scorer:
        return SCORERS[type_name]()

    return Contender(type_name, make)


CONTENDERS: Mapping[str, Contender] = {
    **{name: _default(name) for name in SCORERS},
    "popularity-7d": Contender(
        "popularity", lambda: Popularity(PopularityConfig(half_life_days=None, window_days=7.0))
    ),
    "ease-recent": Contender("ease", lambda: Ease(EaseConfig(half_life=5.0))),
    "edlae": Contender("ease", lambda: Ease(EaseConfig(l2=300.0, dropout=0.5))),
}

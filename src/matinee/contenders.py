"""The models by name: the types that an artifact may hold, and the models that are trained and compared.

The only place where a name finds a class. Types that need an extra are imported when they are asked for, so that a
service without networks starts without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from matinee.decision import Scorer
from matinee.extras import needing
from matinee.models.factors import Factors
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.models.markov import Markov
from matinee.models.neighbors import Neighbors
from matinee.models.popularity import Popularity, PopularityConfig


def _sequence() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.sequence import Sequence
    return Sequence


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
        "markov": lambda: Markov,
        "factors": lambda: Factors,
        "ease": lambda: Ease,
        "sequence": _sequence,
    }
)


@dataclass(frozen=True, slots=True)
class Contender:
    """A model with settings: `type_name` is its key in `SCORERS`, `make` builds it unfitted."""

    type_name: str
    make: Callable[[], Scorer]


def _default_sequence() -> Scorer:
    return SCORERS["sequence"]()


CONTENDERS: Mapping[str, Contender] = {
    "popularity": Contender("popularity", Popularity),
    "popularity-7d": Contender(
        "popularity", lambda: Popularity(PopularityConfig(half_life_days=None, window_days=7.0))
    ),
    "neighbors": Contender("neighbors", Neighbors),
    "markov": Contender("markov", Markov),
    "factors": Contender("factors", Factors),
    "ease": Contender("ease", Ease),
    "ease-recent": Contender("ease", lambda: Ease(EaseConfig(half_life=5.0))),
    "sequence": Contender("sequence", _default_sequence),
}

"""The registry: every model by its name, the only place where a name finds a class. A new model is one entry here.

What is said of a model (its type, what tuning may choose, its settings on leaderboards) stands in `recipes/models/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matinee.decision import Scorer
from matinee.recipes.models.counts import MARKOV, NEIGHBORS, POPULARITY, POPULARITY_7D, TRANSITION_GRAPH, USER_NEIGHBORS
from matinee.recipes.models.entry import SHOWN_LISTS, Model, Space
from matinee.recipes.models.latent import CONTENT, CONTENT_FACTORS, DEBIASED_FACTORS, FACTORS, INTERESTS
from matinee.recipes.models.linear import DEBIASED_EASE, EASE, EASE_RECENT, EDLAE, SLIM, SPARSE_INVERSE
from matinee.recipes.models.networks import FACTORIZATION_MACHINE, FEED_FORWARD, SEQUENCE, TWO_TOWER
from matinee.recipes.models.rankers import LIST_RANKER, RANKER, SEQUENCE_RANKER

MODELS: Mapping[str, Model] = {
    "popularity": POPULARITY,
    "popularity-7d": POPULARITY_7D,
    "neighbors": NEIGHBORS,
    "user-neighbors": USER_NEIGHBORS,
    "markov": MARKOV,
    "transition-graph": TRANSITION_GRAPH,
    "slim": SLIM,
    "sparse-inverse": SPARSE_INVERSE,
    "ease": EASE,
    "ease-recent": EASE_RECENT,
    "edlae": EDLAE,
    "debiased-ease": DEBIASED_EASE,
    "factors": FACTORS,
    "debiased-factors": DEBIASED_FACTORS,
    "interests": INTERESTS,
    "content": CONTENT,
    "content-factors": CONTENT_FACTORS,
    "factorization-machine": FACTORIZATION_MACHINE,
    "two-tower": TWO_TOWER,
    "feed-forward": FEED_FORWARD,
    "sequence": SEQUENCE,
    "ranker": RANKER,
    "sequence-ranker": SEQUENCE_RANKER,
    "list-ranker": LIST_RANKER,
}


class ScorerTypes(Mapping[str, type[Scorer]]):
    """Scorer types by the name that stands in a manifest, each imported when it is asked for."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._loaders = {model.type_name: model.type for model in models.values()}

    def __getitem__(self, name: str) -> type[Scorer]:
        """The type; raises `MissingExtra` when a package that it needs is not installed."""
        return self._loaders[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)

    def __contains__(self, name: object) -> bool:
        return name in self._loaders


SCORERS = ScorerTypes(MODELS)
SPACES: Mapping[str, Space] = {name: model.space for name, model in MODELS.items() if model.space is not None}


def search_spaces(protocol: str) -> dict[str, Space]:
    """What tuning may choose from for each model of a protocol: rankers of shown lists learn from lists alone."""
    return {name: space for name, space in SPACES.items() if protocol == SHOWN_LISTS or not MODELS[name].ranks_lists}

"""Models that count: popularity, neighbours of titles and of members, and what follows what."""

from __future__ import annotations

from dataclasses import replace

from matinee.decision import Scorer
from matinee.models.markov import Markov, MarkovConfig
from matinee.models.neighbors import Neighbors, NeighborsConfig
from matinee.models.popularity import Popularity, PopularityConfig
from matinee.models.transition_graph import TransitionGraph
from matinee.models.transitions import TransitionConfig
from matinee.models.user_neighbors import UserNeighbors, UserNeighborsConfig
from matinee.recipes.models.entry import (
    NCF,
    NEXT_ITEM,
    NO_PRIOR,
    SHOWN_LISTS,
    STRONG,
    Choices,
    Model,
    half_life,
    kappa,
)
from matinee.recipes.models.work import Counts, Work, learned_by_all


def _popularity(choose: Choices) -> Scorer:
    """How fast likes age, how much a context is believed."""
    return Popularity(
        PopularityConfig(
            half_life_days=choose.suggest_float("half_life_days", 1.0, 1_000.0, log=True),
            pseudo_counts=choose.suggest_float("pseudo_counts", 100.0, 1e6, log=True),
        )
    )


def _everything_ever() -> Scorer:
    return Popularity(PopularityConfig(half_life_days=None, contexts=()))


def _neighbors(choose: Choices) -> Scorer:
    """How many neighbours, how they are weighted, how fast a history ages."""
    return Neighbors(
        NeighborsConfig(
            k=choose.suggest_int("k", 20, 1_000, log=True),
            weighting=choose.suggest_categorical("weighting", ("cosine", "tfidf", "bm25")),
            half_life=half_life(choose),
            kappa=kappa(choose),
        )
    )


def _user_neighbors(choose: Choices) -> Scorer:
    """How many members are asked, how they are weighted."""
    return UserNeighbors(
        UserNeighborsConfig(
            k=choose.suggest_int("k", 10, 500, log=True),
            weighting=choose.suggest_categorical("weighting", ("cosine", "tfidf")),
            shrinkage=choose.suggest_float("shrinkage", 0.1, 100.0, log=True),
            half_life=half_life(choose),
            kappa=kappa(choose),
        )
    )


def _markov(choose: Choices) -> Scorer:
    """How far a title reaches, how many of the last titles speak."""
    return Markov(
        MarkovConfig(
            reach=choose.suggest_int("reach", 1, 10),
            shrink=choose.suggest_float("shrink", 1.0, 100.0, log=True),
            last=choose.suggest_int("last", 1, 10),
            decay=choose.suggest_float("decay", 0.2, 1.0),
            kappa=kappa(choose),
        )
    )


def _transition_graph(choose: Choices) -> Scorer:
    """How far it walks, what two steps and likeness count, how many of the last titles speak."""
    return TransitionGraph(
        TransitionConfig(
            reach=choose.suggest_int("reach", 1, 10),
            fade=choose.suggest_float("fade", 0.3, 1.0),
            backwards=choose.suggest_float("backwards", 0.0, 1.0),
            shrink=choose.suggest_float("shrink", 0.3, 30.0, log=True),
            hop=choose.suggest_float("hop", 0.0, 2.0),
            content=choose.suggest_float("content", 0.0, 5.0),
            last=choose.suggest_int("last", 1, 20),
            decay=choose.suggest_float("decay", 0.2, 1.0),
            kappa=kappa(choose),
        )
    )


def work_of_pairs(counts: Counts) -> Work:
    """Every two titles that a member liked, counted once."""
    return learned_by_all(counts) + Work(lookups=1.2 * counts.pairs, bytes=1_200.0 * counts.liked)


def _work_of_graphs(counts: Counts) -> Work:
    """Two steps from each title, of the `widest` each, for nine ways to walk."""
    steps = counts.liked * min(counts.liked, TransitionConfig().widest) ** 2
    return work_of_pairs(counts) + Work(lookups=2.6 * steps, bytes=20_000.0 * counts.liked)


POPULARITY = Model(
    "popularity",
    lambda: Popularity,
    learned_by_all,
    space=_popularity,
    boards={board: {"popularity": _everything_ever} for board in (NCF, NEXT_ITEM, STRONG, SHOWN_LISTS)},
)
POPULARITY_7D = replace(
    POPULARITY,
    settings=lambda: Popularity(PopularityConfig(half_life_days=None, window_days=7.0)),
    space=None,
    boards={},
)
NEIGHBORS = Model(
    "neighbors",
    lambda: Neighbors,
    work_of_pairs,
    space=_neighbors,
    boards={
        NCF: {"neighbors": lambda: Neighbors(NeighborsConfig(kappa=NO_PRIOR))},
        NEXT_ITEM: {"neighbors": lambda: Neighbors(NeighborsConfig(half_life=5.0, kappa=NO_PRIOR))},
        STRONG: {"neighbors": lambda: Neighbors(NeighborsConfig(weighting="bm25", kappa=NO_PRIOR))},
    },
)
USER_NEIGHBORS = Model(
    "user-neighbors",
    lambda: UserNeighbors,
    learned_by_all,
    space=_user_neighbors,
    boards={
        NEXT_ITEM: {"user-neighbors": lambda: UserNeighbors(UserNeighborsConfig(half_life=5.0, kappa=NO_PRIOR))},
        STRONG: {"user-neighbors": lambda: UserNeighbors(UserNeighborsConfig(kappa=NO_PRIOR))},
    },
)
MARKOV = Model(
    "markov",
    lambda: Markov,
    learned_by_all,
    space=_markov,
    boards={
        NEXT_ITEM: {
            "markov": lambda: Markov(MarkovConfig(kappa=NO_PRIOR)),
            "co-visits": lambda: Markov(MarkovConfig(reach=5, last=5, decay=0.7, kappa=NO_PRIOR)),
        }
    },
)
TRANSITION_GRAPH = Model(
    "transition-graph",
    lambda: TransitionGraph,
    _work_of_graphs,
    space=_transition_graph,
    boards={board: {"transition-graph": None} for board in (NCF, NEXT_ITEM, STRONG, SHOWN_LISTS)},
)

"""Rankers: boosted trees over what other models say of a title, and over lists that were shown."""

from __future__ import annotations

from typing import Any

from matinee.decision import Scorer
from matinee.extras import needing
from matinee.models.ranking.folds import Labels
from matinee.models.ranking.list_ranker import ListRanker, ListRankerConfig
from matinee.models.ranking.ranker import Ranker, RankerConfig
from matinee.models.ranking.trees import TreesConfig
from matinee.recipes.models.counts import MARKOV, NEIGHBORS, POPULARITY, TRANSITION_GRAPH, USER_NEIGHBORS
from matinee.recipes.models.entry import NEXT_ITEM, SHOWN_LISTS, STRONG, Choices, Make, Model
from matinee.recipes.models.latent import FACTORS
from matinee.recipes.models.linear import EASE, EDLAE, SLIM
from matinee.recipes.models.networks import SEQUENCE
from matinee.recipes.models.work import FLOAT, Counts, Work

STAGES = (POPULARITY, NEIGHBORS, EASE, FACTORS, MARKOV, MARKOV, TRANSITION_GRAPH)  # those of `Ranker.standard`


def _sequence_ranker_type() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.ranking.sequence_ranker import SequenceRanker
    return SequenceRanker


def _ranker(choose: Choices) -> Scorer:
    """How many titles are proposed, which answers teach, whether the first stages learn from them too in the end (their
    settings stay), blend and trees.
    """
    return Ranker(_ranking(choose))


def _sequence_ranker(choose: Choices) -> Scorer:
    """The same, with the sequence model among the first stages."""
    with needing("deep"):
        from matinee.models.ranking.sequence_ranker import SequenceRanker
    return SequenceRanker(_ranking(choose))


def _list_ranker(choose: Choices) -> Scorer:
    """Penalties of the blend and of what others liked, and the trees."""
    return ListRanker(
        ListRankerConfig(
            l2=choose.suggest_float("l2", 10.0, 5_000.0, log=True),
            ridge=choose.suggest_float("ridge", 0.1, 1_000.0, log=True),
            trees=_trees(choose),
        )
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


def _best_of_families() -> Scorer:
    """The best of the families, ordered by what a fifth of the titles of unseen members taught."""
    families = (("slim", SLIM), ("ease", EASE), ("edlae", EDLAE), ("factors", FACTORS))
    stages = [*families, ("user-neighbors", USER_NEIGHBORS)]
    made = tuple((name, model.on(STRONG, name)[name]()) for name, model in stages)
    return Ranker(RankerConfig(labels=Labels.MEMBERS), made)


def _next_item_sequence_ranker() -> Scorer:
    with needing("deep"):
        from matinee.models.ranking.sequence_ranker import SequenceRanker
    return SequenceRanker(RankerConfig(refit=False))


def _of_lists(**settings: Any) -> Make:
    def make() -> Scorer:
        return ListRanker(ListRankerConfig(**settings))

    return make


def _work_of_rankers(counts: Counts) -> Work:
    """The first stages twice, and the trees between."""
    stages = sum((stage.work(counts) for stage in (*STAGES, *STAGES)), Work())
    return stages + _work_of_trees(min(counts.members, RankerConfig().most) * 100, 60)


def _work_of_sequence_rankers(counts: Counts) -> Work:
    """The same, and the sequence model twice, as every stage."""
    return _work_of_rankers(counts) + SEQUENCE.work(counts) + SEQUENCE.work(counts)


def _work_of_list_rankers(counts: Counts) -> Work:
    """What the lists say of each title shown, and the trees."""
    return EASE.work(counts) + NEIGHBORS.work(counts) + _work_of_trees(counts.events, 40)


def _work_of_trees(rows: int, features: int) -> Work:
    """A hundred trees in each of six rounds, each of which looks at every feature of every row."""
    return Work(lookups=500.0 * rows * features, bytes=10.0 * FLOAT * rows * features)


RANKER = Model(
    "ranker",
    lambda: Ranker,
    _work_of_rankers,
    space=_ranker,
    boards={
        # First stages are not fitted again, so that they know as little of a member's last titles as in training.
        NEXT_ITEM: {"ranker": lambda: Ranker(RankerConfig(refit=False))},
        STRONG: {"ranker": _best_of_families},
    },
)
SEQUENCE_RANKER = Model(
    "sequence-ranker",
    _sequence_ranker_type,
    _work_of_sequence_rankers,
    space=_sequence_ranker,
    boards={NEXT_ITEM: {"sequence-ranker": _next_item_sequence_ranker}},
)
LIST_RANKER = Model(
    "list-ranker",
    lambda: ListRanker,
    _work_of_list_rankers,
    space=_list_ranker,
    boards={
        SHOWN_LISTS: {
            "list-ranker content": _of_lists(collaborative=False),
            "list-ranker collaborative": _of_lists(content=False),
            "list-ranker": _of_lists(),
            "list-ranker binary": _of_lists(objective="binary"),
        }
    },
    ranks_lists=True,
)

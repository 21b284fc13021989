"""Models that are one linear map from a history to every title: SLIM, sparse inverse, EASE in three settings."""

from __future__ import annotations

from dataclasses import replace

from matinee.decision import Scorer
from matinee.models.debiased.autoencoder import DebiasedEase, DebiasedEaseConfig
from matinee.models.debiased.targets import DebiasConfig
from matinee.models.linear_autoencoder import Ease, EaseConfig, few_members
from matinee.models.slim import Slim, SlimConfig
from matinee.models.sparse_inverse import SparseInverse, SparseInverseConfig
from matinee.recipes.models.counts import work_of_pairs
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
from matinee.recipes.models.work import DOUBLE, FLOAT, Counts, Work


def _slim(choose: Choices) -> Scorer:
    """Both penalties, and how fast a history ages."""
    return Slim(
        SlimConfig(
            l1=choose.suggest_float("l1", 0.1, 20.0, log=True),
            l2=choose.suggest_float("l2", 10.0, 5_000.0, log=True),
            half_life=half_life(choose),
            kappa=kappa(choose),
        )
    )


def _sparse_inverse(choose: Choices) -> Scorer:
    """How many titles a regression may use, and its penalties."""
    return SparseInverse(
        SparseInverseConfig(
            neighbors=choose.suggest_int("neighbors", 50, 400, log=True),
            l2=choose.suggest_float("l2", 10.0, 5_000.0, log=True),
            dropout=choose.suggest_float("dropout", 0.0, 0.7),
            half_life=half_life(choose),
            kappa=kappa(choose),
        )
    )


def _ease(choose: Choices) -> Scorer:
    """Penalty, dropout (EDLAE), and how fast a history ages."""
    return Ease(
        EaseConfig(
            l2=choose.suggest_float("l2", 10.0, 5_000.0, log=True),
            dropout=choose.suggest_float("dropout", 0.0, 0.7),
            half_life=half_life(choose),
            kappa=kappa(choose),
        )
    )


def _work_of_slim(counts: Counts) -> Work:
    """All liked titles beside each."""
    square = counts.liked**2
    return work_of_pairs(counts) + Work(lookups=6.0 * square, bytes=5.0 * square)


def _work_of_sparse_inverse(counts: Counts) -> Work:
    """A regression of each title on its nearest ones."""
    nearest = min(counts.liked, SparseInverseConfig().neighbors)
    return work_of_pairs(counts) + Work(products=7.0 * counts.liked * nearest**3)


def _work_of_ease(counts: Counts) -> Work:
    """A square of the liked titles inverted, or one of the members where they are few."""
    members, liked = counts.members, counts.liked
    products = members * liked * (members + liked) if few_members(members, liked) else liked**3
    return work_of_pairs(counts) + Work(products, bytes=FLOAT * liked * (liked + min(members, liked)))


def _work_of_debiased_ease(counts: Counts) -> Work:
    """A square of the liked titles inverted, and times all titles, in doubles."""
    square = counts.liked**2
    products = 2.0 * square * (counts.liked + counts.titles)
    return work_of_pairs(counts) + Work(1.2 * products, 350.0 * counts.likes, 6.0 * DOUBLE * square)


SLIM = Model(
    "slim",
    lambda: Slim,
    _work_of_slim,
    space=_slim,
    boards={
        NCF: {"slim": lambda: Slim(SlimConfig(kappa=NO_PRIOR))},
        NEXT_ITEM: {"slim": lambda: Slim(SlimConfig(half_life=5.0, kappa=NO_PRIOR))},
        STRONG: {"slim": lambda: Slim(SlimConfig(kappa=NO_PRIOR))},
    },
)
SPARSE_INVERSE = Model(
    "sparse-inverse",
    lambda: SparseInverse,
    _work_of_sparse_inverse,
    space=_sparse_inverse,
    boards={
        STRONG: {
            "sparse-inverse": lambda: SparseInverse(SparseInverseConfig(l2=300.0, dropout=0.5, kappa=NO_PRIOR)),
        }
    },
)
EASE = Model(
    "ease",
    lambda: Ease,
    _work_of_ease,
    space=_ease,
    boards={
        NCF: {"ease": lambda: Ease(EaseConfig(l2=1_000.0, kappa=NO_PRIOR))},  # Rendle et al. 2022
        NEXT_ITEM: {"ease": lambda: Ease(EaseConfig(l2=500.0, kappa=NO_PRIOR))},
        STRONG: {"ease": lambda: Ease(EaseConfig(l2=700.0, kappa=NO_PRIOR))},
        SHOWN_LISTS: {"ease": None},
    },
)
EASE_RECENT = replace(
    EASE,
    settings=lambda: Ease(EaseConfig(half_life=5.0)),
    space=None,
    boards={NEXT_ITEM: {"ease-recent": lambda: Ease(EaseConfig(l2=500.0, half_life=5.0, kappa=NO_PRIOR))}},
)
EDLAE = replace(
    EASE,
    settings=lambda: Ease(EaseConfig(l2=300.0, dropout=0.5)),
    space=None,
    boards={
        NCF: {"edlae": lambda: Ease(EaseConfig(l2=500.0, dropout=0.33, kappa=NO_PRIOR))},
        STRONG: {"edlae": lambda: Ease(EaseConfig(l2=300.0, dropout=0.5, kappa=NO_PRIOR))},
    },
)


def _debiased_ease(choose: Choices) -> Scorer:
    """Penalty, and the largest weight."""
    debias = DebiasConfig(cap=choose.suggest_float("cap", 1.0, 50.0, log=True))
    return DebiasedEase(DebiasedEaseConfig(choose.suggest_float("l2", 10.0, 5_000.0, log=True), debias))


DEBIASED_EASE = Model(
    "debiased-ease",
    lambda: DebiasedEase,
    _work_of_debiased_ease,
    space=_debiased_ease,
    boards={SHOWN_LISTS: {"debiased-ease": None}},
)

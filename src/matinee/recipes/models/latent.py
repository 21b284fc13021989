"""Models that see members and titles in a small space: factors, content, and factors drawn towards content."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Scorer
from matinee.extras import needing
from matinee.history import TrainingData
from matinee.models.content.factors import ContentFactors, ContentFactorsConfig
from matinee.models.content.taste import Content, ContentConfig
from matinee.models.debiased.factors import DebiasedFactors, DebiasedFactorsConfig
from matinee.models.debiased.targets import DebiasConfig
from matinee.models.factors import Factors, FactorsConfig, Initial
from matinee.models.interests import Interests, InterestsConfig
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
from matinee.recipes.models.work import FLOAT, Counts, Work, learned_by_all

PUBLISHED = FactorsConfig(size=192, epochs=12, alpha0=0.3, reg=0.007, kappa=NO_PRIOR)  # Rendle et al. 2022


def _settings(choose: Choices) -> FactorsConfig:
    return FactorsConfig(
        size=choose.suggest_categorical("size", (32, 64, 128, 256)),
        alpha0=choose.suggest_float("alpha0", 0.003, 1.0, log=True),
        reg=choose.suggest_float("reg", 0.0003, 0.1, log=True),
        kappa=kappa(choose),
    )


def _factors(choose: Choices) -> Scorer:
    """Size, weight of what was not liked, penalty."""
    return Factors(_settings(choose))


def _content(choose: Choices) -> Scorer:
    """Both penalties, and how fast a history ages."""
    return Content(
        ContentConfig(
            taste_l2=choose.suggest_float("taste_l2", 1e-4, 1.0, log=True),
            title_l2=choose.suggest_float("title_l2", 1e-3, 10.0, log=True),
            half_life=half_life(choose),
            kappa=kappa(choose),
        )
    )


def _content_factors(choose: Choices) -> Scorer:
    """The factors' settings, and how many likes outweigh content."""
    strength = choose.suggest_float("strength", 0.3, 100.0, log=True)
    return ContentFactors(ContentFactorsConfig(strength), _settings(choose))


def _published(initial: Initial | None = None) -> Scorer:
    return Factors(PUBLISHED, initial=initial)


def _vectors_of_a_sequence(data: TrainingData, rng: np.random.Generator) -> NDArray[np.float32]:
    """Title vectors of the sequence model, without their biases."""
    with needing("deep"):
        from matinee.models.sequence import Sequence
    return Sequence().fit(data, rng).title_vectors[:, :-1]


def _by_descent() -> Scorer:
    """The same objective by gradient descent; rate and batch of the second of two trials."""
    with needing("deep"):
        from matinee.models.deep.factor_network import Descent
    config = FactorsConfig(size=192, epochs=60, alpha0=0.3, reg=0.007, kappa=NO_PRIOR)
    return Factors(config, solve=Descent())


def work_of_factors(counts: Counts) -> Work:
    """A system of equations for each member and each title, in every epoch."""
    config = FactorsConfig()
    squares, cubes = config.size**2, config.size**3
    products = config.epochs * (2 * counts.likes * squares + (counts.members + counts.titles) * cubes / 3)
    held = FLOAT * config.size * (counts.members + counts.titles)
    return learned_by_all(counts) + Work(0.25 * products, bytes=held)


def _work_of_content(counts: Counts) -> Work:
    """What is told of each title, as numbers."""
    return learned_by_all(counts) + Work(lookups=4_200.0 * counts.titles, bytes=2_000.0 * counts.titles)


def _work_of_content_factors(counts: Counts) -> Work:
    return work_of_factors(counts) + _work_of_content(counts)


def _work_of_debiased_factors(counts: Counts) -> Work:
    """Likes and looks in vain, in every epoch."""
    return learned_by_all(counts) + Work(lookups=480.0 * counts.likes)


FACTORS = Model(
    "factors",
    lambda: Factors,
    work_of_factors,
    space=_factors,
    boards={
        NCF: {"factors": _published, "factors by descent": _by_descent},
        NEXT_ITEM: {
            "factors": _published,
            "factors from sequence": lambda: _published(_vectors_of_a_sequence),
        },
        STRONG: {"factors": lambda: Factors(FactorsConfig(size=512, alpha0=0.3, reg=0.007, kappa=NO_PRIOR))},
    },
)
CONTENT = Model("content", lambda: Content, _work_of_content, space=_content, boards={SHOWN_LISTS: {"content": None}})
CONTENT_FACTORS = Model("content-factors", lambda: ContentFactors, _work_of_content_factors, space=_content_factors)


def _interests(choose: Choices) -> Scorer:
    """How many interests are told apart, and what they weigh beside the whole."""
    return Interests(
        InterestsConfig(
            most=choose.suggest_int("most", 2, 5),
            weight=choose.suggest_float("weight", 0.05, 1.0, log=True),
        )
    )


INTERESTS = Model("interests", lambda: Interests, work_of_factors, space=_interests)


def _debiased_factors(choose: Choices) -> Scorer:
    """Size, penalty, and the largest weight."""
    return DebiasedFactors(
        DebiasedFactorsConfig(
            size=choose.suggest_categorical("size", (8, 16, 32)),
            reg=choose.suggest_float("reg", 0.003, 0.3, log=True),
            debias=DebiasConfig(cap=choose.suggest_float("cap", 1.0, 50.0, log=True)),
        )
    )


DEBIASED_FACTORS = Model(
    "debiased-factors",
    lambda: DebiasedFactors,
    _work_of_debiased_factors,
    space=_debiased_factors,
    boards={SHOWN_LISTS: {"debiased-factors": None}},
)

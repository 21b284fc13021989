"""Networks: factorization machine, two towers, feed-forward and sequence. torch is imported when one is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Scorer
from matinee.extras import needing
from matinee.history import TrainingData
from matinee.models.factors import Factors, FactorsConfig, Initial
from matinee.recipes.models.entry import IN_TIME, NCF, NEXT_ITEM, Choices, Make, Model, kappa
from matinee.recipes.models.work import FLOAT, Counts, Work, learned_by_all

if TYPE_CHECKING:
    from matinee.models.deep.fitting import Training
    from matinee.models.deep.match_scorer import MatchConfig

A_STEP = 1_000_000.0  # look-ups that a step of a network costs, whatever it learns
A_NETWORK = 4e8  # bytes that a step of 32 long histories holds


def _factorization_machine_type() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.factorization_machine import FactorizationMachine
    return FactorizationMachine


def _two_tower_type() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.two_tower import TwoTower
    return TwoTower


def _feed_forward_type() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.feed_forward import FeedForward
    return FeedForward


def _sequence_type() -> type[Scorer]:
    with needing("deep"):
        from matinee.models.sequence import Sequence
    return Sequence


def _factorization_machine(choose: Choices) -> Scorer:
    """Size, id dropout and training."""
    with needing("deep"):
        from matinee.models.factorization_machine import FactorizationMachine, FactorizationMachineConfig
    return FactorizationMachine(FactorizationMachineConfig(**_matching(choose)))


def _two_tower(choose: Choices) -> Scorer:
    """Size, towers, id dropout and training."""
    with needing("deep"):
        from matinee.models.two_tower import TwoTower, TwoTowerConfig
    hidden, dropout = choose.suggest_categorical("hidden", (64, 128, 256)), choose.suggest_float("dropout", 0.0, 0.5)
    return TwoTower(TwoTowerConfig(hidden=hidden, dropout=dropout, **_matching(choose)))


def _feed_forward(choose: Choices) -> Scorer:
    """Size, layers, id dropout and training."""
    with needing("deep"):
        from matinee.models.feed_forward import FeedForward, FeedForwardConfig
    hidden, dropout = choose.suggest_categorical("hidden", (16, 32, 64)), choose.suggest_float("dropout", 0.0, 0.5)
    return FeedForward(FeedForwardConfig(hidden=hidden, dropout=dropout, **_matching(choose)))


def _sequence(choose: Choices) -> Scorer:
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
            kappa=kappa(choose),
        )
    )


def _matching(choose: Choices) -> dict[str, Any]:
    return {
        "size": choose.suggest_categorical("size", (32, 64, 128)),
        "id_dropout": choose.suggest_float("id_dropout", 0.0, 0.3),
        "training": _training(choose, batch=128),
        "kappa": kappa(choose),
    }


def _training(choose: Choices, **fixed: Any) -> Training:
    with needing("deep"):
        from matinee.models.deep.fitting import Training
    epochs = choose.suggest_int("epochs", 5, 60, log=True)
    rate = choose.suggest_float("rate", 5e-4, 3e-2, log=True)
    return Training(epochs=epochs, rate=rate, decay=choose.suggest_float("decay", 1e-4, 0.1, log=True), **fixed)


def _sequence_with(initial: Initial | None = None, half: bool = True, **settings: Any) -> Make:
    def make() -> Scorer:
        with needing("deep"):
            from matinee.models.sequence import Sequence, SequenceConfig
        config = SequenceConfig(**settings)
        return Sequence(replace(config, training=replace(config.training, half=half)), initial)

    return make


def _vectors_of_factors(data: TrainingData, rng: np.random.Generator) -> NDArray[np.float32]:
    """Title vectors as wide as the sequence model's."""
    return Factors(FactorsConfig(size=64)).fit(data, rng).title_vectors


def _work_of_matching(counts: Counts) -> Work:
    """Each moment of each member against all liked titles, in every epoch."""
    with needing("deep"):
        from matinee.models.factorization_machine import FactorizationMachineConfig
    config = FactorizationMachineConfig()
    return _work_of_pairs_met(counts, config, config.size)


def _work_of_feed_forward(counts: Counts) -> Work:
    """The same, where every pair of a moment and a title goes through the layers."""
    with needing("deep"):
        from matinee.models.feed_forward import FeedForwardConfig
    config = FeedForwardConfig()
    return _work_of_pairs_met(counts, config, config.size * config.hidden)


def _work_of_pairs_met(counts: Counts, config: MatchConfig, products: int) -> Work:
    """All epochs over the moments, each beside so many candidates at most; a pair costs so many `products`, thrice
    each way.
    """
    met, epochs, batch = min(counts.liked, config.candidates), config.training.epochs, config.training.batch
    steps = counts.moments / batch + 1
    once = Work(6.0 * counts.moments * met * products, steps * (A_STEP + 80.0 * counts.liked))
    return learned_by_all(counts) + Work(epochs * once.products, epochs * once.lookups, 8.0 * FLOAT * batch * met * 4)


def _work_of_sequences(counts: Counts) -> Work:
    """Each token against all titles, in every epoch; a step of few tokens costs what a step costs."""
    with needing("deep"):
        from matinee.models.sequence import SequenceConfig
    config = SequenceConfig()
    size, epochs = config.size, config.training.epochs
    steps = max(counts.members, counts.events / config.length) / config.training.batch + 1
    products = 3.0 * counts.events * size * (counts.liked + 12 * config.layers * size)
    lookups = steps * (A_STEP + 200.0 * counts.liked)
    return learned_by_all(counts) + Work(epochs * products, epochs * lookups, A_NETWORK + 4_000.0 * counts.liked)


FACTORIZATION_MACHINE = Model(
    "factorization-machine",
    _factorization_machine_type,
    _work_of_matching,
    space=_factorization_machine,
    boards={NCF: {"factorization-machine": None}},
)
TWO_TOWER = Model(
    "two-tower",
    _two_tower_type,
    _work_of_matching,
    space=_two_tower,
    boards={NCF: {"two-tower": None}, NEXT_ITEM: {"two-tower": None}},
)
FEED_FORWARD = Model(
    "feed-forward",
    _feed_forward_type,
    _work_of_feed_forward,
    space=_feed_forward,
    boards={NCF: {"feed-forward": None}},
)
SEQUENCE = Model(
    "sequence",
    _sequence_type,
    _work_of_sequences,
    space=_sequence,
    boards={
        NEXT_ITEM: {
            "sequence": _sequence_with(),
            "sequence float32": _sequence_with(half=False),
            "sequence from factors": _sequence_with(initial=_vectors_of_factors),
            "sequence bag": _sequence_with(body="bag"),
            "sequence gru": _sequence_with(body="gru"),
            "sequence convolution": _sequence_with(body="convolution"),
        },
        IN_TIME: {
            f"sequence no {what}": _sequence_with(reading={what: False}) for what in ("context", "time", "order")
        },
    },
)

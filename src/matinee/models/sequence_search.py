"""The settings of a sequence model for the data at hand: what foretells last likes best, and when it knows enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matinee.decision import Progress, part_of
from matinee.history import Histories, TrainingData
from matinee.maths.arrays import Floats, Int32s
from matinee.models.deep.sequence_config import Loss, SequenceConfig
from matinee.models.ranking.folds import Labels, gains_of, hold_out

ASKED, FEWEST = 2_000, 300  # members whose last likes judge, at most, and below which they cannot tell
CLEAR = 0.01  # part of NDCG by which another setting has to be better
PATIENCE = 3  # epochs without a better one, after which a fit has learned what it can
TRIED: tuple[dict[str, Any], ...] = (  # the likeliest to help first
    {"dropout": 0.5},
    {"rate": 1e-3},
    {"epochs": 36},
    {"size": 32},
    {"loss": Loss.GBCE},
)
STEP, TITLE, WORK = 0.01, 3e-6, 8e10  # seconds of a step, of a title in it; multiplications of one core in a second

Part = Callable[[Histories], Floats]  # (members, titles) scores
Look = Callable[[int, Part], bool]  # after an epoch, with what was learned so far; whether that is enough
FitWith = Callable[[SequenceConfig, TrainingData, Look, Progress], None]


@dataclass
class Watch:
    """Looks at a fit after each epoch: keeps the best NDCG@10 and its epoch, and stops when none was better lately."""

    histories: Histories
    wanted: Int32s
    value: float = -1.0
    epoch: int = 0

    def __call__(self, epoch: int, part: Part) -> bool:
        """Whether the fit has gone `PATIENCE` epochs without being better."""
        found = float(gains_of(part(self.histories), self.histories.tastes, self.wanted).mean())
        if found > self.value:
            self.value, self.epoch = found, epoch
        return epoch - self.epoch >= PATIENCE


def found_config(
    config: SequenceConfig, data: TrainingData, rng: np.random.Generator, progress: Progress, fit: FitWith
) -> SequenceConfig:
    """The best settings found within `config.search` seconds of one core by `fit_seconds`, which goes by the data
    alone, so that the same seed finds the same. As they are where too few members can be asked or no fit is affordable.

    `progress` is told what will be spent before anything is.
    """
    fold = hold_out(data, Labels.LAST, 1.0, rng).sample(ASKED, rng)
    left, found = config.search, replace(config, search=0.0)
    affordable = left >= fit_seconds(found, fold.data)
    if len(fold.requests) < FEWEST or not affordable:
        progress(f"settings as they are: {left:,.0f} s are too few, or {len(fold.requests):,} members", 0.0)
        return found
    histories, wanted = fold.requests.histories, fold.targets.values[fold.targets.offsets[:-1]]
    best = Watch(histories, wanted)
    for at, change in enumerate(({}, *TRIED)):
        one = changed(found, change)
        cost = fit_seconds(one, fold.data)
        if cost > left or (one.head is not None and one.loss is Loss.GBCE):  # a head needs the exact softmax
            continue
        left -= cost
        said = f"settings, {left:,.0f} of {config.search:,.0f} s left after this"
        watch = Watch(histories, wanted)
        fit(one, fold.data, watch, part_of(progress, said, at / (len(TRIED) + 1), (at + 1) / (len(TRIED) + 1)))
        if watch.value > (1.0 + CLEAR) * best.value:
            best, found = watch, one
    return changed(found, {"epochs": best.epoch})


def changed(config: SequenceConfig, change: dict[str, Any]) -> SequenceConfig:
    """The settings with others, among them those of training."""
    trained = {name: value for name, value in change.items() if name in ("rate", "epochs")}
    rest = {name: value for name, value in change.items() if name not in trained}
    return replace(config, **rest, training=replace(config.training, **trained))


def fit_seconds(config: SequenceConfig, data: TrainingData) -> float:
    """About how many seconds of one core a fit takes, by what it multiplies: known before it starts.

    A step costs `STEP`, `TITLE` for each title, and for each of its rows the softmax over all titles and the layers,
    three times over: forwards, and backwards by states and by weights.
    """
    rows = len(data.histories.items)
    titles = len(np.unique(data.histories.items))
    steps = max(1.0, max(len(data.user_ids), rows / config.length) / config.training.batch)
    compared = titles if config.loss is Loss.SOFTMAX and titles <= config.exact_up_to else config.negatives
    work = 6.0 * rows * config.size * (compared + 12 * config.layers * config.size)
    return config.training.epochs * (steps * (STEP + TITLE * titles) + work / WORK)

"""Moods: what everybody likes more at one time of day or week, or on one kind of screen, than at another."""

from __future__ import annotations

import numpy as np

from matinee.decision import Situations
from matinee.maths.arrays import Floats, Int8s
from matinee.simulate.config import WorldConfig

PARTS = 4  # of a day
WEEKEND = 5  # the first weekday of it
TVS = (4, 5, 6)  # devices (codes of `situation`) that are watched from a sofa
SLOTS = PARTS * 2 * 2  # moods: part of day, weekend, sofa


def moods_of(vectors: Floats, config: WorldConfig, rng: np.random.Generator) -> Floats:
    """(SLOTS, titles) what each mood adds to the appeal of each title: a taste that all share then."""
    drawn = rng.standard_normal((SLOTS, vectors.shape[1])) @ vectors.T
    return np.asarray(config.moods * drawn / drawn.std(), np.float32)


def mood_slots(situations: Situations) -> Int8s:
    """(batch,) the mood of each situation, a row of `moods_of`."""
    part, weekend = situations.hour // (24 // PARTS), situations.weekday >= WEEKEND
    return np.asarray((part * 2 + weekend) * 2 + np.isin(situations.device, TVS), np.int8)

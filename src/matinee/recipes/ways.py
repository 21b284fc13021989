"""The ways in which a learning billboard may choose, by name: the same for services and for simulated worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from matinee.policies.arms import ArmsConfig
from matinee.policies.posterior import Prior

HALF_LIFE, WINDOW = 14.0, 28  # days
DEVIATIONS = 2.0  # above the mean that UCB hopes for


def ways_to_choose(prior: Prior) -> Mapping[str, ArmsConfig]:
    """Each way with this prior; those that forget take it with a half-life or a window."""
    return {
        "thompson": ArmsConfig(prior=prior),
        "discounted": ArmsConfig(prior=replace(prior, half_life_days=HALF_LIFE)),
        "windowed": ArmsConfig(prior=replace(prior, window_days=WINDOW)),
        "ucb": ArmsConfig(sampling=False, prior=prior, optimism=DEVIATIONS),
        "greedy": ArmsConfig(sampling=False, prior=prior),
    }

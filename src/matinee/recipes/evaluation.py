"""What `matinee evaluate` compares: models with their defaults, and the home pages that are made of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matinee.decision import Policy, Scorer
from matinee.history import TrainingData
from matinee.recipes.registry import MODELS
from matinee.recipes.serving import HOME, SERVED
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomeConfig, HomePolicy
from matinee.train import train

EVALUATED = ("popularity", "popularity-7d", "neighbors", "factors", "ease", "ease-recent")


def compared() -> dict[str, Callable[[], Scorer]]:
    """The models that `matinee evaluate` compares, each with its defaults; two of them are baselines."""
    return {name: MODELS[name].make for name in EVALUATED}


def home_pages() -> dict[str, Callable[[TrainingData, np.random.Generator], Policy]]:
    """The home page policies that `matinee evaluate` measures, each showing its best page."""

    def page_of(name: str, config: HomeConfig) -> Callable[[TrainingData, np.random.Generator], Policy]:
        def make(data: TrainingData, rng: np.random.Generator) -> Policy:
            fitted, drawn = train(data, MODELS[name].make(), rng), charts(data.events, data.catalog, data.as_of)
            made = (data.catalog, fitted.scorer, fitted.calibration, drawn, config)
            return HomePolicy(f"home-{name}", "unsaved", *made)

        return make

    return {f"home, {name}": page_of(name, config) for name, config in HOME.items() if name in SERVED}

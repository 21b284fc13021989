"""Compiles what pages need in a process of its own, while models train: `python -m matinee.recipes.compiling`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.decision import Progress, Requests, no_progress
from matinee.history import TrainingData
from matinee.maths.arrays import Floats, Int32s
from matinee.maths.calibration import Platt
from matinee.recipes.serving import EXPLORATION, WHERE
from matinee.service.probe import probe
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomeConfig, HomePolicy
from matinee.surfaces.search.intents import SearchConfig
from matinee.surfaces.search.policy import SearchPolicy
from matinee.surfaces.similar import SimilarPolicy
from matinee.testing import make_events

TITLES = 60


@contextmanager
def compiled_meanwhile() -> Iterator[None]:
    """Compile in another process during the block, and wait for it at the end; what fails there costs only its time."""
    child = subprocess.Popen(
        [sys.executable, "-m", "matinee.recipes.compiling"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
        child.wait()
    finally:
        child.kill()
        child.wait()


def compile_pages() -> None:
    """Ask policies over a toy catalogue for pages as a service's members do; numba keeps what it compiles on disk."""
    genres = [[("Drama", "Comedy", "War")[k % 3]] for k in range(TITLES)]
    catalog = Catalog.from_frame(
        pl.DataFrame({"item_id": [f"t{k}" for k in range(TITLES)], "genres": genres, "tags": [["quiet"]] * TITLES})
    )
    now = round(time.time() * 1e6)
    drawn = charts(make_events([[k % TITLES] for k in range(300)]), catalog, now)
    made = ("toy", "toy", catalog, _Falling(TITLES), Platt(1.0, 0.0))
    home = [
        (str(exploration), HomePolicy(*made, drawn, HomeConfig(exploration=exploration, where=WHERE)))
        for exploration in (EXPLORATION, 0.0)
    ]
    search = [("toy", SearchPolicy(*made, drawn, SearchConfig(exploration=EXPLORATION)))]
    probe({"home": home, "similar": [("toy", SimilarPolicy(*made))], "search": search}, catalog, now)


@dataclass(frozen=True)
class _Falling:
    """A scorer that likes titles the better the lower their number, whoever asks."""

    titles: int

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Learn nothing."""
        return self

    def score(self, requests: Requests) -> Floats:
        """(batch, titles) falling numbers."""
        return np.tile(-np.arange(self.titles, dtype=np.float32), (len(requests), 1))

    def explain(self, requests: Requests, items: Int32s) -> Int32s:
        """(batch, k) the latest taste of each member."""
        tastes = requests.histories.tastes
        latest = np.append(tastes.items, -1)[np.where(tastes.lengths > 0, tastes.offsets[1:] - 1, -1)]
        return np.where(items >= 0, latest[:, None], -1).astype(np.int32)

    def save(self, folder: Path) -> None:
        """Keep nothing."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """As it always is."""
        return cls(TITLES)


if __name__ == "__main__":
    compile_pages()

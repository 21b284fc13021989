"""Transition graph: what people play near what, two steps along; nothing is trained."""

from __future__ import annotations

from typing import Self

import numpy as np

from matinee.decision import Progress, no_progress
from matinee.history import Histories, TrainingData
from matinee.models.markov import latest
from matinee.models.sparse_map import Rows, SparseMapScorer, rows_of
from matinee.models.transition_search import found_config
from matinee.models.transitions import TransitionConfig, graphs


class TransitionGraph(SparseMapScorer[TransitionConfig]):
    """score_i = sum over the last titles j_1, j_2, ... of decay^(k-1) * B[j_k, i], where

        T[j, i] = N(j, i) / (N(j) + shrink)        N counts i near j: after it and, less, before it
        B = T + hop * T T + content * A            A: cosine of idf-weighted genres, tags and people, rows sum to 1

    Its reason is "after X, people play Y". An untrained rule of this kind is competitive on 10 of 14 data sets in arXiv
    2605.07125. Right where members have few plays and order matters; it fails where all times are alike.
    Made without a config, `fit` finds the settings by the members' last titles; with one it keeps it.
    """

    config_type = TransitionConfig

    def __init__(self, config: TransitionConfig | None = None) -> None:
        super().__init__(config)
        self._searches = config is None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Find the settings unless they were given, and count."""
        if self._searches:
            self.config = found_config(data, rng, progress)
        return super().fit(data, rng, progress)

    def refit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Count what was added, with the settings as they are."""
        return super().fit(data, rng, progress)

    def find_rows(self, data: TrainingData, progress: Progress) -> Rows:
        """B of all histories."""
        return rows_of(graphs(data.histories.tastes, data.catalog)(self.config))

    def read_histories(self, histories: Histories, n: int) -> Rows:
        """The `last` liked titles, by `decay`."""
        return latest(histories, n, self.config.last, self.config.decay)

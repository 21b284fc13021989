"""Cold start: while a history is short, popularity in the request's context speaks too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Requests, Situations
from matinee.errors import ArtifactRefused
from matinee.history import Histories, TrainingData
from matinee.maths.ragged import narrowed
from matinee.models.artifacts import storage
from matinee.models.popularity import Popularity

SAMPLE = 200  # most popular titles whose answers tell the size of a model's scores
AT_ONCE = 1 << 22  # of these scores that are held at a time
FLAT = 1e-3  # shares that differ by less than this part of their mean count as equal

Part: TypeAlias = Callable[[Histories], NDArray[np.float32]]


@dataclass(frozen=True)
class Prior:
    """score = model part + scale * P(title | context) * kappa / (kappa + length of history).

    `kappa` is the history length at which popularity counts half. `scale` gives popularity the spread of the model's
    answer to one play, so that kappa means the same for every model: without a history the order is popularity's
    exactly; from the first play on the model joins in.
    """

    popularity: Popularity
    kappa: float
    scale: float

    @property
    def n_titles(self) -> int:
        """Number of titles it was fitted on."""
        return self.popularity.n_titles

    @classmethod
    def fit(cls, data: TrainingData, rng: np.random.Generator, kappa: float, part: Part) -> Self:
        """Fit the popularity and its scale; `part(histories)` is the fitted model part, (batch, titles)."""
        popularity = Popularity().fit(data, rng)
        shares = popularity.shares(Situations.unknown(1))[0]
        known = np.argsort(-shares, kind="stable")[:SAMPLE]
        block = max(1, AT_ONCE // len(shares))
        asked = [
            Histories.of_items([[int(item)] for item in known[k : k + block]]) for k in range(0, len(known), block)
        ]
        spread = float(np.mean(np.concatenate([np.std(part(histories), axis=1) for histories in asked])))
        natural = max(float(np.std(shares)), FLAT * float(np.mean(shares)))
        return cls(popularity, kappa, spread / natural if spread > 0 else 1.0)

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) float32, a fresh array to which a model adds its part."""
        shares, row_of = self.popularity.by_context(requests)
        weight = self.scale * self.kappa / (self.kappa + requests.histories.tastes.lengths)
        scores = shares[row_of]
        scores *= weight.astype(np.float32)[:, None]
        return scores

    def save(self, folder: Path) -> None:
        """Write the popularity into a new folder `prior` inside `folder`; its owner keeps `kappa` and `scale`."""
        (folder / "prior").mkdir()
        self.popularity.save(folder / "prior")

    @classmethod
    def load(cls, folder: Path, kappa: float, scale: float) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        if not (isinstance(scale, float) and np.isfinite(scale)):
            raise ArtifactRefused(f"{folder} has the prior scale {scale!r}; {storage.REMEDY}")
        return cls(Popularity.load(folder / "prior"), kappa, scale)


def history_rows(
    histories: Histories, n_titles: int, half_life: float | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Offsets, titles and weights of the tastes that a model of `n_titles` titles knows.

    With `half_life`, a taste followed by k later ones of the same member weighs 0.5^(k / half_life) as much.
    """
    tastes = histories.tastes
    weights = tastes.weights
    if half_life is not None:
        later = np.repeat(tastes.offsets[1:], tastes.lengths) - np.arange(len(tastes.items)) - 1
        weights = weights * np.exp2(-later / half_life).astype(np.float32)
    known = tastes.items < n_titles
    if known.all():
        return tastes.offsets, tastes.items, weights
    return narrowed(tastes.offsets, known), tastes.items[known], weights[known]

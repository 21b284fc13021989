"""Factors that know new titles: what a title is predicts where it will lie in the space of tastes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.decision import Progress, Requests, no_progress
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.history import TrainingData
from matinee.maths.arrays import Doubles, Floats
from matinee.maths.ridge import Products, best_penalty, total
from matinee.models.artifacts import storage
from matinee.models.artifacts.widen import WidePrior, require_appended
from matinee.models.cold_start import Prior
from matinee.models.content.features import TitleEncoder
from matinee.models.factors import Factors, FactorsConfig, Space

FOLDS = 5
PENALTIES = np.logspace(-1, 4, 11)
FEW = 2  # titles with likes below which no penalty can be chosen


@dataclass(frozen=True, slots=True)
class ContentFactorsConfig:
    """`strength`: number of likes at which a title's own factors and those predicted from its content count alike."""

    strength: float = 5.0

    def __post_init__(self) -> None:
        if not self.strength > 0:
            raise BadRequest(f"content factors' strength is {self.strength}; give a number above 0")


@dataclass(frozen=True)
class _Fitted:
    """`base` answers for the titles fitted on, `wide` also for later ones; `content_map` is (width + 1, size)."""

    base: Factors
    wide: Factors
    encoder: TitleEncoder
    content_map: Floats


class ContentFactors:
    """Factors in which a title's place is drawn towards what its content predicts, the more so the fewer its likes:

        h_i = n_i / (n_i + strength) * h_i(iALS) + strength / (n_i + strength) * Aᵀ f_i

    A is the ridge regression from features f (see `content.TitleEncoder`) to the factors of the titles that have
    likes, its penalty chosen by cross-validation over titles. A title that nobody has watched stands where its content
    puts it, also one appended after training. Right where titles come often and say much about themselves; it fails
    where features say little, and then equals `Factors` for titles with many likes. (The regression inside ALS is
    known from irspack's feature-aware iALS; here the factors are found first and the map once, after them.)
    """

    def __init__(
        self,
        config: ContentFactorsConfig = ContentFactorsConfig(),
        factors: FactorsConfig = FactorsConfig(),
    ) -> None:
        self.config = config
        self.factors = factors
        self._fitted: _Fitted | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Fit the factors, then the map; draw factors towards it."""
        return self._drawn(Factors(self.factors).fit(data, rng, progress), data, rng)

    def refit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Go on from the fitted factors, titles added since starting where their content puts them.

        Raises `BadRequest` when the catalogue lacks titles or vectors that it learned from.
        """
        require_appended(self._state().base.state()[1].n_titles, data.catalog)
        self._state().encoder.require_learned(data.catalog)
        grown = Factors.of(*self.for_titles(data.catalog)._state().wide.state())
        return self._drawn(grown.refit(data, rng, progress), data, rng)

    def _drawn(self, factors: Factors, data: TrainingData, rng: np.random.Generator) -> Self:
        encoder = TitleEncoder.fit(data.catalog)
        features = encoder.encode(data.catalog)
        space, _ = factors.state()
        likes = np.bincount(data.matrix.indices, minlength=len(features)).astype(np.float64)
        content_map = fit_map(features, space.factors, likes, rng)
        own = (likes / (likes + self.config.strength)).astype(np.float32)[:, None]
        mixed = Space.of(own * space.factors + (1 - own) * foretold(features, content_map), space.config)
        prior = Prior.fit(data, rng, space.config.kappa, mixed.part)
        base = Factors.of(mixed, prior)
        self._fitted = _Fitted(base, base, encoder, content_map)
        return self

    def for_titles(self, catalog: Catalog) -> Self:
        """The scorer answering for all of `catalog`, whose later titles stand where their content puts them.

        A like of such a title counts in a history as any other. Titles fitted on keep their factors.
        """
        fitted = self._state()
        space, prior = fitted.base.state()
        if fitted.wide is fitted.base and len(space.factors) == len(catalog):
            return self
        added = foretold(fitted.encoder.encode(catalog, first=len(space.factors)), fitted.content_map)
        wide = Space(np.concatenate([space.factors, added]), space.shared, space.config)
        grown = type(self)(self.config, self.factors)
        answering = Factors.of(wide, WidePrior.over(prior, len(catalog)))
        grown._fitted = _Fitted(fitted.base, answering, fitted.encoder, fitted.content_map)
        return grown

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) w·h_i plus the prior of `cold_start`."""
        return self._state().wide.score(requests)

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title whose part of w adds most to each item's score, if it adds."""
        return self._state().wide.explain(requests, items)

    def save(self, folder: Path) -> None:
        """Write factors, map and encoder, for the titles fitted on."""
        fitted = self._state()
        storage.write(folder, self.config, {"content_map": fitted.content_map})
        (folder / "factors").mkdir()
        fitted.base.save(folder / "factors")
        fitted.encoder.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        config, arrays, _ = storage.read(folder, ContentFactorsConfig, {"content_map": np.float32})
        base, encoder = Factors.load(folder / "factors"), TitleEncoder.load(folder)
        content_map = arrays["content_map"]
        if content_map.shape != (encoder.width + 1, base.config.size):
            raise ArtifactRefused(f"{folder} has a map of shape {content_map.shape}; {storage.REMEDY}")
        scorer = cls(config, base.config)
        scorer._fitted = _Fitted(base, base, encoder, content_map)
        return scorer

    def _state(self) -> _Fitted:
        if self._fitted is None:
            raise NotFitted("content factors were asked before they were fitted; call fit or load first")
        return self._fitted


def fit_map(features: Floats, factors: Floats, likes: Doubles, rng: np.random.Generator) -> Floats:
    """The map A (width + 1, size) from features (titles, width) to factors (titles, size), the last row its constant.

    Titles without likes (titles,) take no part: their factors are zeros that nobody meant. The penalty is the one of
    `PENALTIES` with the least squared error on titles left out, in `FOLDS` folds drawn by `rng`.
    """
    liked = rng.permutation(np.flatnonzero(likes))
    parts = np.array_split(liked, min(FOLDS, max(1, len(liked))))
    folds = [Products.of(features[part], factors[part], np.ones(len(part))) for part in parts]
    penalty = best_penalty(folds, PENALTIES) if len(liked) >= FEW else float(PENALTIES[-1])
    return np.asarray(total(folds).solve(penalty), np.float32)


def foretold(features: Floats, content_map: Floats) -> Floats:
    """The factors (titles, size) that the map predicts for features (titles, width)."""
    return np.asarray(features @ content_map[:-1] + content_map[-1], np.float32)

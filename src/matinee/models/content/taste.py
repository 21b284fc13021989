"""Content alone: what members liked says, feature by feature, what else they will like, seen by others or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.catalog import Catalog
from matinee.decision import Progress, Requests, no_progress
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.history import Histories, TrainingData
from matinee.maths.arrays import Doubles, Floats
from matinee.maths.ridge import CHUNK, Products, ridge_solve
from matinee.maths.sparse_dense import add_rows
from matinee.models.artifacts import storage
from matinee.models.artifacts.widen import WidePrior
from matinee.models.cold_start import Prior, history_rows
from matinee.models.content.features import TitleEncoder
from matinee.models.reasons import top_reasons


@dataclass(frozen=True, slots=True)
class ContentConfig:
    """`taste_l2` and `title_l2`: penalties on what members and titles tell, in units of the mean variance of a feature.
    `half_life`: in later likes, None = order is ignored. `kappa`: history length at which popularity counts half.
    """

    taste_l2: float = 0.01
    title_l2: float = 0.2
    half_life: float | None = None
    kappa: float = 3.0

    def __post_init__(self) -> None:
        for name in ("taste_l2", "title_l2", "half_life", "kappa"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadRequest(f"content's {name} is {value}; give a number above 0")


@dataclass(frozen=True)
class _Fitted:
    """`features` (titles, width) of all titles answered for, `taste` W (width + 1, width), the prior, the encoder."""

    features: Floats
    taste: Floats
    prior: Prior
    encoder: TitleEncoder


class Content:
    """score_i = p·W f_i, where p is the sum of the features f (1 appended) of the titles in the history.

    W is the least-squares fit of x_ui by p_u·W f_i over members u and titles i that have likes, shrunk from both sides:

        W = (PᵀP + a I)⁻¹ PᵀX F (FᵀF + b I)⁻¹,    PᵀX F = PᵀP

    with P the members' p and F the titles' f. It costs width³ and one pass over the likes, and scores every title, seen
    or not. Right for new titles, small services and as a feature of a ranker; it fails to tell good from bad where
    content is alike, and stands behind models that see who liked what wherever likes are many. (A bilinear regression,
    as in Chu and Park, "Personalized recommendation on dynamic content", WWW 2009, solved from either side in turn.)
    """

    def __init__(self, config: ContentConfig = ContentConfig()) -> None:
        self.config = config
        self._fitted: _Fitted | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Encode the titles and solve for W."""
        progress("reading titles", 0.0)
        encoder = TitleEncoder.fit(data.catalog)
        features = encoder.encode(data.catalog)
        progress("learning tastes", 0.5)
        taste = fit_taste(data.matrix, features, self.config)
        prior = Prior.fit(data, rng, self.config.kappa, lambda histories: self._part(histories, features, taste))
        self._fitted = _Fitted(features, taste, prior, encoder)
        return self

    def for_titles(self, catalog: Catalog) -> Self:
        """The scorer answering for all of `catalog`: titles that came after fitting are scored by their content."""
        fitted = self._state()
        known = fitted.features[: fitted.prior.popularity.n_titles]
        if len(known) == len(fitted.features) == len(catalog):
            return self
        added = fitted.encoder.encode(catalog, first=len(known))
        prior = WidePrior.over(fitted.prior, len(catalog))
        grown = type(self)(self.config)
        grown._fitted = replace(fitted, features=np.concatenate([known, added]), prior=prior)
        return grown

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) p·W f_i plus the prior of `cold_start`."""
        fitted = self._state()
        scores = fitted.prior.scores(requests)
        scores += self._part(requests.histories, fitted.features, fitted.taste)
        return scores

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title whose features add most to each item's score, if they add."""
        fitted = self._state()
        features = fitted.features
        offsets, seen, weights = history_rows(requests.histories, len(features), self.config.half_life)

        def told(b: int, asked: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
            mine = slice(offsets[b], offsets[b + 1])
            tastes = (features[seen[mine]] @ fitted.taste[:-1] + fitted.taste[-1]) * weights[mine, None]
            return seen[mine], np.asarray(features[asked] @ tastes.T)

        return top_reasons(items, (items >= 0) & (items < len(features)), told)

    def save(self, folder: Path) -> None:
        """Write the features of the titles fitted on, W, the encoder and the prior."""
        fitted = self._state()
        known = fitted.features[: fitted.prior.popularity.n_titles]
        arrays = {"features": known, "taste": fitted.taste}
        storage.write(folder, self.config, arrays, prior_scale=fitted.prior.scale)
        fitted.prior.save(folder)
        fitted.encoder.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        dtypes = {"features": np.float32, "taste": np.float32}
        config, arrays, extra = storage.read(folder, ContentConfig, dtypes, "prior_scale")
        prior, encoder = Prior.load(folder, config.kappa, extra["prior_scale"]), TitleEncoder.load(folder)
        features, taste = arrays["features"], arrays["taste"]
        if features.shape != (prior.n_titles, encoder.width) or taste.shape != (encoder.width + 1, encoder.width):
            raise ArtifactRefused(f"{folder} has features {features.shape}, taste {taste.shape}; {storage.REMEDY}")
        scorer = cls(config)
        scorer._fitted = _Fitted(features, taste, prior, encoder)
        return scorer

    def _part(self, histories: Histories, features: Floats, taste: Floats) -> Floats:
        rows = history_rows(histories, len(features), self.config.half_life)
        liked = np.zeros((len(histories), features.shape[1]), np.float32)
        add_rows(*rows, features, liked)
        offsets, _, weights = rows
        amounts = np.diff(np.append(0, np.cumsum(weights))[offsets]).astype(np.float32)
        return np.asarray((liked @ taste[:-1] + amounts[:, None] * taste[-1]) @ features.T, np.float32)

    def _state(self) -> _Fitted:
        if self._fitted is None:
            raise NotFitted("content was asked before it was fitted; call fit or load first")
        return self._fitted


def fit_taste(likes: sparse.csr_matrix, features: Floats, config: ContentConfig) -> Floats:
    """W (width + 1, width) from likes (members, titles) and features (titles, width), see `Content`."""
    members = np.zeros((features.shape[1] + 1,) * 2)
    for start in range(0, likes.shape[0], CHUNK):
        part = likes[start : start + CHUNK]
        liked = np.hstack([part @ features, part.sum(axis=1)]).astype(np.float64)
        members += liked.T @ liked
    known = np.flatnonzero(np.bincount(likes.indices, minlength=len(features)))
    titles = Products.of(features[known], features[known, :0], np.ones(len(known))).gram
    shown = ridge_solve(members, members, _penalty(config.taste_l2, members))
    return np.asarray(ridge_solve(titles, shown.T, _penalty(config.title_l2, titles)).T[:, :-1], np.float32)


def _penalty(l2: float, gram: Doubles) -> float:
    """`l2` in units of the mean of the diagonal, and 1 where there is nothing to learn from."""
    return l2 * float(np.trace(gram)) / len(gram) or 1.0

"""User neighbours: what the members most like this one have liked; histories are compared at request time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.decision import Progress, Requests, no_progress
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.history import Histories, TrainingData
from matinee.maths.member_similarity import add_likes, nearest_members, similarities
from matinee.models.artifacts import storage
from matinee.models.cold_start import Prior, history_rows
from matinee.models.reasons import top_reasons
from matinee.models.sparse_map import ROW_DTYPES, checked_rows, row_arrays, rows_of

UserWeighting: TypeAlias = Literal["cosine", "tfidf"]


@dataclass(frozen=True, slots=True)
class UserNeighborsConfig:
    """`k`: members asked. `weighting`: "cosine", or "tfidf", where titles that everybody likes count less.
    `shrinkage`: added to the product of lengths, so that short histories are less sure. `half_life`: in later likes,
    None = order is ignored. `kappa`: history length at which popularity counts half.
    """

    k: int = 50
    weighting: UserWeighting = "tfidf"
    shrinkage: float = 10.0
    half_life: float | None = None
    kappa: float = 3.0

    def __post_init__(self) -> None:
        if self.weighting not in get_args(UserWeighting):
            raise BadRequest(
                f"user neighbors know no weighting {self.weighting!r}; choose from {get_args(UserWeighting)}"
            )
        for name in ("k", "half_life", "kappa"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadRequest(f"user neighbors' {name} is {value}; give a number above 0")
        if not self.shrinkage >= 0:
            raise BadRequest(f"user neighbors' shrinkage is {self.shrinkage}; give 0 or a number above")


@dataclass(frozen=True)
class Crowd:
    """The likes of all members by rows and by columns, each title's weight, and each member's weighted length."""

    likes: sparse.csr_matrix
    columns: sparse.csc_matrix
    title_weights: NDArray[np.float32]
    lengths: NDArray[np.float32]
    config: UserNeighborsConfig

    @classmethod
    def of(cls, likes: sparse.csr_matrix, config: UserNeighborsConfig) -> Self:
        """The crowd of these members x titles likes; tf-idf weighs title i by log(members / (1 + n_i)), at least 0."""
        members, titles = likes.shape
        title_weights = np.ones(titles, np.float32)
        if config.weighting == "tfidf":
            counts = np.bincount(likes.indices, minlength=titles)
            title_weights = np.maximum(np.log((1.0 + members) / (1.0 + counts)), 0.0).astype(np.float32)
        weighted = likes @ sparse.diags_array(title_weights)
        lengths = np.sqrt(np.asarray(weighted.power(2).sum(axis=1), np.float32)).ravel()
        return cls(likes, likes.tocsc(), title_weights, lengths, config)

    def part(self, histories: Histories) -> NDArray[np.float32]:
        """(batch, titles) sums of the likes of each history's nearest members, by similarity."""
        out = np.zeros((len(histories), self.likes.shape[1]), np.float32)
        rows = self.likes
        for line, (chosen, similar, _, _) in zip(out, self.nearest(histories), strict=True):
            add_likes(chosen, similar, rows.indptr, rows.indices, rows.data, line)
        return out

    def nearest(self, histories: Histories) -> Iterator[tuple[Any, Any, Any, Any]]:
        """For each history: its nearest members, all members' similarities, its titles and their weights."""
        offsets, items, weights = history_rows(histories, self.likes.shape[1], self.config.half_life)
        by_title = self.columns.indptr, self.columns.indices, self.columns.data
        similar = np.zeros(len(self.lengths), np.float32)
        for start, end in pairwise(offsets.tolist()):
            history = items[start:end], weights[start:end]
            similarities(*history, self.title_weights, *by_title, self.lengths, self.config.shrinkage, similar)
            yield nearest_members(similar, self.config.k), similar, *history

    def reasons(self, histories: Histories, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the title of the history that adds most to each item's score, or -1.

        The score is a sum over members of a sum over the titles shared with them: title j of the history adds
        a_j * sum over the nearest members u of b_uj x_ui / (|a| |b_u| + shrinkage) to title i.
        """
        near = list(self.nearest(histories))

        def told(b: int, asked: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
            chosen, _, seen, weights = near[b]
            a = weights * self.title_weights[seen]
            norms = np.linalg.norm(a) * self.lengths[chosen] + self.config.shrinkage
            likes = self.likes[chosen]
            shared = likes[:, seen].multiply(a * self.title_weights[seen]).multiply(1 / norms[:, None])
            return seen, (likes[:, asked].T @ shared).toarray()

        return top_reasons(items, (items >= 0) & (items < self.likes.shape[1]), told)


class UserNeighbors:
    """score_i = sum over the `k` members u nearest to the history of similarity(history, u) * likes_ui.

    similarity = a·b_u / (|a| |b_u| + shrinkage) of weighted likes. Right where tastes come in groups that no single
    title marks. It fails on short histories, and it keeps every member's likes: memory grows with the training data,
    time with the members who share a title, and forgetting a member means training again.
    """

    def __init__(self, config: UserNeighborsConfig = UserNeighborsConfig()) -> None:
        self.config = config
        self._fitted: tuple[Crowd, Prior] | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Keep the members' likes, without their names."""
        starts, titles, values = rows_of(data.matrix)
        crowd = Crowd.of(sparse.csr_matrix((values, titles, starts), shape=data.matrix.shape), self.config)
        self._fitted = crowd, Prior.fit(data, rng, self.config.kappa, crowd.part)
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) sums of the nearest members' likes, plus the prior of `cold_start`."""
        crowd, prior = self._state()
        scores = prior.scores(requests)
        scores += crowd.part(requests.histories)
        return scores

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title that adds most to each item's sum, or -1; see `Crowd.reasons`."""
        crowd, _ = self._state()
        return crowd.reasons(requests.histories, items)

    def save(self, folder: Path) -> None:
        """Write the likes and the prior."""
        crowd, prior = self._state()
        storage.write(folder, self.config, row_arrays(rows_of(crowd.likes)), prior_scale=prior.scale)
        prior.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        config, arrays, extra = storage.read(folder, UserNeighborsConfig, ROW_DTYPES, "prior_scale")
        scorer, prior = cls(config), Prior.load(folder, config.kappa, extra["prior_scale"])
        if not len(arrays["starts"]):
            raise ArtifactRefused(f"{folder} has no starts of rows; {storage.REMEDY}")
        members = len(arrays["starts"]) - 1
        starts, titles, values = checked_rows(arrays, members, prior.n_titles, folder)
        likes = sparse.csr_matrix((values, titles, starts), shape=(members, prior.n_titles))
        scorer._fitted = Crowd.of(likes, config), prior
        return scorer

    def _state(self) -> tuple[Crowd, Prior]:
        if self._fitted is None:
            raise NotFitted("user neighbors were asked before they were fitted; call fit or load first")
        return self._fitted

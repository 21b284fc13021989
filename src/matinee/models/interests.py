"""Several tastes in one history: a scorer asked for each interest alone, beside its answer to the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from matinee.decision import Progress, Requests, Scorer, no_progress
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.history import Histories, TrainingData
from matinee.maths.arrays import Doubles, Floats, Int32s, Int64s
from matinee.maths.directions import directions
from matinee.models.artifacts import storage
from matinee.models.factors import Factors
from matinee.models.neighbors import Neighbors
from matinee.models.user_neighbors import UserNeighbors

SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class InterestsConfig:
    """`most` interests are told apart in a history of `least` likes or more; another one counts where it brings titles
    nearer to their own by `gain` (cosine, on average). `size` of the titles' vectors. `weight` of the interests beside
    the whole.
    """

    most: int = 3
    least: int = 8
    gain: float = 0.0
    size: int = 32
    weight: float = 0.3

    def __post_init__(self) -> None:
        for name in ("most", "least", "size"):
            if getattr(self, name) < 1:
                raise BadRequest(f"{name} is {getattr(self, name)}; give a number from 1 on")
        if self.weight < 0 or self.gain < 0:
            raise BadRequest(f"weight and gain are {self.weight} and {self.gain}; give numbers from 0 on")


class Parts(NamedTuple):
    """Interests of a batch: what is asked for each alone, whose each is, and the log of its share of the likes."""

    requests: Requests
    whose: Int64s
    log_shares: Doubles


class Interests:
    """score = z(base, whole history) + weight * log sum_k share_k exp z(base, interest k).

    z standardises an answer within the request. Interests are spherical k-means clusters (Dhillon and Modha 2001) of
    the liked titles' vectors, the leading directions of who liked what. Right where several people share a profile
    and a model blurs them into one; a linear map such as EASE gains nothing, for it adds up what each title says
    already. The reason of a title is one of the interest that it comes from.
    """

    types: ClassVar[Mapping[str, type[Scorer]]] = {
        "Factors": Factors,
        "Neighbors": Neighbors,
        "UserNeighbors": UserNeighbors,
    }

    def __init__(self, config: InterestsConfig = InterestsConfig(), base: Scorer | None = None) -> None:
        self.config = config
        self.base: Scorer = Factors() if base is None else base
        self._vectors: Floats | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Fit the base, and the titles' vectors."""
        self.base.fit(data, rng, progress)
        self._vectors = _vectors(data.matrix, self.config.size)
        return self

    def score(self, requests: Requests) -> Floats:
        """(batch, titles), see the class."""
        whole = _standard(self.base.score(requests))
        parts = self._parts(requests)
        if not len(parts.whose):
            return whole
        each = _standard(self.base.score(parts.requests)) + parts.log_shares[:, None].astype(np.float32)
        for b in np.unique(parts.whose):
            whole[b] += np.float32(self.config.weight) * np.logaddexp.reduce(each[parts.whose == b], axis=0)
        return whole

    def explain(self, requests: Requests, items: Int32s) -> Int32s:
        """The base's reason in the interest from which each title comes; else its reason in the whole history."""
        found, parts = self.base.explain(requests, items), self._parts(requests)
        if not len(parts.whose):
            return found
        each = _standard(self.base.score(parts.requests)) + parts.log_shares[:, None]
        at = np.maximum(items, 0)[parts.whose]
        strength = np.take_along_axis(each, at, axis=1)
        reasons = self.base.explain(parts.requests, items[parts.whose])
        for b in np.unique(parts.whose):
            own = np.flatnonzero(parts.whose == b)
            best = np.take_along_axis(reasons[own], strength[own].argmax(axis=0)[None], axis=0)[0]
            found[b] = np.where(best >= 0, best, found[b])
        return found

    def save(self, folder: Path) -> None:
        """Write the vectors, and the base into a folder of its own."""
        called = {kind: name for name, kind in self.types.items()}
        storage.write(folder, self.config, {"vectors": self._fitted}, base=called[type(self.base)])
        (folder / "base").mkdir()
        self.base.save(folder / "base")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        config, arrays, extra = storage.read(folder, InterestsConfig, {"vectors": np.float32}, "base")
        kind = cls.types.get(extra["base"]) if isinstance(extra["base"], str) else None
        if kind is None or arrays["vectors"].ndim != 2:
            raise ArtifactRefused(f"{folder} has the base {extra['base']!r}; it may have one of {sorted(cls.types)}")
        loaded = cls(config, kind.load(folder / "base"))
        loaded._vectors = arrays["vectors"]
        return loaded

    @property
    def _fitted(self) -> Floats:
        if self._vectors is None:
            raise NotFitted("this scorer was not fitted; call fit, or load one")
        return self._vectors

    def _parts(self, requests: Requests) -> Parts:
        """The interests of those who have more than one."""
        histories, tastes, vectors = requests.histories, requests.histories.tastes, self._fitted
        label, kept = np.full(len(histories.items), -1), []
        for b in range(len(tastes)):
            liked = tastes.items[tastes.offsets[b] : tastes.offsets[b + 1]]
            liked = liked[liked < len(vectors)]
            groups = directions(vectors[liked].astype(np.float64), self._most(len(liked)), self.config.gain)
            if groups.max(initial=0) > 0:
                _mark(label, histories, b, liked, groups)
                kept += [(b, k, np.log(np.mean(groups == k))) for k in range(int(groups.max()) + 1)]
        whose, number, shares = (np.array(column) for column in zip(*kept, strict=True)) if kept else ([], [], [])
        whose = np.asarray(whose, np.int64)
        alone = requests.take(whose)
        lengths = np.diff(alone.histories.offsets)
        labels = np.concatenate([np.empty(0), *(label[_events(histories, b)] for b in whose)])
        mine = labels == np.repeat(np.asarray(number, np.int64), lengths)
        asked = replace(alone, histories=alone.histories.keep(mine), logged_digests=None)
        return Parts(asked, whose, np.asarray(shares, np.float64))

    def _most(self, likes: int) -> int:
        return self.config.most if likes >= self.config.least else 1


def _mark(label: Int64s, histories: Histories, b: int, liked: Int32s, groups: Int64s) -> None:
    """Write the interest of each event of a member, by its title."""
    order = np.argsort(liked)
    items = histories.items[_events(histories, b)]
    at = np.minimum(np.searchsorted(liked[order], items), len(liked) - 1)
    label[_events(histories, b)] = np.where(liked[order][at] == items, groups[order][at], -1)


def _events(histories: Histories, b: int) -> slice:
    return slice(int(histories.offsets[b]), int(histories.offsets[b + 1]))


def _standard(scores: Floats) -> Floats:
    """Scores less their mean, by their deviation, within each request."""
    away = scores - scores.mean(axis=1, keepdims=True)
    return np.asarray(away / (scores.std(axis=1, keepdims=True) + SMALL), np.float32)


def _vectors(likes: sparse.csr_matrix, size: int) -> Floats:
    """(titles, size) the titles' leading directions among who liked what, of length 1; 0 for titles nobody liked."""
    liked = (likes > 0).astype(np.float64)
    liked = liked @ sparse.diags(1.0 / np.sqrt(np.maximum(liked.sum(axis=0).A1, 1.0)))
    if min(liked.shape) <= size + 1:
        _, strengths, across = np.linalg.svd(liked.toarray(), full_matrices=False)
        strengths, across = strengths[:size], across[:size]
    else:
        _, strengths, across = svds(liked, k=size, v0=np.ones(min(liked.shape)))
    vectors = across.T * strengths
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + SMALL), np.float32)

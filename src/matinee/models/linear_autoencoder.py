"""EASE and EDLAE: one linear map from a history to every title, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.decision import Explain, Progress, Requests, no_progress
from matinee.errors import ArtifactRefused, BadRequest, NotFitted, TooLarge
from matinee.history import Histories, TrainingData
from matinee.maths.arrays import Floats, Int32s
from matinee.maths.gram import gram, inverse_by_rows, invert_upper, mirror_scaled, touched
from matinee.maths.ragged import narrowed
from matinee.maths.sparse_dense import add_columns, add_rows, add_rows_and_strongest, strongest
from matinee.models.artifacts import storage
from matinee.models.cold_start import Prior, history_rows
from matinee.models.memory import available_bytes
from matinee.models.sparse_map import Rows


@dataclass(frozen=True, slots=True)
class EaseConfig:
    """`l2`: ridge penalty; 200 to 1,000 suit most catalogues. `dropout`: probability that a like is hidden in training;
    0 is EASE, about 0.5 with a smaller `l2` is EDLAE. `half_life`: in later likes, None = order is ignored; about 5
    suits predicting the very next title. `kappa`: history length at which popularity counts half.
    """

    l2: float = 500.0
    dropout: float = 0.0
    half_life: float | None = None
    kappa: float = 3.0

    def __post_init__(self) -> None:
        for name in ("l2", "half_life", "kappa"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadRequest(f"EASE's {name} is {value}; give a number above 0")
        if not 0 <= self.dropout < 1:
            raise BadRequest(f"EASE's dropout is {self.dropout}; give a number from 0 to below 1")


@dataclass(frozen=True)
class Map:
    """B as `weights` (k, k) between the `titles` (k,) that somebody liked, ascending; all other rows and columns of the
    `n_titles` of the catalogue are zero.
    """

    titles: Int32s
    weights: Floats
    n_titles: int

    @cached_property
    def place(self) -> Int32s:
        """(titles,) where each title of the catalogue stands in `titles`, -1 where nobody liked it."""
        places = np.full(self.n_titles, -1, np.int32)
        places[self.titles] = np.arange(len(self.titles))
        return places

    def add(self, histories: Histories, half_life: float | None, out: Floats) -> Floats:
        """Add the sums of rows over each history to `out` (batch, titles of the catalogue), and return it."""
        rows = self._rows(histories, half_life)
        if len(self.titles) == self.n_titles:
            add_rows(*rows, self.weights, out)
            return out
        part = np.zeros((len(histories), len(self.titles)), np.float32)
        add_rows(*rows, self.weights, part)
        add_columns(part, self.titles, out)
        return out

    def strongest(self, histories: Histories, half_life: float | None, items: Int32s) -> Int32s:
        """(batch, k): the history title with the largest positive term of each item's sum, or -1."""
        return self._named(strongest(*self._rows(histories, half_life), self.weights, self._places(items)))

    def add_with_reasons(self, histories: Histories, half_life: float | None, out: Floats) -> tuple[Floats, Explain]:
        """`add`, and the `strongest` of these histories, for the price of little more than the first."""
        rows = self._rows(histories, half_life)
        whole = len(self.titles) == self.n_titles
        part = out if whole else np.zeros((len(histories), len(self.titles)), np.float32)
        sources = add_rows_and_strongest(*rows, self.weights, part)
        if not whole:
            add_columns(part, self.titles, out)

        def explain(items: Int32s) -> Int32s:
            at = self._places(items)
            return self._named(np.where(at < 0, -1, np.take_along_axis(sources, np.maximum(at, 0), axis=1)))

        return out, explain

    def _places(self, items: Int32s) -> Int32s:
        """Where `items`, -1 for none, stand in `titles`; -1 where nobody liked them."""
        known = (items >= 0) & (items < self.n_titles)
        return np.where(known, self.place[np.where(known, items, 0)], -1).astype(np.int32)

    def _named(self, places: Int32s) -> Int32s:
        """The titles at these places, -1 for -1."""
        return np.append(self.titles, np.int32(-1))[places]

    def _rows(self, histories: Histories, half_life: float | None) -> Rows:
        """Offsets, places and weights of what each history holds of the titles that somebody liked."""
        offsets, items, weights = history_rows(histories, self.n_titles, half_life)
        places = self.place[items]
        known = places >= 0
        if known.all():
            return offsets, places, weights
        return narrowed(offsets, known), places[known], weights[known]


class Ease:
    """Predict a member's likes as a weighted sum of their other likes.

    minimise |X - XB|² + l2 |B|² with a zero diagonal has the solution P = (XᵀX + l2 I)⁻¹, B_ij = -P_ij / P_jj.
    Hiding each like of the input with probability p, in the mean over all ways to hide them, adds p / (1 - p) * n_j to
    l2 for title j with n_j likes: popular titles must explain more of others before they may (EDLAE, Steck 2020).
    Titles that nobody liked are a block of their own in XᵀX + l2 I, whose B is zero: the map is solved and kept for the
    others alone. Right where up to some 20,000 titles were liked, with plenty of co-likes; it fails when the square of
    their number does not fit, and titles that nobody liked keep their popularity. (Steck 2019, arXiv 1905.03375)
    """

    def __init__(self, config: EaseConfig = EaseConfig()) -> None:
        self.config = config
        self._fitted: tuple[Map, Prior] | None = None

    def fit(
        self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress, memory: int | None = None
    ) -> Self:
        """Solve for the map, in at most 8 k² bytes for k liked titles.

        `memory`: bytes that may be used; by default what the machine has. Raises `TooLarge` when that is not enough.
        """
        titles = touched(data.matrix)
        liked = data.matrix if len(titles) == len(data.catalog) else data.matrix[:, titles]
        require_memory(liked.shape[0], len(titles), available_bytes() if memory is None else memory)
        solved = Map(titles, fit_map(liked, self.config.l2, self.config.dropout), len(data.catalog))
        self._fitted = solved, Prior.fit(data, rng, self.config.kappa, lambda histories: self._part(histories, solved))
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) sums of map rows over each history, plus the prior of `cold_start`."""
        solved, prior = self._state()
        return solved.add(requests.histories, self.config.half_life, prior.scores(requests))

    def score_with_reasons(self, requests: Requests) -> tuple[Floats, Explain]:
        """`score`, and `explain` of these requests, out of one pass over the map."""
        solved, prior = self._state()
        return solved.add_with_reasons(requests.histories, self.config.half_life, prior.scores(requests))

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title with the largest positive term of each item's sum, or -1."""
        solved, _ = self._state()
        return solved.strongest(requests.histories, self.config.half_life, items)

    def save(self, folder: Path) -> None:
        """Write the map and the prior."""
        solved, prior = self._state()
        storage.write(folder, self.config, {"titles": solved.titles, "map": solved.weights}, prior_scale=prior.scale)
        prior.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote, the map mapped into memory; raises `ArtifactRefused` on anything else."""
        dtypes = {"titles": np.int32, "map": np.float32}
        config, arrays, extra = storage.read(folder, EaseConfig, dtypes, "prior_scale")
        scorer, titles, weights = cls(config), arrays["titles"], arrays["map"]
        prior = Prior.load(folder, config.kappa, extra["prior_scale"])
        rising = titles.ndim == 1 and bool((np.diff(titles, prepend=-1, append=prior.n_titles) > 0).all())
        if not rising or weights.shape != (len(titles), len(titles)):
            raise ArtifactRefused(
                f"{folder} has a map of shape {weights.shape} for titles of shape {titles.shape}; {storage.REMEDY}"
            )
        scorer._fitted = Map(titles, weights, prior.n_titles), prior
        return scorer

    def _part(self, histories: Histories, solved: Map) -> NDArray[np.float32]:
        return solved.add(histories, self.config.half_life, np.zeros((len(histories), solved.n_titles), np.float32))

    def _state(self) -> tuple[Map, Prior]:
        if self._fitted is None:
            raise NotFitted("EASE was asked before it was fitted; call fit or load first")
        return self._fitted


def fit_map(likes: sparse.csr_matrix, l2: float, dropout: float = 0.0) -> NDArray[np.float32]:
    """EASE's map B (titles, titles) from likes (members, titles), by the cheaper of two equal ways."""
    if few_members(*likes.shape):
        counts = np.asarray(likes.power(2).sum(axis=0), np.float32).ravel()
        return mirror_scaled(inverse_by_rows(likes, penalties(counts, l2, dropout)))
    return solve(gram(likes), l2, dropout)


def solve(upper_gram: NDArray[np.float32], l2: float, dropout: float = 0.0) -> NDArray[np.float32]:
    """EASE's map B from the upper triangle of XᵀX, in place: the Gram matrix is overwritten by the result."""
    diagonal = np.diag_indices(len(upper_gram))
    upper_gram[diagonal] += penalties(upper_gram[diagonal], l2, dropout)
    return mirror_scaled(invert_upper(upper_gram))


def penalties(counts: NDArray[np.float32], l2: float, dropout: float) -> NDArray[np.float32]:
    """What is added to each title's place of the Gram diagonal, `counts` (titles,): l2 + p / (1 - p) * n_j."""
    return np.asarray(l2 + dropout / (1 - dropout) * counts, np.float32)


def few_members(members: int, titles: int) -> bool:
    """Whether a factorization of the size of the members costs less than one of the size of the titles."""
    return 2 * members <= titles


def require_memory(members: int, titles: int, available: int) -> None:
    """Refuse a solve that would not fit into `available` bytes."""
    needed = 4 * titles * (titles + (members if few_members(members, titles) else 0))
    if needed > available:
        raise TooLarge(
            f"EASE on {titles:,} liked titles needs {needed:,} bytes and {available:,} are available; "
            "fit on fewer titles, use the sparse inverse, factors or neighbors, or a larger machine"
        )

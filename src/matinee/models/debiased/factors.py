"""Factors of what was looked at: least squares of looks, each weighed by how unlikely it was, or doubly robust."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from matinee.data.exposures import Propensities
from matinee.decision import Progress, Requests, no_progress
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.history import Histories, TrainingData
from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, Int64s
from matinee.maths.ragged import offsets_of, owners_of
from matinee.maths.rating_factors import Fit, Plane, Ratings, fit_ratings, fold_in
from matinee.models.artifacts import storage
from matinee.models.debiased.targets import Correction, DebiasConfig, Weighed, weighed
from matinee.models.reasons import top_reasons


@dataclass(frozen=True, slots=True)
class DebiasedFactorsConfig:
    """`size`: dimensions. `reg`: penalty, in shares of the mean weight of a row. `rounds` of half steps. `debias`: how
    looks are weighed; factors have more to lose from large weights than a map, so the cap is low.
    """

    size: int = 16
    reg: float = 0.03
    rounds: int = 10
    debias: DebiasConfig = field(default_factory=lambda: DebiasConfig(cap=2.0))

    def __post_init__(self) -> None:
        if isinstance(self.debias, dict):
            object.__setattr__(self, "debias", DebiasConfig(**self.debias))
        for name in ("size", "reg", "rounds"):
            if not getattr(self, name) > 0:
                raise BadRequest(f"debiased factors' {name} is {getattr(self, name)}; give a number above 0")


class _Fitted(NamedTuple):
    """`right` (titles, size + 2) as `Plane` has it; `weights` (titles,) of a look; the `mean`; the `ridge` of a member;
    whether titles that a member never looked at count as 0 (`everywhere`), for want of looks.
    """

    right: Doubles
    weights: Doubles
    mean: float
    ridge: float
    everywhere: bool


class DebiasedFactors:
    """score_j = mean + c_j + p_u·q_j, least squares of what came of looks: liked 1, in vain 0.

    Titles that a member never looked at say nothing, where plain factors take them for dislikes. Weights 1 / propensity
    (IPS), or pseudo-outcomes over all cells (doubly robust), see `maths.rating_factors`. A member's p is folded in from
    the looks and likes of the history, so impressions belong into histories. Where the log tells of no look in vain,
    every cell counts, with weighted likes as targets. Right where looks are logged; it fails with large weights.
    """

    def __init__(
        self, config: DebiasedFactorsConfig = DebiasedFactorsConfig(), propensities: Propensities | None = None
    ) -> None:
        self.config = config
        self.propensities = propensities
        self._fitted: _Fitted | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Half steps from a random start, each exact; twice for the doubly robust, which corrects the weighted fit."""
        n, config = len(data.catalog), self.config
        if not len(data.user_ids):
            self._fitted = _Fitted(_nothing(n, config.size), np.ones(n), 0.0, 1.0, True)
            return self
        progress("weighing looks", 0.0)
        each = weighed(data, config.debias, self.propensities)
        progress("half steps", 0.2)
        plane, total = _plane(each, config, rng)
        mean, ridge = float(plane.left[:, 0].mean()), config.reg * total / each.met.shape[0]
        self._fitted = _Fitted(plane.right, each.of_titles, mean, ridge, not each.looks)
        return self

    def score(self, requests: Requests) -> Floats:
        """(batch, titles) mean + c + p·q, p folded in from each history."""
        state = self._state()
        return np.asarray(_points(_seen(requests.histories, state), state) @ state.right.T, np.float32)

    def explain(self, requests: Requests, items: Int32s) -> Int32s:
        """(batch, k): the liked title of the history whose part of the member's point adds most to each score."""
        state = self._state()
        seen = _seen(requests.histories, state)

        def told(b: int, asked: Int32s) -> tuple[Int32s, Doubles]:
            mine = slice(seen.starts[b], seen.starts[b + 1])
            liked = seen.titles[mine][seen.liked[mine]]
            return liked, _design(state.right)[asked] @ _pulls(liked, seen.titles[mine], state)

        return top_reasons(items, (items >= 0) & (items < len(state.right)), told)

    @property
    def title_vectors(self) -> Floats:
        """(titles, size + 2) what meets a member's vector, for an index of titles."""
        return self._state().right.astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write the side of the titles and what folds a member in."""
        state = self._state()
        arrays = {"right": state.right, "weights": state.weights}
        numbers = {"mean": state.mean, "ridge": state.ridge, "everywhere": state.everywhere}
        storage.write(folder, self.config, arrays, **numbers)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        dtypes = {"right": np.float64, "weights": np.float64}
        config, arrays, extra = storage.read(folder, DebiasedFactorsConfig, dtypes, "mean", "ridge", "everywhere")
        right, weights = (arrays[name] for name in dtypes)
        mean, ridge = extra["mean"], extra["ridge"]
        sound = all(isinstance(one, float) and np.isfinite(one) for one in (mean, ridge)) and ridge > 0
        if not (weights.ndim == 1 and right.shape == (len(weights), config.size + 2) and sound):
            raise ArtifactRefused(
                f"{folder} has factors {right.shape}, weights {weights.shape}, a mean {mean} and a ridge {ridge}; "
                f"{storage.REMEDY}"
            )
        scorer = cls(config)
        scorer._fitted = _Fitted(right, weights, mean, ridge, bool(extra["everywhere"]))
        return scorer

    def _state(self) -> _Fitted:
        if self._fitted is None:
            raise NotFitted("debiased factors were asked before they were fitted; call fit or load first")
        return self._fitted


class _Seen(NamedTuple):
    """The titles that each history met, each once, and whether it likes them."""

    starts: Int64s
    titles: Int32s
    liked: Flags


def _plane(each: Weighed, config: DebiasedFactorsConfig, rng: np.random.Generator) -> tuple[Plane, float]:
    """The fit, and the weight that its penalties are shares of."""
    met, fit = each.met, Fit(config.size, config.reg, config.rounds)
    ratings = Ratings(met.members, met.titles, met.liked.astype(np.float64), met.shape)
    if not each.looks:
        nothing = Plane(np.zeros((met.shape[0], 1)), np.zeros((met.shape[1], 1)))
        return fit_ratings(ratings, each.weights, fit, rng, nothing), float(ratings.cells)
    plane = fit_ratings(ratings, each.weights, fit, rng)
    if config.debias.correction is Correction.DOUBLY_ROBUST:
        plane = fit_ratings(ratings, each.weights, fit, rng, plane)
    return plane, float(each.weights.sum())


def _nothing(n: int, size: int) -> Doubles:
    """The side of titles that nobody met."""
    right = np.zeros((n, size + 2))
    right[:, 0] = 1.0
    return right


def _seen(histories: Histories, state: _Fitted) -> _Seen:
    n, batch = len(state.right), len(histories)
    owner = np.repeat(np.arange(batch), np.diff(histories.offsets))
    tastes = histories.tastes
    known = histories.items < n
    pairs = np.unique(owner[known] * n + histories.items[known])
    likes = np.repeat(np.arange(batch), tastes.lengths) * n + np.where(tastes.items < n, tastes.items, -1)
    starts = offsets_of(np.bincount(pairs // n, minlength=batch))
    return _Seen(starts, (pairs % n).astype(np.int32), np.isin(pairs, likes[tastes.items < n]))


def _points(seen: _Seen, state: _Fitted) -> Doubles:
    """(batch, size + 2) the left side of each history."""
    values, weights = seen.liked.astype(np.float64), state.weights[seen.titles]
    if not state.everywhere:
        return fold_in(seen.starts, seen.titles, values, weights, state.right, state.mean, state.ridge)
    design = _design(state.right)
    owner = owners_of(seen.starts)
    pulls = np.zeros((len(seen.starts) - 1, design.shape[1]))
    np.add.at(pulls, owner, (values * weights)[:, None] * design[seen.titles])
    pulls -= (state.mean + state.right[:, 1]) @ design
    found = np.linalg.solve(_system(design, state.ridge), pulls.T).T
    return np.concatenate([state.mean + found[:, :1], np.ones((len(found), 1)), found[:, 1:]], axis=1)


def _pulls(liked: Int32s, seen: Int32s, state: _Fitted) -> Doubles:
    """(size + 1, liked) what each liked title adds to the point of a history that met `seen`."""
    design, weights = _design(state.right), state.weights
    met = design if state.everywhere else design[seen] * np.sqrt(weights[seen])[:, None]
    offset = 0.0 if state.everywhere else state.mean + state.right[liked, 1]
    sides = (weights[liked] * (1 - offset))[:, None] * design[liked]
    return np.asarray(np.linalg.solve(_system(met, state.ridge), sides.T))


def _design(right: Doubles) -> Doubles:
    """(titles, size + 1) what meets b and p of a member."""
    return np.concatenate([right[:, :1], right[:, 2:]], axis=1)


def _system(design: Doubles, ridge: float) -> Doubles:
    return np.asarray(design.T @ design + ridge * np.eye(design.shape[1]))

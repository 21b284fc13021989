"""iALS: tastes as points in a small space; members are folded in at request time and never stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matinee.decision import Progress, Requests, no_progress
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.history import Histories, TrainingData
from matinee.maths import als
from matinee.models.artifacts import storage
from matinee.models.artifacts.widen import require_appended
from matinee.models.cold_start import Prior, history_rows
from matinee.models.reasons import top_reasons

Equations = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], float]


@dataclass(frozen=True, slots=True)
class FactorsConfig:
    """`size`: dimensions; double it until quality stops growing, then tune `reg` again. `alpha0`: weight of the
    titles that a member did not like. `reg`: penalty, scaled by frequency to the power `nu`. `spread`: size of the
    random start. `refit_epochs`: rounds that `refit` adds. `kappa`: history length at which popularity counts half.
    """

    size: int = 128
    epochs: int = 16
    refit_epochs: int = 3
    alpha0: float = 0.3
    reg: float = 0.01
    nu: float = 1.0
    spread: float = 0.1
    kappa: float = 3.0

    def __post_init__(self) -> None:
        for name in ("size", "epochs", "refit_epochs", "alpha0", "reg", "spread", "kappa"):
            if not getattr(self, name) > 0:
                raise BadRequest(f"factors' {name} is {getattr(self, name)}; give a number above 0")
        if not self.nu >= 0:
            raise BadRequest(f"factors' nu is {self.nu}; give 0 or more")


@dataclass(frozen=True)
class Space:
    """The titles' `factors` (titles, size) and `shared` = alpha0 * factorsᵀ factors, in all equations."""

    factors: NDArray[np.float32]
    shared: NDArray[np.float32]
    config: FactorsConfig

    @classmethod
    def of(cls, factors: NDArray[np.float32], config: FactorsConfig) -> Self:
        """The space of these factors."""
        return cls(factors, als.everywhere(factors, config.alpha0), config)

    def points(self, histories: Histories) -> NDArray[np.float32]:
        """(batch, size) each member's w."""
        points = [als.fold_in(*equations) for equations in self.equations(histories)]
        return np.array(points, np.float32).reshape(-1, self.factors.shape[1])

    def part(self, histories: Histories) -> NDArray[np.float32]:
        """(batch, titles) w·h_i for each member's w."""
        return self.points(histories) @ self.factors.T

    def equations(self, histories: Histories) -> Iterator[Equations]:
        """For each member the arguments of `als.fold_in`; the first is the titles of the history."""
        config, n = self.config, len(self.factors)
        offsets, items, weights = history_rows(histories, n)
        ridges = als.ridge(np.diff(offsets), n, config.alpha0, config.reg, config.nu)
        for start, end, ridge in zip(offsets[:-1], offsets[1:], ridges, strict=True):
            yield items[start:end], weights[start:end], self.factors, self.shared, ridge


Initial = Callable[[TrainingData, np.random.Generator], NDArray[np.float32]]  # vectors (titles, width) to start from


class Solve(Protocol):
    """A way to lower the loss of `maths.als`."""

    def __call__(
        self,
        likes: sparse.csr_matrix,
        factors: NDArray[np.float32],
        config: FactorsConfig,
        rng: np.random.Generator,
        progress: Progress = no_progress,
    ) -> NDArray[np.float32]:
        """Better factors of the titles (titles, size) after `config.epochs` rounds that start at `factors`."""
        ...


def alternate(
    likes: sparse.csr_matrix,
    factors: NDArray[np.float32],
    config: FactorsConfig,
    rng: np.random.Generator,
    progress: Progress = no_progress,
) -> NDArray[np.float32]:
    """Solve by alternating half steps over members and titles, see `maths.als`; nothing in it is random."""
    factors, by_title = factors.copy(), likes.T.tocsr()
    points = np.zeros((likes.shape[0], config.size), np.float32)
    member_ridges, title_ridges = ridges(likes, config)
    for epoch in range(config.epochs):
        progress(f"epoch {epoch + 1} of {config.epochs}", epoch / config.epochs)
        als.half_step(likes, points, factors, config.alpha0, member_ridges)
        als.half_step(by_title, factors, points, config.alpha0, title_ridges)
    return factors


def ridges(likes: sparse.csr_matrix, config: FactorsConfig) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The penalties of members (members,) and of titles (titles,)."""
    members, titles = likes.shape
    by_member, by_title = np.diff(likes.indptr), np.bincount(likes.indices, minlength=titles)
    return (
        als.ridge(by_member, titles, config.alpha0, config.reg, config.nu),
        als.ridge(by_title, members, config.alpha0, config.reg, config.nu),
    )


def random_points(n: int, config: FactorsConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random start (n, size), whose rows are about `config.spread` long."""
    return rng.normal(0.0, config.spread / np.sqrt(config.size), (n, config.size)).astype(np.float32)


class Factors:
    """score = w·h_i with the loss of Rendle et al. 2022, see `maths.als`; w solves the member's own equations.

    Right for large catalogues and sparse histories, where it costs size² instead of titles². It fails on titles
    with a handful of likes and ignores the order of a history. Only the titles' factors are kept: a member's point
    is worked out from the history of the request, so a play counts at once and nothing about people is stored.

    `solve` is how the loss is lowered while fitting: alternating least squares, or `deep.factor_network.Descent`.
    `initial` gives title vectors to start from, up to `size` wide, such as those of a sequence model (they are made one
    long on average); else the start is random. An artifact does not say how it was found, and what is loaded goes on by
    alternating.
    """

    def __init__(
        self, config: FactorsConfig = FactorsConfig(), solve: Solve = alternate, initial: Initial | None = None
    ) -> None:
        self.config = config
        self.solve = solve
        self.initial = initial
        self._fitted: tuple[Space, Prior] | None = None

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Lower the loss for `epochs` rounds from a random start, or from the `initial` vectors."""
        start = random_points(len(data.catalog), self.config, rng)
        if self.initial is not None:
            vectors = self.initial(data, rng)
            length = np.sqrt(np.mean(np.sum(vectors**2, axis=1)))
            start[:, : vectors.shape[1]] = vectors / (length or 1.0)
        return self._fit_from(start, self.config, data, rng, progress)

    def refit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Go on for `refit_epochs` rounds from the fitted factors; titles added since start at random."""
        known = self.state()[0].factors
        require_appended(len(known), data.catalog)
        added = random_points(len(data.catalog) - len(known), self.config, rng)
        config = replace(self.config, epochs=self.config.refit_epochs)
        return self._fit_from(np.concatenate([known, added]), config, data, rng, progress)

    def _fit_from(
        self,
        start: NDArray[np.float32],
        config: FactorsConfig,
        data: TrainingData,
        rng: np.random.Generator,
        progress: Progress,
    ) -> Self:
        space = Space.of(self.solve(data.matrix, start, config, rng, progress), self.config)
        self._fitted = space, Prior.fit(data, rng, self.config.kappa, space.part)
        return self

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) w·h_i plus the prior of `cold_start`."""
        space, prior = self.state()
        scores = prior.scores(requests)
        scores += space.part(requests.histories)
        return scores

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """(batch, k): the history title whose part of w adds most to each item's score, if it adds."""
        space, _ = self.state()
        equations = list(space.equations(requests.histories))

        def told(b: int, asked: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
            return equations[b][0], np.asarray(space.factors[asked] @ als.fold_in_parts(*equations[b]))

        return top_reasons(items, (items >= 0) & (items < len(space.factors)), told)

    @property
    def title_vectors(self) -> NDArray[np.float32]:
        """(titles, size) h_i, for an index of titles."""
        return self.state()[0].factors

    def member_vectors(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, size) w of each request's history; zeros without one."""
        return self.state()[0].points(requests.histories)

    def save(self, folder: Path) -> None:
        """Write the titles' factors and the prior."""
        space, prior = self.state()
        storage.write(folder, self.config, {"factors": space.factors}, prior_scale=prior.scale)
        prior.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        config, arrays, extra = storage.read(folder, FactorsConfig, {"factors": np.float32}, "prior_scale")
        scorer, factors = cls(config), arrays["factors"]
        prior = Prior.load(folder, config.kappa, extra["prior_scale"])
        if factors.shape != (prior.n_titles, config.size):
            raise ArtifactRefused(f"{folder} has factors of shape {factors.shape}; {storage.REMEDY}")
        scorer._fitted = Space.of(factors, config), prior
        return scorer

    @classmethod
    def of(cls, space: Space, prior: Prior) -> Self:
        """The scorer that answers from this space and prior."""
        scorer = cls(space.config)
        scorer._fitted = space, prior
        return scorer

    def state(self) -> tuple[Space, Prior]:
        """The titles' space and the prior; raises `NotFitted` before there are any."""
        if self._fitted is None:
            raise NotFitted("factors were asked before they were fitted; call fit or load first")
        return self._fitted

"""Popularity: what many members liked lately, in the context of the request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.decision import Progress, Requests, Situations, no_progress, situations_of
from matinee.errors import ArtifactRefused, BadRequest, NotFitted
from matinee.events import DAY
from matinee.history import TrainingData
from matinee.likes import counted_likes
from matinee.maths.arrays import Doubles, Int32s
from matinee.maths.half_life import kept
from matinee.models.artifacts import storage

CONTEXTS = ("country", "device", "language", "weekday", "hour")
LEAST_MEMBERS = 3  # who must share a value of a context before it is kept, so that none tells of one member
MOST_VALUES = 100  # values kept of one context, the commonest, so that their number is bounded


@dataclass(frozen=True, slots=True)
class PopularityConfig:
    """`half_life_days`: age at which a like counts half; None = likes never age, "learned" =
    `TrainingData.half_life_days`.

    `window_days`: only likes this young count; None = all. `contexts`: which parts of a request's context matter.
    `pseudo_counts`: how many likes in a context it takes to believe the context as much as the whole.
    `smoothing`: likes given to every title, so that an unseen one is rare, not impossible.
    """

    half_life_days: float | Literal["learned"] | None = "learned"
    window_days: float | None = None
    contexts: tuple[str, ...] = ("country", "device", "weekday", "hour")
    pseudo_counts: float = 10_000.0
    smoothing: float = 0.1

    def __post_init__(self) -> None:
        for name in ("half_life_days", "window_days", "pseudo_counts", "smoothing"):
            value = getattr(self, name)
            learned = name == "half_life_days" and value == "learned"
            if value is not None and not learned and (isinstance(value, str) or not value > 0):
                raise BadRequest(f"popularity's {name} is {value}; give a number above 0")
        unknown = set(self.contexts) - set(CONTEXTS)
        if unknown:
            raise BadRequest(f"popularity knows no context {sorted(unknown)}; choose from {CONTEXTS}")


class Popularity:
    """P(title | context) as decayed, shrunken shares of members' likes.

    Each member's latest like of a title counts its weight in `likes.counted_likes`, times 0.5^(age / half-life). Ages
    count from the newest like, by a clock that nearly stands still while nobody likes anything (`half_life.lived`).
    With weights N in all, N_c in context value c, and s = `smoothing` times the mean weight,

        share_i     = (n_i + s) / (N + titles * s)
        share_i | c = (n_ic + pseudo_counts * share_i) / (N_c + pseudo_counts)
        P(i | contexts) ~ share_i * product over contexts of (share_i | c) / share_i

    The second line is the posterior mean under a Dirichlet prior centred on the whole; the third takes contexts as
    independent given the title. `score` is the log of it. Answers everybody the same in the same context.
    """

    def __init__(self, config: PopularityConfig = PopularityConfig()) -> None:
        self.config = config
        self._shares: NDArray[np.float32] | None = None
        self._lifts = np.empty((0, 0), np.float32)
        self._values: dict[tuple[str, int], int] = {}

    def fit(self, data: TrainingData, rng: np.random.Generator, progress: Progress = no_progress) -> Self:
        """Count likes as of `data.as_of`."""
        likes, n = _likes(data, self.config), len(data.catalog)
        shares = _shares(likes["item"].to_numpy(), likes["weight"].to_numpy(), n, self.config.smoothing)
        groups = {(name, key): some for name in self.config.contexts for key, some in _likes_in(likes, name).items()}
        self._values = {pair: row for row, pair in enumerate(groups)}
        self._lifts = np.empty((len(groups), n), np.float32)
        for row, (items, weights) in enumerate(groups.values()):
            self._lifts[row] = self._lift(items, weights, shares)
        self._shares = shares.astype(np.float32)
        return self

    def _lift(
        self, items: NDArray[np.int32], weights: NDArray[np.float64], shares: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(titles,) factors share|value / share, from the likes in one context value."""
        counts, prior = np.bincount(items, weights, minlength=len(shares)), self.config.pseudo_counts
        given = (counts + prior * shares) / (counts.sum() + prior)
        return np.asarray(given / shares)

    @property
    def n_titles(self) -> int:
        """Number of titles it was fitted on."""
        return len(self._known())

    def shares(self, situations: Situations) -> NDArray[np.float32]:
        """(batch, titles) P(title | situation), each row sums to 1."""
        out = np.tile(self._known(), (len(situations), 1))
        for name in self.config.contexts:
            for b, value in enumerate(getattr(situations, name).tolist()):
                if (name, value) in self._values:
                    out[b] *= self._lifts[self._values[name, value]]
        out /= out.sum(axis=1, keepdims=True)
        return out

    def _known(self) -> NDArray[np.float32]:
        if self._shares is None:
            raise NotFitted("popularity was asked before it was fitted; call fit or load first")
        return self._shares

    def by_context(self, requests: Requests) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Shares of each distinct situation (distinct, titles), and which of them each request has (batch,)."""
        situations, row_of = requests.situations.distinct()
        return self.shares(situations), row_of

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles) log P(title | context)."""
        shares, row_of = self.by_context(requests)
        return np.log(shares)[row_of]

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """All -1: no title of a history speaks for a popular one."""
        return np.full(items.shape, -1, np.int32)

    def save(self, folder: Path) -> None:
        """Write shares, context factors and their names."""
        arrays = {"shares": self._known(), "lifts": self._lifts}
        storage.write(folder, self.config, arrays, values=[list(key) for key in self._values])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        dtypes = {"shares": np.float32, "lifts": np.float32}
        config, arrays, extra = storage.read(folder, PopularityConfig, dtypes, "values")
        scorer = cls(config)
        scorer._shares, scorer._lifts = arrays["shares"], arrays["lifts"]
        try:
            scorer._values = {(str(kind), int(value)): row for row, (kind, value) in enumerate(extra["values"])}
        except (TypeError, ValueError) as error:
            raise ArtifactRefused(f"{folder} has no list of context values: {error}; {storage.REMEDY}") from error
        if scorer._shares.ndim != 1 or scorer._lifts.shape != (len(scorer._values), len(scorer._shares)):
            raise ArtifactRefused(
                f"{folder} has shares of shape {scorer._shares.shape} and context factors of shape "
                f"{scorer._lifts.shape} for {len(scorer._values)} values; {storage.REMEDY}"
            )
        return scorer


def _shares(items: Int32s, weights: Doubles, n: int, smoothing: float) -> Doubles:
    """(n,) smoothed shares of likes; the smoothing follows the mean weight, so that only relative weights matter."""
    each = smoothing * (float(weights.mean()) if len(weights) else 1.0)
    counts = np.bincount(items, weights, minlength=n) + each
    return np.asarray(counts / counts.sum())


def _likes(data: TrainingData, config: PopularityConfig) -> pl.DataFrame:
    """Likes that count: member, item, weight and the codes of their contexts (null = unknown)."""
    likes = counted_likes(data.events, data.as_of)
    age = (data.as_of - likes["timestamp"].dt.epoch("us")) / DAY
    half_life = data.half_life_days if config.half_life_days == "learned" else config.half_life_days
    likes = likes.with_columns(pl.col("weight") * kept(-age.to_numpy(), half_life))
    if config.window_days is not None:
        likes = likes.filter(age <= config.window_days)
    where = situations_of(likes, data.clocks)
    known = {name: pl.Series(getattr(where, name), dtype=pl.Int16) for name in CONTEXTS}
    unknown = {name: -1 if name in ("weekday", "hour") else 0 for name in CONTEXTS}
    return likes.select("user_id", "item", "weight").with_columns(
        series.replace(unknown[name], None).alias(name) for name, series in known.items()
    )


def _likes_in(likes: pl.DataFrame, name: str) -> dict[int, tuple[NDArray[np.int32], NDArray[np.float64]]]:
    """Titles and weights of the likes in each of the commonest values of the context `name`, values ascending.

    A value of fewer than `LEAST_MEMBERS` members is nobody's.
    """
    known = likes.select(pl.col(name).alias("key"), "user_id", "item", "weight").drop_nulls()
    counts = known.group_by("key").agg(pl.len(), pl.col("user_id").n_unique().alias("members"))
    shared = counts.filter(pl.col("members") >= LEAST_MEMBERS)
    common = shared.sort("len", "key", descending=[True, False]).head(MOST_VALUES)
    parts = known.join(common.select("key"), on="key", how="semi").partition_by("key", as_dict=True)
    found = {int(key): part for (key,), part in parts.items()}
    return {key: (found[key]["item"].to_numpy(), found[key]["weight"].to_numpy()) for key in sorted(found)}

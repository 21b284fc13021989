"""Features of (request, title) rows: what the first stage says, how popular and how old, how near to the last plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.errors import ArtifactRefused
from matinee.events import DAY
from matinee.history import Histories, TrainingData
from matinee.likes import counted_likes
from matinee.maths.ragged import offsets_of, owners_of
from matinee.maths.sparse_dense import add_rows
from matinee.models.artifacts import storage
from matinee.models.content.features import title_features
from matinee.models.markov import latest

WINDOWS = (1.0, 7.0, 28.0, np.inf)  # days of popularity
LATEST = (1, 2, 5, 1_000)  # how many of the last liked titles a candidate is compared with
YEAR = 365.25 * DAY
UNKNOWN = np.iinfo(np.int64).min  # a title's age
GRID = 3  # decimals that are kept: a batch and a single request then take the same branches
PER_COMPONENT = ("z", "rank", "behind")
ABOUT_TITLES = ("likes_1d", "likes_7d", "likes_28d", "likes", "trend", "age")
RECENT = 5  # liked titles whose mean describes a member
ABOUT_REQUESTS = ("length", "gap", "country", "device", "hour", "weekday", "recent_likes", "recent_years")
ABOUT_BOTH = tuple(f"{name}_{k}" for k in LATEST for name in ("content", "genres", "likes", "years"))

ARRAYS: Mapping[str, type[np.generic]] = {
    "likes": np.float32,
    "arrived": np.int64,
    "content": np.float32,
    "genres": np.float32,
}

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Candidates:
    """The titles that a batch of requests chooses among: request k's are `items[offsets[k]:offsets[k + 1]]`."""

    offsets: NDArray[np.int64]
    items: NDArray[np.int64]

    @property
    def owners(self) -> NDArray[np.int64]:
        """(rows,) the request of each row."""
        return owners_of(self.offsets)

    @classmethod
    def best_of(cls, scores: list[Rows], histories: Histories, most: int) -> Self:
        """The union of the `most` best titles of each of `scores` (batch, titles), what the member knows left out."""
        wanted = np.zeros(scores[0].shape, np.bool_)
        known = known_titles(histories, scores[0].shape[1])
        for one in scores:
            left = np.where(known, -np.inf, one)
            kept = min(most, left.shape[1])
            np.put_along_axis(wanted, np.argpartition(-left, kept - 1, axis=1)[:, :kept], True, axis=1)
        owners, items = np.nonzero(wanted & ~known)
        return cls(offsets_of(np.bincount(owners, minlength=len(wanted))), items)


def known_titles(histories: Histories, n: int) -> NDArray[np.bool_]:
    """(batch, n) which titles each member watched, rated, thumbed or dismissed."""
    known = np.zeros((len(histories), n), np.bool_)
    owners = owners_of(histories.offsets)
    spoken = histories.speaking & (histories.items < n)
    known[owners[spoken], histories.items[spoken]] = True
    return known


def standardised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row (batch, titles) with mean 0 and deviation 1, on a grid; a row of equals is zeros."""
    wide = scores.astype(np.float64)
    wide -= wide.mean(axis=1, keepdims=True)
    spread = wide.std(axis=1, keepdims=True)
    return np.round(wide / np.where(spread > 1e-9, spread, np.inf), GRID).astype(np.float32)


def component_features(z: NDArray[np.float32], candidates: Candidates) -> Rows:
    """(rows, 3) a component's standardised score, its rank among the candidates from 0, and how far behind the best.

    `z` (rows,). Equals share the best of their ranks.
    """
    owners, starts = candidates.owners, candidates.offsets[:-1]
    order = np.lexsort((-z, owners))
    place = np.arange(len(z))
    new = np.append(True, (np.diff(z[order]) != 0) | (np.diff(owners[order]) != 0))[: len(z)]
    first = np.maximum.accumulate(np.where(new, place, 0))
    rank = np.empty(len(z), np.float32)
    rank[order] = first - starts[owners[order]]
    filled = starts[np.diff(candidates.offsets) > 0]
    best = np.maximum.reduceat(z, filled) if len(z) else z
    behind = np.repeat(best, np.diff(candidates.offsets)[np.diff(candidates.offsets) > 0]) - z
    return np.stack([z, rank, np.round(behind, GRID)], axis=1).astype(np.float32)


@dataclass(frozen=True)
class TitleFacts:
    """What is known of titles when the second stage is fitted.

    `likes` (windows, titles) log(1 + likes) of the last `WINDOWS` days; `arrived` (titles,) microsecond of release,
    else of availability, `UNKNOWN` where neither is told; `content` and `genres` (titles, features) rows of length 1 or
    0.
    """

    likes: NDArray[np.float32]
    arrived: NDArray[np.int64]
    content: NDArray[np.float32]
    genres: NDArray[np.float32]

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Count likes as of `data.as_of` and encode the catalogue."""
        n = len(data.catalog)
        likes = counted_likes(data.events, data.as_of)
        items, weights = likes["item"].to_numpy(), likes["weight"].to_numpy()
        age = (data.as_of - likes["timestamp"].dt.epoch("us").to_numpy()) / DAY
        counts = [np.bincount(items[age <= window], weights[age <= window], minlength=n) for window in WINDOWS]
        content = _unit(title_features(data.catalog))
        return cls(np.log1p(counts).astype(np.float32), _arrived(data.catalog), content, _unit(_genres(data.catalog)))

    @property
    def n_titles(self) -> int:
        """Number of titles it was fitted on."""
        return len(self.arrived)

    @property
    def years(self) -> NDArray[np.float64]:
        """(titles,) years of release since 1970, NaN where unknown."""
        return np.where(self.arrived == UNKNOWN, np.nan, self.arrived / YEAR)

    def features(self, requests: Requests, candidates: Candidates) -> Rows:
        """(rows, features) in the order of `ABOUT_TITLES`, `ABOUT_REQUESTS`, `ABOUT_BOTH`; NaN = unknown."""
        owners, items, held = candidates.owners, candidates.items, requests.histories
        about_titles = self._about_titles(requests.times[owners], items)
        near = [self.near(held, last, owners, items) for last in LATEST]
        return np.hstack([about_titles, self._about_requests(requests)[owners], *near])

    def _about_titles(self, times: NDArray[np.int64], items: NDArray[np.int64]) -> Rows:
        known = self.arrived[items] != UNKNOWN
        age = np.where(known, (times - np.where(known, self.arrived[items], 0)) / DAY, np.nan)
        trend = self.likes[1, items] - self.likes[2, items]
        return np.column_stack([*self.likes[:, items], trend, np.round(age, 1)]).astype(np.float32)

    def _about_requests(self, requests: Requests) -> Rows:
        held = requests.histories
        last = np.append(held.times, 0)[held.offsets[1:] - 1]
        days = np.where(np.diff(held.offsets) > 0, np.maximum(requests.times - last, 0) / DAY, np.nan)
        now = requests.situations
        where = np.column_stack([now.country, now.device, now.hour, now.weekday]).astype(np.float32)
        means = self._means(held, RECENT)
        return np.column_stack([np.log1p(held.tastes.lengths), np.log1p(days), where, means]).astype(np.float32)

    def near(self, held: Histories, last: int, owners: NDArray[np.int64], items: NDArray[np.int64]) -> Rows:
        """(rows, 4) candidates beside the `last` liked titles: cosines of content and genres, log likes, years."""
        tastes = [self._mean(held, last, vectors) for vectors in (self.content, self.genres)]
        cosines = [
            (mine @ theirs.T)[owners, items] for mine, theirs in zip(tastes, (self.content, self.genres), strict=True)
        ]
        own = np.column_stack([self.likes[-1], self.years])[items]
        return np.round(np.column_stack([*cosines, own - self._means(held, last)[owners]]), GRID).astype(np.float32)

    def _means(self, held: Histories, last: int) -> NDArray[np.float32]:
        """(batch, 2) mean log likes and mean release year of the `last` liked titles, NaN where there is none."""
        years = self.years
        dated = np.isfinite(years)
        table = np.column_stack([np.ones(len(years)), self.likes[-1], dated, np.where(dated, years, 0.0)])
        any_of, likes, share, total = self._mean(held, last, table.astype(np.float32)).T
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.round(np.stack([likes / any_of, total / share], axis=1), GRID)

    def _mean(self, held: Histories, last: int, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """(batch, columns) the mean of the `last` liked titles' rows, zeros where there is none."""
        offsets, items, weights = latest(held, self.n_titles, last)
        out = np.zeros((len(held), table.shape[1]), np.float32)
        add_rows(offsets, items, weights, table, out, 1)
        return out / np.maximum(np.diff(offsets), 1).astype(np.float32)[:, None]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], folder: Path) -> Self:
        """Facts out of the arrays of `vars(facts)`; raises `ArtifactRefused` where their shapes do not fit together."""
        facts = cls(**{name: arrays[name] for name in ARRAYS})
        n = len(facts.arrived)
        if facts.likes.shape != (len(WINDOWS), n) or not len(facts.content) == len(facts.genres) == n:
            raise ArtifactRefused(f"{folder} does not hold facts of {n:,} titles; {storage.REMEDY}")
        return facts


def _arrived(catalog: Catalog) -> NDArray[np.int64]:
    first = catalog.titles.select(pl.coalesce("released", "available_from").cast(pl.Int64)).to_series()
    return first.fill_null(UNKNOWN).to_numpy()


def _genres(catalog: Catalog) -> NDArray[np.float32]:
    has = np.zeros((len(catalog), max(1, len(catalog.genres))), np.float32)
    lists = catalog.title_genres
    has[owners_of(lists.offsets), lists.values] = 1.0
    return has


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0), np.float32)

"""Marginals: how near one log of events comes to another in popularity, activity, hours and concentration of taste."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from matinee.catalog import Catalog
from matinee.clock import Clocks
from matinee.data.genres import genre_shares
from matinee.events import liked
from matinee.maths.arrays import Doubles

POINTS = np.linspace(0.0, 1.0, 201)  # at which two curves are compared
MOST = 12  # likes of a member that tell a concentration: it falls with their number


@dataclass(frozen=True, slots=True)
class Marginal:
    """One number in the source and in the world, and how far the whole curve behind it is apart, 0 to 1.

    popularity     Gini coefficient of likes over titles; the largest gap between the Lorenz curves
    activity       Gini coefficient of events over members; the largest gap between the Lorenz curves
    hours          the largest share of an hour of the week; half the summed differences of all 168 (total variation)
    concentration  mean over members of the sum over genres of share²; the difference
    """

    name: str
    source: float
    world: float
    distance: float


def marginals(source: pl.DataFrame, world: pl.DataFrame, catalog: Catalog) -> tuple[Marginal, ...]:
    """Compare two frames of events (`events.SCHEMA`) about titles of one catalogue.

    The larger is thinned to as many likes as the smaller has, for few likes look more unequal than many.
    """
    likes = [one.filter(liked()) for one in (source, world)]
    n = min(one.height for one in likes)
    both = [one.sample(n, seed=0) for one in likes]
    titles = [_lorenz(_counts(one, "item_id", len(catalog))) for one in both]
    members = [_lorenz(_counts(one, "user_id")) for one in both]
    hours = [plays_by_hour(one) for one in likes]
    tastes = [_concentration(one, catalog) for one in likes]
    return (
        Marginal("popularity", _gini(titles[0]), _gini(titles[1]), _gap(titles)),
        Marginal("activity", _gini(members[0]), _gini(members[1]), _gap(members)),
        Marginal("hours", float(hours[0].max()), float(hours[1].max()), float(np.abs(hours[0] - hours[1]).sum() / 2)),
        Marginal("concentration", tastes[0], tastes[1], abs(tastes[0] - tastes[1])),
    )


def plays_by_hour(events: pl.DataFrame) -> Doubles:
    """(7, 24) the share of events by weekday and hour, UTC; every hour as if it had seen one more."""
    clock = Clocks().read(events).filter(pl.col("hour") >= 0)
    counts = np.bincount(clock["weekday"].to_numpy() * 24 + clock["hour"].to_numpy(), minlength=168) + 1.0
    return np.asarray((counts / counts.sum()).reshape(7, 24))


def concentration(genres: sparse.csr_matrix) -> float:
    """The mean over members of the sum over genres of share², `genres` (members, genres) what each likes of each."""
    dense = np.asarray(genres.todense(), np.float64)
    some = dense[dense.sum(axis=1) > 0]
    return float(np.square(some / some.sum(axis=1, keepdims=True)).sum(axis=1).mean()) if len(some) else np.nan


def _counts(events: pl.DataFrame, column: str, among: int = 0) -> Doubles:
    """Events by title or member, with zeros for titles that nobody liked."""
    counts = events[column].value_counts()["count"].to_numpy().astype(np.float64)
    return np.pad(counts, (0, max(0, among - len(counts))))


def _lorenz(counts: Doubles) -> Doubles:
    """The share of all that the least `POINTS` of titles or members have."""
    running = np.append(0.0, np.cumsum(np.sort(counts)))
    return np.asarray(np.interp(POINTS, np.linspace(0, 1, len(running)), running / max(running[-1], 1.0)))


def _gap(curves: list[Doubles]) -> float:
    return float(np.abs(curves[0] - curves[1]).max())


def _gini(lorenz: Doubles) -> float:
    return float(1.0 - 2.0 * np.trapezoid(lorenz, POINTS))


def _concentration(events: pl.DataFrame, catalog: Catalog) -> float:
    """That of members with enough likes, of the first `MOST` of each."""
    likes = events.sort("timestamp").group_by("user_id", maintain_order=True).head(MOST)
    enough = likes.filter(pl.len().over("user_id") >= MOST)
    members = enough["user_id"].rank("dense").to_numpy().astype(np.int64) - 1
    items = catalog.spoken_for(enough["item_id"])
    matrix = sparse.csr_matrix(
        (np.ones(len(items)), (members, items)), (int(members.max(initial=-1)) + 1, len(catalog))
    )
    return concentration(matrix @ genre_shares(catalog))

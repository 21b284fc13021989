"""Exposures: which titles each member saw or found, what they liked of them, and how likely it was that they would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl

from matinee.history import TrainingData
from matinee.maths.arrays import Doubles, Flags, Int32s
from matinee.maths.propensities import logistic, of_ratio, popularity_power

OPEN = ("search", "link")  # sources of what members found by themselves: the open loop
LEAST = 1e-6  # propensity


@dataclass(frozen=True)
class Exposures:
    """The pairs of a member (row of `TrainingData.user_ids`) and a title that met, each once.

    members, titles  (pairs,)
    liked            (pairs,) whether the title is a taste of the member
    found            (pairs,) whether the member found it by search or a link and was never shown it: nobody's bias
    shape            members, titles of the catalogue
    """

    members: Int32s
    titles: Int32s
    liked: Flags
    found: Flags
    shape: tuple[int, int]

    @property
    def in_vain(self) -> bool:
        """Whether anything that was seen was not liked: else nothing is known of what was seen at all."""
        return not bool(self.liked.all())


Propensities = Callable[[TrainingData, Exposures], Doubles]  # (pairs,) in (0, 1], 1 of what was found


@runtime_checkable
class Corrects(Protocol):
    """A scorer that learns from exposures. `propensities`: how they are told, None = `by_default`."""

    propensities: Propensities | None


def open_loop() -> pl.Expr:
    """Whether an event happened where nobody recommended: its source is search or a link, and it names no decision."""
    return (pl.col("source").is_in(OPEN) & pl.col("decision_id").is_null()).fill_null(False)


def exposures_of(data: TrainingData) -> Exposures:
    """What members saw: every title that an event of theirs names, looks (impressions) included."""
    places = pl.DataFrame({"user_id": data.user_ids}, schema={"user_id": pl.String}).with_row_index("member")
    pairs = (
        data.events.join(places, on="user_id", how="inner", maintain_order="left")
        .group_by("member", "item", maintain_order=True)
        .agg(open_loop().all().alias("found"))
        .sort("member", "item")
    )
    members, titles = (pairs[name].cast(pl.Int32).to_numpy() for name in ("member", "item"))
    n = len(data.catalog)
    tastes = data.matrix.tocoo()
    at = np.sort(tastes.row.astype(np.int64) * n + tastes.col)
    liked = np.isin(members.astype(np.int64) * n + titles, at)
    return Exposures(members, titles, liked, pairs["found"].to_numpy(), (len(data.user_ids), n))


def by_counts(data: TrainingData, exposures: Exposures) -> Doubles:
    """How many titles each member saw and how many members each title (`maths.propensities.logistic`)."""
    members, titles = exposures.shape
    by_member = np.bincount(exposures.members, minlength=members)
    b, c = logistic(by_member, np.bincount(exposures.titles, minlength=titles))
    chance = 1 / (1 + np.exp(-(b[exposures.members] + c[exposures.titles])))
    return of_found(np.clip(chance, LEAST, 1.0), exposures)


def by_popularity(power: float = 0.5) -> Propensities:
    """(likes of the title / most)^power (`maths.propensities.popularity_power`): where nothing tells what was seen."""

    def told(data: TrainingData, exposures: Exposures) -> Doubles:
        counts = np.bincount(exposures.titles[exposures.liked], minlength=exposures.shape[1])
        return of_found(popularity_power(counts, power)[exposures.titles], exposures)

    return told


def by_ratio(data: TrainingData, exposures: Exposures) -> Doubles:
    """Plays where titles are shown over plays from search and links, by title (`maths.propensities.of_ratio`).

    Raises `BadRequest` where there is no play from search or a link.
    """
    plays = data.events.filter(pl.col("kind") == "play").select("item", open_loop().alias("found"))
    found, n = plays["found"].to_numpy(), exposures.shape[1]
    shown, sought = (np.bincount(plays["item"].to_numpy()[which], minlength=n) for which in (~found, found))
    return of_found(of_ratio(shown, sought)[exposures.titles], exposures)


def by_default(data: TrainingData, exposures: Exposures) -> Doubles:
    """By counts of looks; by popularity where the log tells of no look in vain."""
    told = by_counts if exposures.in_vain else by_popularity()
    return told(data, exposures)


def of_found(propensities: Doubles, exposures: Exposures) -> Doubles:
    """(pairs,) the same, but 1 for what members found by themselves."""
    return np.where(exposures.found, 1.0, propensities)

"""Looks: what members did with what a service showed them, per look, by where and how it was shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.shown_choices import STANDS_FOR
from matinee.evaluate.results import Estimate
from matinee.events import DAY, Rejections
from matinee.maths.intervals import clustered_share

NEW_DAYS = 60  # days since it became available during which a title is new
BINS = 10  # of the table of calibration
PLACES = ((0, "1"), (1, "2"), (2, "3"), (3, "4 to 6"), (6, "7 to 10"), (10, "11 and beyond"))  # from this index on
METHOD = (
    "A look: a title became visible at a place, or was acted on there. What was shown and never seen does not count.",
    "An answer counts for the decision and place that it names, else for the latest decision that shows its title to "
    "that member; each look has the answer that rewards it most.",
    "Intervals are 95 % over members: however often a member looks, they are one member.",
    "Where the log was thinned, a look counts for as many as its decision stands for; numbers of looks are the log's.",
    "Groups differ in who looks and what stands there. Only where chance decided is a difference also an effect.",
)


@dataclass(frozen=True, slots=True)
class Share:
    """One group of looks: how many, by how many members, and the reward per look (0..1) with its interval."""

    name: str
    looks: int
    members: int
    rate: Estimate


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The looks by one property, a group a line; `about` says what the property is."""

    name: str
    about: str
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Bin:
    """Looks at titles of about the same score: the mean score, and what came of them."""

    predicted: float
    share: Share


@dataclass(frozen=True, slots=True)
class Looks:
    """What became of a service's decisions: all looks, breakdowns, calibration of the scores.

    `reward` names what is counted within `days` of a decision. `unfinished` looks are younger than that. `since` and
    `until` are days (ISO), None where nothing was decided.
    """

    reward: str
    days: float
    decisions: int
    shown: int
    unfinished: int
    since: str | None
    until: str | None
    whole: Share
    breakdowns: tuple[Breakdown, ...]
    calibration: tuple[Bin, ...]
    left_out: Rejections


def looks_of(
    shown: pl.DataFrame, catalog: Catalog, reward: str, days: float, now: int, left_out: Rejections | None = None
) -> Looks:
    """Looks per group out of titles shown with their outcomes (`data.outcomes.with_outcomes`, a reward within 0..1).

    Titles shown to nobody known are no member's and count in `shown` only. `now` in microseconds since 1970, UTC.
    """
    looked = shown.filter(pl.col("examined") & (pl.col("user_id") != ""))
    looked = looked.with_columns(_age(looked, catalog))
    since, until = _days(shown)
    return Looks(
        reward=reward,
        days=days,
        decisions=shown["decision_id"].n_unique(),
        shown=shown.height,
        unfinished=looked.filter(pl.col("time") + round(days * DAY) > now).height,
        since=since,
        until=until,
        whole=share_of("all", looked),
        breakdowns=tuple(_breakdowns(looked)),
        calibration=tuple(_calibration(looked)),
        left_out=left_out or Rejections(),
    )


def _age(looked: pl.DataFrame, catalog: Catalog) -> pl.Series:
    """Whether each title was new when it was shown."""
    arrived = catalog.arrived[looked["item"].to_numpy()]
    new = arrived > looked["time"].to_numpy() - NEW_DAYS * DAY
    unknown = arrived == np.iinfo(np.int64).min
    return pl.Series("age", np.select([unknown, new], ["of no known date", "new"], "older"), pl.String)


def _place(column: str) -> pl.Expr:
    """In words that people use, who count from 1; in the order of the page."""
    named = [pl.when(pl.col(column) >= start).then(pl.lit(name)) for start, name in reversed(PLACES)]
    return pl.coalesce(named).cast(pl.Enum([name for _, name in PLACES]))


def _text(column: str, unknown: str) -> pl.Expr:
    return pl.col(column).fill_null(unknown)


_EXPLORED = pl.col("exploration").round(6).cast(pl.String).str.strip_suffix(".0").fill_null("the policy's own")
_PROPERTIES: Mapping[str, tuple[str, pl.Expr, bool]] = {  # what it says, the group of a look, most looks first
    "Surface": ("where in the service", pl.col("surface"), True),
    "Kind of row": ("what the row promised", _text("row_kind", "in no row").str.replace_all("_", " "), True),
    "Row": ("counted from the top", _place("row"), False),
    "Column": ("counted from the start of the row", _place("column"), False),
    "Policy": ("who chose the title", pl.col("policy"), True),
    "Exploration": ("0 = always the best page, 1 = drawn in proportion to worth", _EXPLORED, False),
    "Device": ("as the request told it", _text("device", "not told"), True),
    "Title": (f"new = available for at most {NEW_DAYS} days when it was shown", pl.col("age"), True),
}


def _breakdowns(looked: pl.DataFrame) -> Iterator[Breakdown]:
    for name, (about, group, by_looks) in _PROPERTIES.items():
        parts = looked.with_columns(group.alias("group")).sort("group", maintain_order=True)
        shares = [share_of(part["group"][0], part) for part in parts.partition_by("group", maintain_order=True)]
        if by_looks:
            shares.sort(key=lambda share: -share.looks)
        yield Breakdown(name, about, tuple(shares))


def _calibration(looked: pl.DataFrame) -> Iterator[Bin]:
    """Looks in bins of equal size by score; equal scores share a bin, so that there may be fewer."""
    if looked.is_empty():
        return
    edges = np.unique(np.quantile(looked["score"].to_numpy(), np.linspace(0, 1, BINS + 1)[1:-1]))
    binned = looked.with_columns(pl.Series("bin", np.searchsorted(edges, looked["score"].to_numpy(), side="left")))
    for part in binned.sort("bin", maintain_order=True).partition_by("bin", maintain_order=True):
        scores = part["score"].to_numpy().astype(np.float64)
        mean = float(np.average(scores, weights=part.select(STANDS_FOR).to_series()))
        yield Bin(mean, share_of(f"{scores.min():.3f} to {scores.max():.3f}", part))


def share_of(name: str, looked: pl.DataFrame) -> Share:
    """The reward per look of a group; `looked` has the columns user_id and reward."""
    reward = pl.col("reward").cast(pl.Float64) * STANDS_FOR
    members = looked.group_by("user_id", maintain_order=True).agg(
        reward.sum().alias("total"), STANDS_FOR.sum().alias("count")
    )
    rate = Estimate(*clustered_share(members["total"].to_numpy(), members["count"].to_numpy()))
    return Share(name, looked.height, members.height, rate)


def _days(shown: pl.DataFrame) -> tuple[str | None, str | None]:
    """The first and last day of decisions, UTC."""
    day = pl.from_epoch("time", "us").dt.date().cast(pl.String)
    first, last = shown.select(day.min().alias("first"), day.max().alias("last")).row(0)
    return first, last

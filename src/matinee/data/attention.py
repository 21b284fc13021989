"""Attention out of the log: how the members of a service look at its pages, on each kind of screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass

import numpy as np
import polars as pl

from matinee.data.seen import days_of, screens_of
from matinee.data.shown_choices import STANDS_FOR
from matinee.maths.arrays import Doubles
from matinee.maths.attention import Counts, fit_attention
from matinee.page import SCREENS, Attention, Layout, Layouts, Screen

PAGES = 500  # that were looked at, below which a screen keeps its prior
MEMBERS = 30  # who looked at them


@dataclass(frozen=True, slots=True)
class AttentionFit:
    """The attention of one kind of screen out of so many `pages` of so many `members` on these `days` (first, last).

    `low` and `high` are 95 % intervals over members; both None where there are too few and `attention` is the prior.
    """

    attention: Attention
    pages: int
    members: int
    days: tuple[str, str] | None = None
    low: Attention | None = None
    high: Attention | None = None

    @property
    def fitted(self) -> bool:
        """Whether the service's own pages say it."""
        return self.low is not None

    def __str__(self) -> str:
        seen = f"{self.pages:,} pages of {self.members:,} members"
        if self.low is None or self.high is None or self.days is None:
            return f"prior: {seen} were looked at, needs {PAGES:,} pages of {MEMBERS}"
        names = ("next row", "next column", "next screen")
        parts = zip(names, *map(astuple, (self.attention, self.low, self.high)), strict=True)
        said = ", ".join(f"{name} {value:.3f} ({low:.3f} to {high:.3f})" for name, value, low, high in parts)
        return f"{said}; {seen}, {self.days[0]} to {self.days[1]}"


def attentions(pages: pl.DataFrame, priors: Layouts = Layouts()) -> dict[Screen, AttentionFit]:
    """The attention of every kind of screen out of `data.seen.seen_pages`, by `maths.attention.fit_attention`."""
    return {screen: _fit(pages.filter(pl.col("screen") == screen), priors.of(screen)) for screen in SCREENS}


def layouts_of(fits: Mapping[Screen, AttentionFit]) -> Layouts:
    """The layouts of a service whose pages are looked at like that."""
    return Layouts().with_attention({screen: fit.attention for screen, fit in fits.items() if fit.fitted})


def chances(pages: pl.DataFrame, layouts: Layouts) -> Doubles:
    """(lines,) how likely each place of `pages` is looked at, by the attention of its screen."""
    decays = {screen: np.log(astuple(layouts.of(screen).attention)) for screen in SCREENS}
    each = np.array([decays[screen] for screen in pages["screen"]]).reshape(-1, 3)
    return np.asarray(np.exp((each * _exponents(pages)).sum(axis=1)))


def with_attention(shown: pl.DataFrame, layouts: Layouts) -> pl.DataFrame:
    """Titles as shown (`data.shown_choices`), each with its `screen` and the `attention` to its place: how likely that
    is looked at. A title that stands in no row or column stands first.
    """
    placed = shown.with_columns(screens_of(shown["device"]), pl.col("row", "column").clip(0))
    return placed.with_columns(pl.Series("attention", chances(placed, layouts)))


def _fit(pages: pl.DataFrame, prior: Layout) -> AttentionFit:
    count, members = pages["decision_id"].n_unique(), pages["user_id"].n_unique()
    if count < PAGES or members < MEMBERS:
        return AttentionFit(prior.attention, count, members)
    found = fit_attention(*_counted(pages), np.array(astuple(prior.attention)), _places(prior))
    value, low, high = (Attention(*map(float, decays)) for decays in found)
    return AttentionFit(value, count, members, days_of(pages["time"]), low, high)


def _counted(pages: pl.DataFrame) -> tuple[Doubles, Counts]:
    """The exponents of every place, and how often each member was shown it and saw it, as often as decisions count."""
    lines = pages.with_columns(pl.Series("screens", _exponents(pages)[:, 2]))
    place = ("row", "column", "screens")
    shown = STANDS_FOR.sum().alias("shown"), (pl.col("seen") * STANDS_FOR).sum().alias("seen")
    each = lines.group_by("user_id", *place, maintain_order=True).agg(*shown)
    places = each.select(place).unique(maintain_order=True).with_row_index("place")
    each = each.join(places, on=place, how="left", maintain_order="left")
    counts = Counts(
        each["user_id"].rank("dense").cast(pl.Int64).to_numpy(),
        each["place"].cast(pl.Int64).to_numpy(),
        each["shown"].cast(pl.Float64).to_numpy(),
        each["seen"].cast(pl.Float64).to_numpy(),
    )
    return places.select(place).cast(pl.Float64).to_numpy(), counts


def _exponents(pages: pl.DataFrame) -> Doubles:
    """(lines, 3) rows above each title, columns before it, and screens to scroll past."""
    screens = pl.col("column") // pl.col("visible")
    return pages.select(pl.col("row", "column"), screens.alias("screens")).cast(pl.Float64).to_numpy()


def _places(layout: Layout) -> Doubles:
    """(places, 3) the same of every place of a layout."""
    row, column = (axis.ravel() for axis in np.indices((layout.rows, layout.columns)))
    return np.stack([row, column, column // layout.visible], axis=1).astype(np.float64)

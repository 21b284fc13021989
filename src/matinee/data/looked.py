"""Looks for learning: titles that members looked at, what came of them, and how much each counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from matinee.data.attention import AttentionFit, chances, layouts_of
from matinee.data.from_decisions import PropensityFit
from matinee.data.seen import WINDOW, days_of
from matinee.data.shown_choices import STANDS_FOR
from matinee.maths.arrays import Doubles, Floats, Int32s, Int64s
from matinee.maths.ragged import gather
from matinee.page import Layouts, Screen

LOOKS = 2_000  # below which a calibration is not learned from them
MEMBERS = 100  # who looked
WEIGHT = 20.0  # of one look, at most: what is looked at less often than 1 in 20 counts as if it were that


@dataclass(frozen=True)
class Looks:
    """Looks of decisions: decision k was made for `user_ids[k]` at `times[k]` and owns `offsets[k]:offsets[k + 1]`.

    times    (decisions,) microseconds since 1970
    items    (looks,) titles, dense
    rewards  (looks,) what came of each, 0..1
    weights  (looks,) 1 / P(its place is looked at), `WEIGHT` at most, times the decisions that its own stands for: so
             the looks stand for all that was shown
    """

    user_ids: pl.Series
    times: Int64s
    offsets: Int64s
    items: Int32s
    rewards: Floats
    weights: Doubles

    @property
    def enough(self) -> bool:
        """Whether a calibration can be learned from them."""
        return len(self.items) >= LOOKS and self.user_ids.n_unique() >= MEMBERS

    def take(self, decisions: Int64s) -> Looks:
        """The looks of these decisions, in this order."""
        offsets, places = gather(self.offsets, decisions)
        lines = {name: getattr(self, name)[places] for name in ("items", "rewards", "weights")}
        return Looks(self.user_ids.gather(decisions), self.times[decisions], offsets, **lines)

    def since(self, moment: int) -> Looks:
        """Those of decisions at or after a moment."""
        return self.take(np.flatnonzero(self.times >= moment))


@dataclass(frozen=True, slots=True)
class LooksFit:
    """What a calibration had to learn from: so many finished `looks` of `members` on `days` (first,
    last), worth as much as `effective` looks that count alike.

    `slope` and `intercept` are 95 % intervals over members; both None where there were too few.
    """

    looks: int
    members: int
    effective: float
    days: tuple[str, str] | None = None
    slope: tuple[float, float] | None = None
    intercept: tuple[float, float] | None = None

    @property
    def fitted(self) -> bool:
        """Whether the calibration was learned from them."""
        return self.slope is not None

    def __str__(self) -> str:
        seen = f"{self.looks:,} looks of {self.members:,} members"
        if not self.fitted or self.days is None:
            return f"prior: {seen}, needs {LOOKS:,} looks of {MEMBERS}"
        return f"{seen}, worth {self.effective:,.0f} that count alike, {self.days[0]} to {self.days[1]}"


@dataclass(frozen=True)
class FromLooks:
    """What a training took from how members looked at its service's pages; of each, whether it is the prior."""

    attention: Mapping[Screen, AttentionFit] = field(default_factory=dict)
    calibration: LooksFit | None = None
    propensities: PropensityFit | None = None

    @property
    def layouts(self) -> Layouts:
        """The layouts of each kind of screen, looked at as was fitted, else as the prior says."""
        return layouts_of(self.attention)

    @property
    def words(self) -> list[tuple[str, str]]:
        """What each thing is, and out of how much it was learned."""
        named = ("calibration", self.calibration), ("propensities", self.propensities)
        said = [(name, str(one)) for name, one in named if one is not None]
        said += [(f"attention, {screen}", str(fit)) for screen, fit in self.attention.items() if fit.pages]
        unseen = ", ".join(screen for screen, fit in self.attention.items() if not fit.pages)
        return [*said, ("attention", f"prior on {unseen}: no page was looked at")] if unseen else said


def looks_of(pages: pl.DataFrame, layouts: Layouts, now: int) -> Looks:
    """The looks of `data.seen.seen_pages` whose time for answers was over at `now` (microseconds since 1970)."""
    over = pl.col("time") + round(WINDOW * 1e6) <= now
    looked = pages.filter(pl.col("seen") & over).sort("time", "decision_id", maintain_order=True)
    heads = looked.group_by("decision_id", maintain_order=True).agg(pl.len(), pl.col("user_id", "time").first())
    return Looks(
        heads["user_id"],
        heads["time"].to_numpy(),
        np.append(0, np.cumsum(heads["len"].to_numpy())).astype(np.int64),
        looked["item"].to_numpy(),
        looked["reward"].to_numpy(),
        np.minimum(1 / chances(looked, layouts), WEIGHT) * looked.select(STANDS_FOR).to_series().to_numpy(),
    )


def effective(weights: Doubles) -> float:
    """How many looks that count alike these are worth: (sum w)^2 / sum w^2 (Kish 1965); 0 of none."""
    return float(weights.sum() ** 2 / np.square(weights).sum()) if len(weights) else 0.0


def fit_of(looks: Looks) -> LooksFit:
    """What `looks` are, before anything is learned from them."""
    days = days_of(pl.Series(looks.times, dtype=pl.Int64))
    return LooksFit(len(looks.items), looks.user_ids.n_unique(), effective(looks.weights), days)

"""How likely members were to see what decisions showed them: exposure propensities out of a service's own log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from matinee.data.attention import with_attention
from matinee.data.exposures import LEAST, Exposures, Propensities, by_default, exposures_of, of_found
from matinee.data.shown_choices import SHOWN
from matinee.errors import BadData
from matinee.history import TrainingData
from matinee.maths.arrays import Doubles
from matinee.page import Layouts

CERTAIN = 1 - 1e-9  # probability, from which on nothing was left to chance
_PAIR, _ROW, _SURFACE = ("user_id", "surface", "item"), ("decision_id", "row"), ("user_id", "surface")


@dataclass(frozen=True)
class Decided:
    """The `chance` in (0, 1] that a member saw a title that decisions showed: `pairs` of user_id and
    item, each once.
    """

    pairs: pl.DataFrame

    @classmethod
    def of(cls, shown: Iterable[pl.DataFrame], layouts: Layouts = Layouts()) -> Self:
        """Out of frames as `data.shown_choices` gives them, a decision whole in one of them.

        A title that was drawn with p < 1 at a place that is looked at with a, one of K in its row, is
        seen in that decision with

            q = p a + (1 - p) (1 - (1 - p)^(K - 1)) a'

        where a' is the mean of the row's other places, at which it may have stood as well. Decisions
        that draw a title are met in proportion to q, so that their harmonic mean is the mean over all D
        decisions of that member and surface (size-biased sampling). Where the 1 / q differ, with a
        coefficient of variation v, the title was drawn in several ways that one q does not tell: the
        mean is then taken with the looks that were counted, sum a / D, which weigh v². Where nothing
        was left to chance, q = a of the decisions that showed it. P(missed) = (1 - q)^D prod (1 - a).

        Exact for single titles under one policy; near it in rows, which are taken as given, as is what
        stands before. A thinned log tells of members some of whose decisions it thinned and kept, and of
        no others: of theirs it may have lost some.
        """
        each = [_sums(frame, layouts) for frame in (pl.DataFrame(schema=SHOWN), *shown)]
        pairs = pl.concat([one for one, _ in each]).group_by(_PAIR).sum()
        asked = _whole(pl.concat([one for _, one in each]).group_by(_SURFACE).sum())
        missed = pl.col("certain").exp() * (1 - _mean_chance()) ** pl.col("decisions")
        told = pairs.join(asked, on=_SURFACE).group_by("user_id", "item").agg((1 - missed.product()).alias("chance"))
        return cls(told)

    def told(self, data: TrainingData, exposures: Exposures) -> Doubles:
        """(pairs,) the chances, NaN for pairs that no decision showed."""
        users = pl.Series("user_id", data.user_ids, pl.String).gather(exposures.members)
        met = pl.DataFrame([users, pl.Series("item", exposures.titles)])
        found = met.join(self.pairs, on=["user_id", "item"], how="left", maintain_order="left")["chance"]
        return np.asarray(np.clip(found.fill_null(np.nan).to_numpy(), LEAST, 1.0))


def by_decisions(shown: pl.DataFrame, layouts: Layouts = Layouts()) -> Propensities:
    """P(seen) out of `shown`, see `Decided.of`. Raises `BadData` for a pair that no decision explains."""
    decided = Decided.of([shown], layouts)

    def told(data: TrainingData, exposures: Exposures) -> Doubles:
        found = decided.told(data, exposures)
        unknown = np.isnan(found) & ~exposures.found
        if unknown.any():
            k = int(unknown.argmax())
            user_id, item = data.user_ids[exposures.members[k]], int(exposures.titles[k])
            raise BadData(
                f"{user_id} met {data.catalog.item_ids[item]} and no decision given here showed it; give all "
                "decisions, or take `by_log`, which estimates the rest"
            )
        return of_found(found, exposures)

    return told


def by_log(decided: Decided) -> Propensities:
    """1 for what members found by themselves, else by decisions, else by default: `exposures.by_default`."""

    def told(data: TrainingData, exposures: Exposures) -> Doubles:
        found = decided.told(data, exposures)
        return of_found(np.where(np.isnan(found), by_default(data, exposures), found), exposures)

    return told


@dataclass(frozen=True, slots=True)
class PropensityFit:
    """Where the propensities of a training came from: of `pairs` of a member and a title that met, how many were
    `found` by the member, how many decisions of the log explain (`decided`); the rest `by` counts or popularity.
    """

    pairs: int
    found: int
    decided: int
    by: str

    @classmethod
    def of(cls, data: TrainingData, decided: Decided) -> Self:
        """Of what `by_log(decided)` tells of this data."""
        met = exposures_of(data)
        known = ~np.isnan(decided.told(data, met)) & ~met.found
        by = "counts of looks" if met.in_vain else "popularity, for want of looks"
        return cls(len(met.titles), int(met.found.sum()), int(known.sum()), by)

    def __str__(self) -> str:
        rest = self.pairs - self.found - self.decided
        return (
            f"{self.pairs:,} pairs met: {self.found:,} found by search or link, {self.decided:,} by logged decisions, "
            f"{rest:,} by {self.by}"
        )


def _whole(asked: pl.DataFrame) -> pl.DataFrame:
    """The members of whom the log holds all decisions: all, or where it was thinned those whom it kept."""
    kept = asked.filter(pl.col("thinned") > 0)["user_id"].unique()
    return asked.filter(pl.col("user_id").is_in(kept.implode())) if len(kept) else asked


def _sums(shown: pl.DataFrame, layouts: Layouts) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Of each pair and surface how often it was `drawn`, the sums of 1 / q (`inverse`), of their `squares` and of a
    (`looks`), and log prod (1 - a) of where it stood for `certain`; of each member and surface the `decisions`, and
    how many titles were of `thinned` ones.
    """
    known = with_attention(shown.filter(pl.col("user_id") != ""), layouts)
    lines = known.with_columns(pl.col("attention").alias("a"), pl.col("log_prob").exp().clip(LEAST, 1.0).alias("p"))
    certain, inverse = pl.col("p") >= CERTAIN, 1 / pl.col("q")
    pairs = (
        lines.with_columns(_seen().alias("q"))
        .group_by(_PAIR)
        .agg(
            (~certain).sum().cast(pl.Int64).alias("drawn"),
            inverse.filter(~certain).sum().alias("inverse"),
            (inverse**2).filter(~certain).sum().alias("squares"),
            pl.col("a").filter(~certain).sum().alias("looks"),
            (1 - pl.col("a")).clip(LEAST).log().filter(certain).sum().alias("certain"),
        )
    )
    asked = lines.group_by(_SURFACE).agg(
        pl.col("decision_id").n_unique().cast(pl.Int64).alias("decisions"),
        (pl.col("keep_probability") < 1).sum().cast(pl.Int64).alias("thinned"),
    )
    return pairs, asked


def _mean_chance() -> pl.Expr:
    """The q on average over all decisions, see `Decided.of`; 0 for what was never drawn."""
    drawn, inverse = pl.col("drawn"), pl.col("inverse")
    apart = (drawn * pl.col("squares") / inverse**2 - 1).clip(0.0)
    mean = (drawn / inverse + apart * pl.col("looks") / pl.col("decisions")) / (1 + apart)
    return pl.when(drawn > 0).then(mean).otherwise(0.0).clip(0.0, 1.0)


def _seen() -> pl.Expr:
    """Q of a line, see `Decided.of`."""
    a, p, others = pl.col("a"), pl.col("p"), pl.len().over(_ROW) - 1
    elsewhere = (a.sum().over(_ROW) - a) / others.clip(1)
    return (p * a + (1 - p) * (1 - (1 - p) ** others) * elsewhere).clip(LEAST, 1.0)

"""Exposures: which titles each member saw or found, what they liked of them, and how likely it was that they would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from matinee.errors import BadData
from matinee.history import TrainingData
from matinee.maths.arrays import Doubles, Flags, Int32s
from matinee.maths.propensities import logistic, of_ratio, popularity_power
from matinee.page import Layouts

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
    return _open(np.clip(chance, LEAST, 1.0), exposures)


def by_popularity(power: float = 0.5) -> Propensities:
    """(likes of the title / most)^power (`maths.propensities.popularity_power`): where nothing tells what was seen."""

    def told(data: TrainingData, exposures: Exposures) -> Doubles:
        counts = np.bincount(exposures.titles[exposures.liked], minlength=exposures.shape[1])
        return _open(popularity_power(counts, power)[exposures.titles], exposures)

    return told


def by_ratio(data: TrainingData, exposures: Exposures) -> Doubles:
    """Plays where titles are shown over plays from search and links, by title (`maths.propensities.of_ratio`).

    Raises `BadRequest` where there is no play from search or a link.
    """
    plays = data.events.filter(pl.col("kind") == "play").select("item", open_loop().alias("found"))
    found, n = plays["found"].to_numpy(), exposures.shape[1]
    shown, sought = (np.bincount(plays["item"].to_numpy()[which], minlength=n) for which in (~found, found))
    return _open(of_ratio(shown, sought)[exposures.titles], exposures)


def by_decisions(shown: pl.DataFrame, layouts: Layouts = Layouts()) -> Propensities:
    """P(shown) * P(looked at) out of the log: `shown` as `data.shown_choices` gives it, of single titles or pages.

    A pair shown several times was seen with 1 - prod(1 - P). Exact where each title of a decision is drawn on its own
    account; on pages the logged probability is given what stands before. Raises `BadData` for a pair that no decision
    of `shown` explains.
    """
    from matinee.data.attention import chances
    from matinee.page import screen_of

    kinds = {device: screen_of(device) for device in shown["device"].unique()}
    lines = shown.with_columns(
        pl.col("device").replace_strict(kinds, return_dtype=pl.String).alias("screen"), pl.col("row", "column").clip(0)
    )
    looked = pl.Series("chance", np.exp(shown["log_prob"].to_numpy()) * chances(lines, layouts))
    missed = (1 - pl.col("chance")).product().alias("missed")
    each = lines.with_columns(looked).group_by("user_id", "item").agg(missed)

    def told(data: TrainingData, exposures: Exposures) -> Doubles:
        users = pl.Series("user_id", data.user_ids, pl.String).gather(exposures.members)
        pairs = pl.DataFrame([users, pl.Series("item", exposures.titles)])
        missed = pairs.join(each, on=["user_id", "item"], how="left", maintain_order="left")["missed"]
        unknown = missed.is_null().to_numpy() & ~exposures.found
        if unknown.any():
            k = int(unknown.argmax())
            raise BadData(
                f"{users[k]} met {data.catalog.item_ids[int(exposures.titles[k])]} and no decision given here showed "
                "it; give all decisions, or estimate propensities from counts"
            )
        return _open(np.clip(1 - missed.fill_null(0.0).to_numpy(), LEAST, 1.0), exposures)

    return told


def _open(propensities: Doubles, exposures: Exposures) -> Doubles:
    """1 for what members found by themselves."""
    return np.where(exposures.found, 1.0, propensities)

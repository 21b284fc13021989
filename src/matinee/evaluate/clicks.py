"""The value of another order of pages that were never left to chance, from the chance of what members did with them.

What comes of a title is attention to its place times a liking of it that no place changes; the liking cancels, and
what came of a title weighs attention in the new page / in the logged one (CIPS, see `maths/off_policy_clicks.py`).
Titles that a logged page did not show, or only where hardly anybody looks, stay unknown: their share of the new page's
attention is said, and too large a share refused.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from matinee.data.attention import with_attention
from matinee.data.shown_choices import STANDS_FOR
from matinee.evaluate.counterfactual import MEMBERS, Heaviest, Part, part
from matinee.maths.off_policy import effective_size
from matinee.maths.off_policy_support import TOLERANCE
from matinee.page import Layouts

NAME = "page, by clicks"
MOST = 20.0  # times as likely looked at as in the logged page, above which a title stays unknown
_TITLE = ("decision_id", "item")


def by_clicks(logged: pl.DataFrame, new: pl.DataFrame, layouts: Layouts) -> Part:
    """What the new pages would have earned; both frames as `data.shown_choices` gives them, of the same decisions.

    `logged` with the `reward` of each title. A title that stands at several places of a page is looked at unless it is
    missed at all of them. Sampled are members.
    """
    was, will = (_attention(frame, layouts) for frame in (logged, new))
    weight = pl.col("attention_new").fill_null(0.0) / pl.col("attention")
    both = was.join(will, on=_TITLE, how="left", suffix="_new").with_columns(
        pl.when(weight <= MOST).then(weight).otherwise(0.0).alias("weight")
    )
    weighed = logged.join(both, on=_TITLE, how="left", maintain_order="left")
    each = weighed.group_by("decision_id", maintain_order=True).agg(
        pl.col("user_id").first(),
        (pl.col("weight") * pl.col("reward")).sum().alias("new"),
        pl.col("reward").sum().alias("returns"),
        STANDS_FOR.first().alias("often"),
        ((pl.col("weight") * pl.col("attention")).sum() / pl.col("attention").sum()).alias("share"),
    )
    values, returns, share, often = (each[name].to_numpy() for name in ("new", "returns", "share", "often"))
    members = each["user_id"].rank("dense").to_numpy().astype(np.int64)
    heaviest = Heaviest.of(both["weight"].to_numpy(), logged["reward"].to_numpy())
    told = {"CIPS": float(np.average(values, weights=often))}
    found = part(NAME, np.ones(len(values)), values, returns, members, told, True, heaviest, often)
    lost = untold(was, will)
    reason = _reason(found.members, lost, bool(returns.any()))
    return replace(found, effective=effective_size(often * share), lost=lost, reason=reason)


def untold(was: pl.DataFrame, will: pl.DataFrame) -> float:
    """The share of the attention to new pages that goes to titles of which the logged ones cannot tell."""
    attention = pl.col("attention") * pl.col("often")
    known = (pl.col("attention") <= MOST * pl.col("attention_was")).fill_null(False)
    both = will.join(was.select(*_TITLE, pl.col("attention").alias("attention_was")), on=_TITLE, how="left")
    missing, whole = both.select(attention.filter(~known).sum(), attention.sum().alias("whole")).row(0)
    return float(missing / whole) if whole else 0.0


def _attention(shown: pl.DataFrame, layouts: Layouts) -> pl.DataFrame:
    """How likely each title of a page is looked at: decision_id, item, `attention`, and how `often` the page counts."""
    return (
        with_attention(shown, layouts)
        .group_by(_TITLE, maintain_order=True)
        .agg((1 - (1 - pl.col("attention")).product()).alias("attention"), STANDS_FOR.first().alias("often"))
    )


def _reason(members: int, lost: float, answered: bool) -> str:
    """Why nothing can be told, in words; "" where it can."""
    if lost > TOLERANCE:
        return f"{100 * lost:.0f} % of the attention to the new pages goes to titles that these pages hardly showed"
    if members < MEMBERS:
        return f"only {members:,} members"
    return "" if answered else "none of these decisions was answered"

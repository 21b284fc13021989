"""Propensities out of logged home pages, beside how often many pages of the same member show a title."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from pages import policy_of, request_of, world

from matinee.data.attention import chances
from matinee.data.from_decisions import Decided
from matinee.data.shown_choices import shown_choices
from matinee.decision import People
from matinee.history import Histories
from matinee.page import Layout, Layouts
from matinee.profile import Profile
from matinee.surfaces.pages.builder import Where

MEMBERS, PAGES, MANY = 5, 12, 150
LAYOUT = Layout(rows=6, columns=8, visible=4)


@pytest.mark.parametrize(("exploration", "where"), [(0.3, Where(1)), (0.3, Where()), (1.0, Where())], ids=str)
def test_a_dozen_pages_tell_what_many_would_show(exploration, where):
    """Off by less than .6 in the logarithm, wherever chance decides; by the probability of what was drawn alone, as
    if no other page could have shown it, they are off by more where all is drawn.
    """
    policy = policy_of(world(80), exploration, where=where)
    asked = request_of(LAYOUT, MEMBERS)
    people = People.of([Profile(f"m{k}") for k in range(MEMBERS)])
    histories = Histories.of_items([[k, 3 * k + 1] for k in range(MEMBERS)])
    asked = replace(asked, people=people, members=np.arange(MEMBERS, dtype=np.int32), histories=histories)

    def lines(pages, seed):
        decisions = policy.decide(asked.take(np.repeat(np.arange(MEMBERS), pages)), np.random.default_rng(seed))
        shown = shown_choices([decisions]).with_columns(pl.lit("web").alias("screen"), pl.col("row", "column").clip(0))
        return shown.with_columns(pl.Series("a", chances(shown, Layouts())))

    one = lines(MANY, 1).group_by("decision_id", "user_id", "item").agg((1 - (1 - pl.col("a")).product()).alias("q"))
    mean = one.group_by("user_id", "item").agg(pl.col("q").sum() / MANY)
    truth = mean.with_columns((1 - (1 - pl.col("q")) ** PAGES).alias("truth"))
    logged = lines(PAGES, 2)
    looked = logged.filter(pl.Series(np.random.default_rng(3).random(len(logged))) < pl.col("a"))
    met = looked.select("user_id", "item").unique()
    both = met.join(Decided.of([logged]).pairs, on=["user_id", "item"]).join(truth, on=["user_id", "item"])
    drawn = pl.col("log_prob").exp() * pl.col("a")
    alone = logged.group_by("user_id", "item").agg((1 - (1 - drawn).product()).alias("alone"))
    both = both.join(alone, on=["user_id", "item"])
    off = {name: np.log(both[name].to_numpy() / both["truth"].to_numpy()) for name in ("chance", "alone")}
    deviation = {name: np.sqrt((one**2).mean()) for name, one in off.items()}
    assert len(both) > 100
    assert deviation["chance"] < min(0.6, deviation["alone"] + 1e-3)

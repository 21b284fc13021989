"""CIPS on pages: weights are ratios of attention, repeated titles are missed at all their places, limits are said."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from matinee.data.shown_choices import SHOWN
from matinee.evaluate.clicks import NAME, by_clicks
from matinee.page import Attention, Layouts

LAYOUTS = Layouts().with_attention({"web": Attention(0.5, 0.8, 1.0)})


def page(*titles, decision=0, rewards=None):
    """(title, row, column) of one page of the web, of member m<decision>; with what came of each."""
    told = {**dict.fromkeys(SHOWN), "decision_id": f"d{decision}", "user_id": f"m{decision}", "visible": 6}
    rows = [{**told, "item": t, "row": r, "column": c} for t, r, c in titles]
    frame = pl.DataFrame(rows, schema=SHOWN)
    return frame if rewards is None else frame.with_columns(pl.Series("reward", rewards, pl.Float64))


def many(make, n=40):
    return pl.concat([make(k) for k in range(n)])


def test_what_came_of_a_title_weighs_the_ratio_of_attentions():
    """Title 0 moves from the first place (1) to the second row (.5), title 1 from .8 to 1."""
    logged = many(lambda k: page((0, 0, 0), (1, 0, 1), decision=k, rewards=[1.0, k % 2]))
    new = many(lambda k: page((1, 0, 0), (0, 1, 0), decision=k))
    found = by_clicks(logged, new, LAYOUTS)
    assert (found.name, found.reason, found.decisions, found.members) == (NAME, "", 40, 40)
    assert found.logged.value == pytest.approx(1.5)
    assert found.new.value == pytest.approx(0.5 + 0.5 / 0.8)
    assert found.difference.value == pytest.approx(0.5 + 0.5 / 0.8 - 1.5)
    assert found.new.low < found.new.value < found.new.high
    assert found.lost == 0.0


def test_a_title_at_two_places_is_missed_at_both():
    """At .8 and .5 it is looked at with 1 - .2 * .5 = .9; alone at the first place with 1."""
    logged = many(lambda k: page((0, 0, 1), (0, 1, 0), decision=k, rewards=[1.0, 0.0]))
    found = by_clicks(logged, many(lambda k: page((0, 0, 0), decision=k)), LAYOUTS)
    assert found.new.value == pytest.approx(1 / 0.9)


def test_the_new_order_is_right_on_average():
    """10,000 pages of three titles, each liked with its own chance once it is looked at."""
    rng, n, liked = np.random.default_rng(0), 10_000, np.array([0.6, 0.3, 0.1])
    looked = 0.8 ** np.arange(3)
    clicks = rng.random((n, 3)) < looked * liked
    lines = [(f"d{k}", f"m{k}", t, 0, t) for k in range(n) for t in range(3)]
    told = pl.DataFrame(lines, ["decision_id", "user_id", "item", "row", "column"], orient="row")
    columns = {"device": pl.lit("web"), "visible": pl.lit(6), "keep_probability": pl.lit(None, pl.Float64)}
    frame = told.with_columns(**columns)
    logged = frame.with_columns(pl.Series("reward", clicks.ravel().astype(float)))
    found = by_clicks(logged, frame.with_columns((2 - pl.col("column")).alias("column")), LAYOUTS)
    truth = float(looked[::-1] @ liked)
    assert found.new.low < truth < found.new.high
    assert found.new.value == pytest.approx(truth, abs=0.03)


def test_what_cannot_be_told_is_said():
    logged = many(lambda k: page((0, 0, 0), (1, 0, 1), decision=k, rewards=[1.0, 0.0]))
    strange = by_clicks(logged, many(lambda k: page((0, 0, 0), (9, 0, 1), decision=k)), LAYOUTS)
    assert strange.lost == pytest.approx(0.8 / 1.8)
    assert strange.reason == "44 % of the attention to the new pages goes to titles that these pages hardly showed"
    deep = many(lambda k: page((0, 0, 0), (1, 6, 0), decision=k, rewards=[1.0, 1.0]))  # looked at with 1 / 64
    risen = by_clicks(deep, many(lambda k: page((0, 0, 0), (1, 0, 1), decision=k)), LAYOUTS)
    assert (risen.new.value, risen.lost) == (pytest.approx(1.0), pytest.approx(0.8 / 1.8))
    assert by_clicks(deep, deep, LAYOUTS).lost == 0.0
    assert by_clicks(logged[:40], logged[:40], LAYOUTS).reason == "only 20 members"
    silent = logged.with_columns(pl.lit(0.0).alias("reward"))
    assert by_clicks(silent, silent, LAYOUTS).reason == "none of these decisions was answered"

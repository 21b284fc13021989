"""Propensities out of logged decisions: arithmetic, the order of fall-backs, and worlds where the truth is known."""

import numpy as np
import polars as pl
import pytest

from matinee.data.exposures import by_counts, by_popularity, exposures_of
from matinee.data.from_decisions import Decided, PropensityFit, by_decisions, by_log
from matinee.data.shown_choices import SHOWN, shown_choices
from matinee.decision import Choices, Decisions, Maker, decision_ids
from matinee.errors import BadData
from matinee.page import ONE_TITLE, WEB
from matinee.simulate.config import WorldConfig
from matinee.simulate.echo_pages import EchoPages, PagesConfig
from matinee.simulate.world import World
from matinee.testing import make_catalog, make_data, make_events

WORLD = WorldConfig(launching=0, leaving=0, cancelling=0)


def shown(*lines, surface="home"):
    """(decision, title, row, column, probability) of member m0 as lines of `SHOWN`, on the web."""
    told = {"user_id": "m0", "surface": surface, "visible": 6}
    rows = [
        {**dict.fromkeys(SHOWN), **told, "decision_id": d, "item": t, "row": r, "column": c, "log_prob": np.log(p)}
        for d, t, r, c, p in lines
    ]
    return pl.DataFrame(rows, schema=SHOWN)


def met(events, n=3):
    data = make_data(events, make_catalog(n))
    return data, exposures_of(data)


def test_a_title_drawn_in_some_of_the_decisions_was_likely_in_all():
    """Drawn twice in three decisions, with .5 and .2: 1 / q are 2 and 5, whose squared variation is 2 * 29 / 49 - 1;
    the harmonic mean 2 / 7 is taken with the 2 looks in 3 decisions by it.
    """
    lines = shown(("a", 0, 0, 0, 0.5), ("b", 0, 0, 0, 0.2), ("c", 1, 0, 0, 0.3))
    found = by_decisions(lines)(*met(make_events([[0, 1]])))
    apart = 2 * 29 / 49 - 1
    mean = (2 / 7 + apart * 2 / 3) / (1 + apart)
    np.testing.assert_allclose(found, [1 - (1 - mean) ** 3, 1 - 0.7**3])


def test_what_was_certain_is_seen_as_its_place_is_looked_at():
    third = WEB.attention.rows(3)[2]
    lines = shown(("a", 0, 2, 0, 1.0), ("b", 0, 2, 0, 1.0), ("c", 1, 0, 0, 1.0))
    found = by_decisions(lines)(*met(make_events([[0, 1]])))
    np.testing.assert_allclose(found, [1 - (1 - third) ** 2, 1.0], atol=1e-6)


def test_in_a_row_it_may_have_stood_elsewhere():
    """Of two places in the third row, drawn with .4 into the first: .4 a + .6 * .4 b."""
    first, second = WEB.attention.rows(3)[2] * WEB.attention.columns(2, 6)
    lines = shown(("a", 0, 2, 0, 0.4), ("a", 1, 2, 1, 0.3))
    found = by_decisions(lines)(*met(make_events([[0, 1]])))
    np.testing.assert_allclose(found, [0.4 * first + 0.24 * second, 0.3 * second + 0.21 * first])


def test_surfaces_are_missed_one_by_one_and_batches_add_up():
    home, similar = shown(("a", 0, 0, 0, 0.5), ("b", 1, 0, 0, 0.5)), shown(("c", 0, 0, 0, 0.1), surface="similar")
    found = Decided.of([home[:1], similar, home[1:]]).pairs.sort("item")
    np.testing.assert_allclose(found["chance"], [1 - 0.5**2 * 0.9, 1 - 0.5**2])
    nobody = home.with_columns(pl.lit("").alias("user_id"))
    assert Decided.of([nobody]).pairs.is_empty()
    assert Decided.of([]).pairs.is_empty()


def test_what_no_decision_showed_is_named():
    lines = shown(("a", 0, 0, 0, 0.5))
    with pytest.raises(BadData, match="m0 met t1 and no decision"):
        by_decisions(lines)(*met(make_events([[0, 1]])))
    sought = make_events([[0, 1]]).with_columns(pl.Series("source", ["home", "search"]))
    np.testing.assert_allclose(by_decisions(lines)(*met(sought)), [0.5, 1.0])


def test_what_decisions_do_not_tell_is_told_by_counts_else_by_popularity():
    """Title 0 was drawn for m0, who found title 1; title 2, and all of m1, no decision explains."""
    events = make_events([[0, 1, 2], [0, 2]]).with_columns(
        pl.when((pl.col("user_id") == "m0") & (pl.col("item_id") == "t1")).then(pl.lit("search")).alias("source")
    )
    decided = Decided.of([shown(("a", 0, 0, 0, 0.25))])
    data, pairs = met(events)
    found, fallback = by_log(decided)(data, pairs), by_popularity()(data, pairs)
    np.testing.assert_allclose(found, [0.25, 1.0, *fallback[2:]])
    assert str(PropensityFit.of(data, decided)) == (
        "5 pairs met: 1 found by search or link, 1 by logged decisions, 3 by popularity, for want of looks"
    )
    look = events[:1].with_columns(
        pl.lit("t2").alias("item_id"), pl.lit("m1").alias("user_id"), pl.lit("impression").alias("kind"),
        pl.lit(None, pl.Float64).alias("value"), pl.lit("look").alias("event_id"),
    )  # fmt: skip
    data, pairs = met(pl.concat([events[:4], look]))
    np.testing.assert_allclose(by_log(decided)(data, pairs)[2:], by_counts(data, pairs)[2:])
    assert PropensityFit.of(data, decided).by == "counts of looks"


def test_pages_of_a_world_tell_their_propensities():
    """Two members in three see a title as likely as its logged probabilities say, to 5 %; counts know nothing of it."""
    world = World.drawn(150, make_catalog(80), WORLD, 0)
    echo = EchoPages.of(world, np.random.default_rng(0), PagesConfig(pages=6, titles=8))
    data, pairs = met(echo.events(world), 80)
    rows = np.array([echo.user_ids.index(one) for one in data.user_ids])
    truth = echo.propensities[rows[pairs.members], pairs.titles]
    off = np.log(by_decisions(echo.shown)(data, pairs) / truth)
    assert np.sqrt((off**2).mean()) < 0.1
    assert np.sqrt((np.log(by_counts(data, pairs) / truth) ** 2).mean()) > 0.5
    share = echo.seen.mean()
    assert share == pytest.approx(echo.propensities.mean(), abs=4 * np.sqrt(share / echo.seen.size))


def test_a_drawn_billboard_of_a_world_tells_its_propensities():
    """One title a visit with known chances, the same for all: 1 - (1 - p)^visits, exactly."""
    world = World.drawn(60, make_catalog(12), WORLD, 0)
    chances = np.random.default_rng(1).dirichlet(np.ones(12))
    rng, batches = np.random.default_rng(2), []
    for day in range(10):
        for visits in world.day(day):
            requests = world.requests(visits.at_home, layout=ONE_TITLE)
            items = rng.choice(12, len(requests), p=chances).astype(np.int32)
            ids, of = decision_ids(len(requests), rng), np.full(len(requests), 12, np.int32)
            choices, bits = Choices.of_titles(items, np.log(chances[items]), of), np.zeros(len(items), np.uint64)
            batches.append(Decisions(requests, ids, (Maker("drawn"),), choices, of, bits))
    lines = shown_choices(batches)
    found = Decided.of([shown_choices([one]) for one in batches]).pairs
    visits = lines.group_by("user_id").len()
    told = found.join(visits, on="user_id")
    assert len(told) == lines.select("user_id", "item").n_unique()
    truth = 1 - (1 - chances[told["item"]]) ** told["len"].to_numpy()
    np.testing.assert_allclose(told["chance"], truth, rtol=1e-9)

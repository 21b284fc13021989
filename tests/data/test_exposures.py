"""Exposures: who met what, and propensities out of the decisions of a log."""

import numpy as np
import polars as pl
import pytest

from matinee.data.exposures import by_counts, by_decisions, exposures_of
from matinee.data.shown_choices import SHOWN
from matinee.errors import BadData
from matinee.page import WEB
from matinee.simulate.config import WorldConfig
from matinee.simulate.echo import Echo, EchoConfig
from matinee.simulate.world import World
from matinee.testing import make_catalog, make_data, make_events


def shown(*lines):
    """(member, title, row, column, probability) as lines of `SHOWN`, on the web."""
    rows = [
        {**dict.fromkeys(SHOWN), "user_id": m, "item": t, "row": r, "column": c, "visible": 5, "log_prob": np.log(p)}
        for m, t, r, c, p in lines
    ]
    return pl.DataFrame(rows, schema=SHOWN)


def test_a_title_shown_twice_was_seen_unless_missed_twice():
    data = make_data(make_events([[0, 1]]), make_catalog(2))
    lines = shown(("m0", 0, 0, 0, 0.5), ("m0", 0, 0, 0, 0.2), ("m0", 1, 2, 0, 0.4))
    found = by_decisions(lines)(data, exposures_of(data))
    # The first place is always looked at; the third row with the chance that the layout says.
    third = WEB.attention.rows(3)[2]
    np.testing.assert_allclose(found, [1 - 0.5 * 0.8, 0.4 * third])


def test_what_no_decision_showed_is_named():
    data = make_data(make_events([[0, 1]]), make_catalog(2))
    with pytest.raises(BadData, match="m0 met t1 and no decision"):
        by_decisions(shown(("m0", 0, 0, 0, 0.5)))(data, exposures_of(data))
    sought = make_events([[0, 1]]).with_columns(pl.Series("source", ["home", "search"]))
    found = by_decisions(shown(("m0", 0, 0, 0, 0.5)))(*_met(sought))
    np.testing.assert_allclose(found, [0.5, 1.0])


def _met(events):
    data = make_data(events, make_catalog(2))
    return data, exposures_of(data)


def test_a_log_with_an_echo_is_seen_as_often_as_its_propensities_say():
    world = World.drawn(300, make_catalog(40), WorldConfig(launching=0, leaving=0), 0)
    echo = Echo.of(world, np.random.default_rng(0), EchoConfig(shown=12.0, strength=1.0))
    standard = np.sqrt(echo.propensities * (1 - echo.propensities) / 300)
    assert (np.abs(echo.seen.mean(axis=0) - echo.propensities) < 4 * standard).all()  # one in 400 by chance
    assert not (echo.liked & ~echo.seen).any()
    data = make_data(echo.events(world), world.catalog)
    met = exposures_of(data)
    assert len(met.members) == echo.seen.sum()
    assert met.liked.sum() == echo.liked.sum()
    assert met.in_vain
    counted = by_counts(data, met)
    known = echo.propensities[met.titles]
    assert np.corrcoef(np.log(counted), np.log(known))[0, 1] > 0.9

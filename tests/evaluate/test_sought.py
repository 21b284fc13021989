"""Plays that nobody recommended: counted once, joined to what was shown before, and a group of their own."""

import numpy as np
import polars as pl
import pytest

from matinee.data.dataset import Dataset, profiles_of
from matinee.data.exposures import open_loop
from matinee.data.shown_choices import SHOWN
from matinee.data.splits.split import leave_last_out
from matinee.evaluate import evaluate
from matinee.evaluate.protocols import LEAVE_LAST_OUT
from matinee.evaluate.sought import sought_of
from matinee.events import DAY
from matinee.models.popularity import Popularity
from matinee.report.looks import _of_sought
from matinee.testing import make_catalog, make_events
from matinee.testing.worlds import START

CATALOG = make_catalog(4)


def played(likes, sources):
    """Plays of m0, m1, ..., with the source of each."""
    events = make_events(likes)
    flat = [one for row in sources for one in row]
    return events.with_columns(pl.Series("source", flat, pl.String))


def shown(*lines):
    """(member, title, seconds after the start) as lines of `SHOWN`."""
    rows = [{**dict.fromkeys(SHOWN), "user_id": m, "item": t, "time": (START + s) * 1_000_000} for m, t, s in lines]
    return pl.DataFrame(rows, schema=SHOWN)


def test_only_search_and_links_without_a_decision_are_the_open_loop():
    events = played([[0, 1, 2, 3]], [["search", "link", "home", None]])
    assert events.select(open_loop()).to_series().to_list() == [True, True, False, False]
    decided = events.with_columns(decision_id=pl.lit("d"))
    assert not decided.select(open_loop()).to_series().any()


def test_a_sought_title_counts_once_and_as_known_when_it_was_shown_lately():
    events = played([[0, 1, 1, 2], [0, 3]], [["search", "link", "search", "home"], ["search", "search"]])
    late = 8 * DAY // 1_000_000
    lines = shown(("m0", 0, -10), ("m0", 1, 8_000), ("m1", 3, -late), ("m1", 2, -10))
    found = sought_of(lines, events, CATALOG)
    assert (found.looks, found.members) == (4, 2)  # titles 0 and 1 of m0, 0 and 3 of m1
    assert found.rate.value == pytest.approx(1 / 4)  # title 0 of m0 alone: 1 was shown after, 3 a week too early
    assert "4 titles were found by search or a link, by 2" in next(_of_sought(found))


def test_nothing_sought_says_nothing():
    found = sought_of(shown(), played([[0]], [["home"]]), CATALOG)
    assert found.looks == 0
    assert np.isnan(found.rate.value)
    assert list(_of_sought(found)) == []


def test_evaluation_shows_those_who_sought_as_a_group():
    likes = [[k % 4, (k + 1) % 4] for k in range(8)]
    events = played(likes, [["home", "search" if k < 3 else "home"] for k in range(8)])
    np.testing.assert_array_equal(leave_last_out(events, CATALOG).sought, [True] * 3 + [False] * 5)
    data = Dataset("made up", "none", CATALOG, profiles_of(events), events)
    results = evaluate(
        data, {"popularity": Popularity}, np.random.default_rng(0), protocols=[LEAVE_LAST_OUT], baselines=[]
    )
    groups = {group.name: group.members for group in results.protocols[0].groups}
    assert groups["searching"] == 3
    assert groups["all"] == 8

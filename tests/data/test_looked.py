"""Looks of a service's own log: places seen, attention per screen, and looks that stand for all that was shown."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import polars as pl
import pytest
from looked_at import ATTENTION, NOW, World, silent

from matinee.data import attention as attending
from matinee.data import seen
from matinee.data.attention import attentions, chances, layouts_of
from matinee.data.looked import LOOKS, FromLooks, effective, fit_of, looks_of
from matinee.data.seen import seen_pages
from matinee.events import DAY
from matinee.page import Attention, Layouts, screen_of
from matinee.testing import make_catalog

TITLES = 80
RNG = np.random.default_rng(5)
WORLD = World(np.linspace(2, -2, TITLES), np.linspace(0.5, 0.1, TITLES))
WEB = WORLD.decisions(RNG)
EVENTS = WORLD.answers(WEB, RNG)
CATALOG = make_catalog(TITLES)
PAGES = seen_pages([WEB], EVENTS, CATALOG)


def test_every_place_of_a_page_that_was_looked_at_says_whether_it_was_seen():
    assert PAGES.height == len(WEB) * 40, "the first place of a page is always seen here"
    seen_at = {(one["decision_id"], one["row"], one["column"]) for one in EVENTS.iter_rows(named=True)}
    marked = PAGES.filter("seen").select("decision_id", "row", "column").rows()
    assert set(marked) == seen_at
    assert set(PAGES["screen"]) == {"web"}


def test_rewards_stand_where_the_title_was_liked():
    played = EVENTS.filter(pl.col("kind") == "play").select("decision_id", "row", "column").rows()
    liked = PAGES.filter(pl.col("reward") > 0).select("decision_id", "row", "column").rows()
    assert set(liked) == set(played)


def test_pages_without_impressions_and_of_nobody_say_nothing():
    assert seen_pages([WEB], EVENTS.filter(pl.col("kind") == "play"), CATALOG).is_empty()
    assert seen_pages([silent(WEB)], EVENTS, CATALOG).is_empty()
    other = EVENTS.with_columns(pl.lit("somebody").alias("user_id"))
    assert seen_pages([WEB], other, CATALOG).is_empty()
    similar = replace(WEB, requests=replace(WEB.requests, surface="similar"))
    assert seen_pages([similar], EVENTS, CATALOG).is_empty()


def test_only_the_latest_pages_are_read(monkeypatch):
    monkeypatch.setattr(seen, "PAGES", 7)
    latest = seen_pages([WEB], EVENTS, CATALOG)
    assert set(latest["decision_id"]) == set(WEB.ids[-7:])


def test_planted_attention_comes_back_with_its_interval():
    """600 pages: the places of a second row are seen with a standard error of 2 points, so .06 is three of them."""
    fit = attentions(PAGES)["web"]
    assert fit.fitted
    assert (fit.pages, fit.members) == (600, 120)
    np.testing.assert_allclose(astuple(fit.attention), astuple(ATTENTION), atol=0.06)
    for low, planted, high in zip(*map(astuple, (fit.low, ATTENTION, fit.high)), strict=True):
        assert low < planted < high
    assert str(fit).startswith("next row 0.")
    assert "600 pages of 120 members, 2023-11-24 to 2023-11-25" in str(fit)
    assert layouts_of({"web": fit}).web.attention == fit.attention


def test_too_few_pages_or_members_keep_the_prior_and_say_how_many_are_needed():
    few = attentions(PAGES.filter(pl.col("decision_id").is_in(list(WEB.ids[:499]))))["web"]
    assert (few.fitted, few.attention, few.pages) == (False, Layouts().web.attention, 499)
    assert str(few) == "prior: 499 pages of 120 members were looked at, needs 500 pages of 30"
    one = attentions(PAGES.with_columns(pl.lit("ann").alias("user_id")))["web"]
    assert str(one) == "prior: 600 pages of 1 members were looked at, needs 500 pages of 30"
    assert layouts_of({"web": few, "tv": attentions(PAGES)["tv"]}) == Layouts()
    assert str(attentions(PAGES)["tv"]).startswith("prior: 0 pages of 0 members")


def test_each_screen_has_an_attention_of_its_own(monkeypatch):
    monkeypatch.setattr(attending, "PAGES", 100)
    rng, planted = np.random.default_rng(6), Attention(0.8, 0.9, 0.8)
    tv = WORLD.decisions(rng, "tv")
    events = pl.concat([EVENTS, WORLD.answers(tv, rng, planted)])
    fits = attentions(seen_pages([WEB, tv], events, CATALOG))
    np.testing.assert_allclose(astuple(fits["tv"].attention), astuple(planted), atol=0.06)
    np.testing.assert_allclose(astuple(fits["web"].attention), astuple(ATTENTION), atol=0.06)
    assert not fits["phone"].fitted


def test_a_mobile_is_a_phone_and_what_is_not_known_is_the_web():
    assert [screen_of(one) for one in ("tv", "TV", "mobile", "Phone", "fridge", "", None)] == [
        "tv", "tv", "phone", "phone", "web", "web", "web",
    ]  # fmt: skip


def test_looks_weigh_as_much_as_their_place_is_rarely_seen():
    layouts = Layouts().with_attention({"web": ATTENTION})
    looks = looks_of(PAGES, layouts, NOW)
    assert len(looks.items) == PAGES["seen"].sum() >= LOOKS
    lines = PAGES.filter("seen").sort("time", "decision_id", maintain_order=True)
    expected = [1 / (0.6**row * 0.8**column * 0.5 ** (column // 3)) for row, column in lines["row", "column"].rows()]
    np.testing.assert_allclose(looks.weights, np.minimum(expected, 20))
    np.testing.assert_allclose(chances(lines, layouts), 1 / np.array(expected))
    assert looks.weights.max() == 20
    assert looks.enough
    stands_for = np.minimum(1, 20 * chances(PAGES, layouts)).sum()
    assert looks.weights.sum() == pytest.approx(stands_for, rel=0.05), "all that was shown, but what is clipped"


def test_looks_that_may_still_be_answered_are_left_out():
    first, last = int(WEB.requests.times[0]), int(WEB.requests.times[-1])
    assert len(looks_of(PAGES, Layouts(), first + DAY - 1).items) == 0
    assert len(looks_of(PAGES, Layouts(), first + DAY).times) == 1
    everything = looks_of(PAGES, Layouts(), last + DAY)
    assert len(everything.times) == len(WEB)
    later = everything.since(int(WEB.requests.times[590]))
    assert later.times.tolist() == WEB.requests.times[590:].tolist()
    assert later.offsets[0] == 0
    assert later.offsets[-1] == len(later.items) == len(later.rewards) == len(later.weights)


def test_few_looks_are_not_enough_and_say_how_many_would_be():
    some = looks_of(PAGES, Layouts(), NOW).take(np.arange(40))
    assert not some.enough
    said = str(fit_of(some))
    assert said == f"prior: {len(some.items)} looks of 40 members, needs 2,000 looks of 100"
    assert FromLooks({}, fit_of(some)).words == [("calibration", said)]
    nothing = looks_of(PAGES.clear(), Layouts(), NOW)
    assert str(fit_of(nothing)) == "prior: 0 looks of 0 members, needs 2,000 looks of 100"


def test_looks_that_count_alike_are_worth_their_number():
    assert effective(np.full(7, 3.0)) == pytest.approx(7)
    assert effective(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)
    assert effective(np.empty(0)) == 0

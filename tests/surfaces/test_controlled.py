"""Filters, boosts and promotions on every surface of pages: they are followed, and log_prob gives them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pages import NOW, Linear, charts_of, policy_of, world

from matinee.decision import Boost, Control, Decisions, People, Policy, Promotion, Requests, RowName
from matinee.decision.filters import passing
from matinee.history import Histories
from matinee.maths.calibration import Platt
from matinee.page import KEEPS_REPEATS, Layout, RowKind
from matinee.profile import Profile
from matinee.surfaces.search.intents import SearchConfig
from matinee.surfaces.search.policy import SearchPolicy
from matinee.surfaces.similar import SimilarPolicy
from matinee.surfaces.sway import Sway
from matinee.testing import check_policy

N = 120
CATALOG = world(N)
WEIGHTS = np.random.default_rng(3).normal(0.0, 0.3, (N, N))
WATCHED = Histories.of_items([[], [3, 8, 40], [5]])
FILTER = 'genre = "g1" or genre = "g2" and not genre = "g3"'


def similar() -> SimilarPolicy:
    return SimilarPolicy("similar", "fixed", CATALOG, Linear(WEIGHTS, np.zeros(N)), Platt(1.0, -2.0), neighbors=100)


def search() -> SearchPolicy:
    scorer = Linear(WEIGHTS, np.linspace(0.0, -2.0, N))
    return SearchPolicy("search", "fixed", CATALOG, scorer, Platt(1.0, -2.0), charts_of(CATALOG), SearchConfig())


SURFACES: dict[str, tuple[Callable[[], Policy], dict]] = {
    "home": (lambda: policy_of(CATALOG), {"layout": Layout(rows=6, columns=8, visible=4)}),
    "similar": (similar, {"layout": Layout(1, 12, 6, False), "about": np.array([3, 50, 119], np.int32)}),
    "search": (search, {"layout": Layout(3, 8, 4, False), "queries": ("", "t1", "g1")}),
}


def asking(surface: str, control: Control, exploration: float | None = 0.5, **fields) -> Requests:
    fields = {"surface": surface, "exploration": exploration, **SURFACES[surface][1], **fields}
    return Requests.of_histories(WATCHED, NOW, control=control, **fields)


def decided(surface: str, control: Control, exploration: float | None = 0.5, seed: int = 0) -> Decisions:
    return SURFACES[surface][0]().decide(asking(surface, control, exploration), np.random.default_rng(seed))


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("exploration", [0.0, 0.5])
def test_conformance_under_a_filter(surface, exploration):
    check_policy(SURFACES[surface][0], CATALOG, asking(surface, Control(FILTER), exploration))


@pytest.mark.parametrize("surface", SURFACES)
def test_only_what_passes_is_shown_and_plenty_of_it(surface):
    made = decided(surface, Control(FILTER))
    passes = passing(CATALOG, FILTER, NOW)
    assert passes[made.titles].all()
    assert len(np.unique(made.titles)) >= {"home": 20, "similar": 12, "search": 12}[surface]
    assert made.eligible.tolist() == [passes.sum()] * 3


@pytest.mark.parametrize("surface", SURFACES)
def test_a_filter_that_nothing_passes_shows_nothing(surface):
    made = decided(surface, Control("year > 3000"))
    assert (len(made.titles), made.eligible.tolist(), made.log_probs.tolist()) == (0, [0] * 3, [0.0] * 3)


def test_what_does_not_pass_is_named_all_the_same():
    """Title 3 is none of these genres: it was watched, so it founds a row of those that are."""
    expression = " or ".join(f'genre = "g{g}"' for g in range(8) if g not in CATALOG.title_genres[3])
    expression = f'({expression}) and id != "t3"'
    assert not passing(CATALOG, expression, NOW)[3]
    made = decided("home", Control(expression))
    assert RowName(RowKind.BECAUSE_YOU_WATCHED, ("t3",)) in made.row_names
    assert (made.choices.evidence == 3).any()


SWAYED = Control(
    'not genre = "g7"',
    (Boost('genre = "g1"', 20.0), Boost('id in ("t1", "t2")', 0.1)),
    (Promotion('genre = "g2"', 0.3), Promotion('id in ("t8", "t9", "t60")', 0.1)),
)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("exploration", [0.0, 0.5])
def test_conformance_of_what_is_boosted_and_promoted(surface, exploration):
    check_policy(SURFACES[surface][0], CATALOG, asking(surface, SWAYED, exploration))


@pytest.mark.parametrize("exploration", [0.0, 0.5])
@pytest.mark.parametrize("surface", SURFACES)
def test_a_promotion_has_its_share_of_the_places(surface, exploration):
    """At least floor(share * places + 1/2) of those outside of continue watching and my list, page by page."""
    expression = 'genre = "g2"'
    made = decided(surface, Control(promotions=(Promotion(expression, 0.4),)), exploration)
    page, promoted = made.page(), passing(CATALOG, expression, NOW)
    system = (page.items >= 0) & ~np.isin(page.row_kinds, KEEPS_REPEATS)[:, :, None]
    for b in range(3):
        shown = page.items[b][system[b]]
        if surface == "search" and b > 0:
            continue  # a search for t1 and g1 finds what it finds
        assert promoted[shown].sum() >= np.floor(0.4 * len(shown) + 0.5), f"{surface}, page {b}"


THRICE = Control(boosts=(Boost('genre = "g1"', 3.0),))


@pytest.mark.parametrize("surface", SURFACES)
def test_a_boost_moves_titles_up_and_no_estimate(surface):
    tall = {"layout": Layout(rows=12, columns=8, visible=4)} if surface == "home" else {}
    asked = [asking(surface, control, 0.0, **tall) for control in (THRICE, Control())]
    boosted, plain = (SURFACES[surface][0]().decide(one, np.random.default_rng(0)) for one in asked)
    passes = passing(CATALOG, 'genre = "g1"', NOW)
    assert passes[boosted.titles].mean() > passes[plain.titles].mean() + 0.05
    estimates = {(b, item): score for b, item, score in estimates_of(plain)}
    same = [(estimates[b, item], score) for b, item, score in estimates_of(boosted) if (b, item) in estimates]
    assert len(same) >= 5
    assert np.allclose(*np.array(same).T, rtol=1e-4)


def estimates_of(made: Decisions) -> list[tuple[int, int, float]]:
    """Member, title and score of titles in rows that name no taste: such a row raises its titles."""
    page = made.page()
    plain = np.isin(
        page.row_kinds, (RowKind.TOP_PICKS, RowKind.POPULAR, RowKind.TRENDING, RowKind.SIMILAR, RowKind.FOUND)
    )
    places = np.argwhere((page.items >= 0) & plain[:, :, None])
    return [(b, int(page.items[b, r, c]), float(page.scores[b, r, c])) for b, r, c in places]


def test_the_odds_of_what_is_boosted_count_so_many_times():
    worth, factors = np.array([[0.2, 0.5, 0.9]], np.float32), np.array([[3.0, 1.0, 0.5]], np.float32)
    sway = Sway(factors, np.empty(0), np.empty((1, 0), np.uint16))
    boosted = sway.boosted(worth)
    assert boosted[0].tolist() == pytest.approx([3 / 7, 1 / 2, 9 / 11])  # odds 1/4, 1, 9 become 3/4, 1, 9/2
    assert sway.honest(boosted, np.array([[0, 1, 2]], np.int32))[0].tolist() == pytest.approx(worth[0].tolist())


def test_of_what_a_member_wants_less_the_odds_count_a_quarter_and_all_else_stays():
    less = [Profile("ada", less_genres=("g1", "no such genre")), Profile("ben"), Profile("cy", less_genres=("g2",))]
    sway = Sway.of(
        CATALOG, replace(asking("home", Control()), people=People.of(less), members=np.arange(3, dtype=np.int32))
    )
    passes = np.stack([passing(CATALOG, f'genre = "{genre}"', NOW) for genre in ("g1", "none", "g2")])
    worth = np.random.default_rng(0).uniform(0.1, 0.9, (3, N)).astype(np.float32)
    boosted = sway.boosted(worth)
    np.testing.assert_array_equal(boosted[~passes], worth[~passes])
    odds = [one[passes] / (1.0 - one[passes]) for one in (boosted, worth)]
    np.testing.assert_allclose(odds[0], odds[1] / 4, rtol=1e-5)

"""Dials on pages: off they change nothing, on they are exact, and each moves its own measure the way it says."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from itertools import permutations

import numpy as np
import pytest
from pages import NOW, Linear, catalog_of, charts_of, policy_of, pools_of, world

from matinee.decision import Control, Dials, Promotion, Requests
from matinee.decision.dials import NAMES
from matinee.errors import BadRequest
from matinee.events import DAY, Kind
from matinee.history import Histories
from matinee.maths.beyond_accuracy import intra_list_diversity, mean_of, miscalibration
from matinee.maths.calibration import Platt
from matinee.page import KEEPS_REPEATS, Attention, Layout, RowKind
from matinee.surfaces import taste
from matinee.surfaces.home import HomePolicy
from matinee.surfaces.pages.builder import build_pages
from matinee.surfaces.pages.turned import mix_of
from matinee.surfaces.search.policy import SearchPolicy
from matinee.surfaces.similar import SimilarPolicy
from matinee.surfaces.sway import EXPOSURE, Sway
from matinee.surfaces.tilt import HALF_LIFE, looks_in_vain
from matinee.testing import check_policy

CATALOG = world()
N = len(CATALOG)
SURPRISE = np.linspace(1.0, 9.0, N).astype(np.float32)[::-1].copy()
CHARTS = replace(charts_of(CATALOG), surprise=SURPRISE, seldom=np.arange(N) % 20 == 7)
LAYOUT = Layout(rows=5, columns=8, visible=4)
ROW = Layout(rows=1, columns=10, visible=10, billboard=False, attention=Attention(1.0, 1.0, 1.0))
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
ALL = Dials(0.6, 0.7, 0.4, 0.9, 0.8)
VECTORS = np.zeros((N, len(CATALOG.genres)))
for k in range(N):
    VECTORS[k, CATALOG.title_genres[k]] = 1.0


def histories(batch: int = 8) -> Histories:
    """Members with plays, and looks at titles of which some were played later."""
    rng, parts = np.random.default_rng(4), []
    for b in range(batch):
        items = rng.integers(0, N, 4 + 2 * b).astype(np.int32)
        kinds = np.array([Kind.PLAY, Kind.IMPRESSION], np.int8)[np.arange(len(items)) % 2]
        times = NOW - DAY * np.arange(len(items), 0, -1)
        parts.append(Histories(np.array([0, len(items)]), items, kinds, np.ones(len(items), np.float32), times))
    return Histories.joined(parts)


def asking(layout: Layout = LAYOUT, batch: int = 8, **fields) -> Requests:
    return Requests.of_histories(histories(batch), NOW, layout=layout, **fields)


def home(exploration: float = 0.0) -> HomePolicy:
    return policy_of(CATALOG, exploration, charts=CHARTS)


def similar() -> SimilarPolicy:
    weights = np.random.default_rng(3).normal(size=(N, N))
    scorer, known = Linear(weights, np.zeros(N)), (SURPRISE, CHARTS.seldom)
    return SimilarPolicy("similar", "x", CATALOG, scorer, Platt(1.0, -2.0), 60, *known)


def search() -> SearchPolicy:
    scorer = Linear(np.random.default_rng(3).normal(size=(N, N)), np.zeros(N))
    return SearchPolicy("search", "x", CATALOG, scorer, Platt(1.0, -2.0), CHARTS)


ABOUT = {"about": np.arange(8, dtype=np.int32), "surface": "similar"}
TYPED = {"queries": ("g1", "t1", "", "g2", "t7", "t20", "", "g3"), "surface": "search"}
SURFACES = {"home": (home, LAYOUT, {}), "similar": (similar, ROW, ABOUT), "search": (search, ROW, TYPED)}


@pytest.mark.parametrize("dials", [ALL, *(Dials(**{name: 1.0}) for name in NAMES)], ids=str)
@pytest.mark.parametrize("surface", SURFACES)
def test_conformance_with_dials(surface, dials):
    make, layout, fields = SURFACES[surface]
    check_policy(make, CATALOG, asking(layout, dials=dials, exploration=0.3, **fields))


@pytest.mark.parametrize("exploration", [0.0, 1.0])
def test_conformance_at_both_ends_of_exploration(exploration):
    check_policy(home, CATALOG, asking(dials=ALL, exploration=exploration))


@pytest.mark.parametrize(("exploration", "told"), [(0.0, "8bfa549729f72296"), (0.3, "11ffd92f9897b875")])
def test_dials_that_are_off_leave_the_pages_of_before_there_were_any(exploration, told, monkeypatch):
    """What was chosen among how many, as the code chose it that knew no dials (commit d3667a9), nor counted rows more
    for the likes that they name.
    """
    monkeypatch.setattr(taste, "PICKED", 0.0)
    for fields in ({}, {"dials": Dials()}, {"dials": Dials(0.0, 0.0, 0.0, 0.0)}):
        choices = policy_of(CATALOG).decide(asking(exploration=exploration, **fields), np.random.default_rng(0)).choices
        assert blake2b(choices.actions.tobytes() + choices.among.tobytes(), digest_size=8).hexdigest() == told


@pytest.mark.parametrize("surface", SURFACES)
def test_every_dial_changes_every_surface(surface):
    make, layout, fields = SURFACES[surface]
    plain = make().decide(asking(layout, **fields), np.random.default_rng(0)).titles
    for name in NAMES:
        turned = make().decide(asking(layout, dials=Dials(**{name: 1.0}), **fields), np.random.default_rng(0)).titles
        assert turned.tolist() != plain.tolist(), name


def test_all_pages_of_a_tiny_world_and_their_probabilities_sum_to_one():
    """Both orders of two rows of three titles each, two shown: every page followed, not one drawn."""
    catalog = catalog_of([["a", "b"], ["a"], ["b"], ["c"], []])
    rows = [[(0, 0.2), (1, 0.15), (2, 0.1)], [(1, 0.12), (3, 0.1), (4, 0.05)]]
    layout, shares = Layout(rows=2, columns=2, visible=2, billboard=False), np.full(3, 1 / 3, np.float32)
    asked = Requests.of_histories(Histories.of_items([[0, 3]]), NOW, layout=layout, dials=ALL)
    total = 0.0
    for order in permutations((1, 2)):
        for first in permutations([item for item, _ in rows[order[0] - 1]], 2):
            for second in permutations([item for item, _ in rows[order[1] - 1] if item not in first], 2):
                shown = np.array([order], np.int32), np.array([[first, second]], np.int32)
                built = build_pages(pools_of(rows), asked, catalog, shares, 0.8, np.zeros(1, np.uint64), shown)
                total += np.exp(built.row_log_probs.sum() + built.item_log_probs.sum())
    assert total == pytest.approx(1.0, abs=1e-9)


def top_rows(dials: Dials) -> np.ndarray:
    """(members, 10) one row of ten out of the forty likeliest titles, as the page builder fills it."""
    rng = np.random.default_rng(9)
    asked, lists = asking(ROW, batch=24, dials=dials), []
    for b in range(24):
        worths = np.sort(rng.beta(1, 12, 40))[::-1]
        pools = pools_of([list(zip(rng.choice(N, 40, replace=False).tolist(), worths.tolist(), strict=True))])
        one = build_pages(pools, asked.take(np.array([b])), CATALOG, CHARTS.genre_shares, 0.0, np.zeros(1, np.uint64))
        lists.append(one.items[0, 0])
    return np.array(lists)


def test_diversity_makes_rows_more_varied_step_by_step():
    varied = [intra_list_diversity(top_rows(Dials(diversity=d)), VECTORS).mean() for d in STEPS]
    assert (np.diff(varied) > 0).all(), varied


def test_calibration_brings_the_mix_of_genres_nearer_step_by_step():
    wanted, shares = mix_of(asking(ROW, 24).histories.tastes, CATALOG), VECTORS / 2.0
    off = [miscalibration(wanted, shares[top_rows(Dials(0.0, c))].mean(axis=1)).mean() for c in STEPS]
    assert (np.diff(off) < 0).all(), off


def test_novelty_shows_less_known_titles_step_by_step():
    pages = [home().decide(asking(dials=Dials(novelty=d)), np.random.default_rng(0)).page().items for d in STEPS]
    surprise = [mean_of(one.reshape(8, -1), CHARTS.surprise.astype(float)).mean() for one in pages]
    assert (np.diff(surprise) > 0).all(), surprise


def test_titles_that_few_met_have_their_share_of_every_page_step_by_step():
    """Of the places in rows that Matinee fills, by which promotions are counted: 6 of 120 titles, up to a fifth."""
    shares = []
    for step in STEPS:
        page = home().decide(asking(dials=Dials(exposure=step)), np.random.default_rng(0)).page()
        filled = (page.items >= 0) & ~np.isin(page.row_kinds, KEEPS_REPEATS)[:, :, None]
        shares.append(CHARTS.seldom[page.items[filled]].mean())
    assert (np.diff(shares) > 0).all(), shares


def test_the_dial_for_exposure_has_what_promotions_leave_and_waits_until_something_is_known():
    control = Control(promotions=(Promotion('genre = "g1"', 0.6), *(Promotion(f'id = "t{k}"', 0.05) for k in range(7))))
    asked = asking(dials=Dials(exposure=1.0), control=control)
    sway = Sway.of(CATALOG, asked, CHARTS.seldom)
    assert sway.shares[-1] == pytest.approx(EXPOSURE * (1 - 0.95))
    assert (sway.groups[0] >> 8).tolist() == CHARTS.seldom.astype(int).tolist()
    check_policy(home, CATALOG, replace(asked, exploration=0.3))
    for nothing in (CHARTS.seldom[:0], np.ones(N, np.bool_)):
        assert not Sway.of(CATALOG, asking(dials=Dials(exposure=1.0)), nothing).promotes


def test_what_was_passed_by_gives_way_step_by_step_and_a_row_of_it_changes():
    """Every title of yesterday's page was looked at, once or thrice: ever fewer of them stand there today."""
    before = home().decide(asking(), np.random.default_rng(0)).page()
    looked = [np.repeat(page[page >= 0], 1 + b % 3) for b, page in enumerate(before.items)]
    sizes = np.array([len(one) for one in looked])
    yesterday = Histories(
        np.append(0, np.cumsum(sizes)),
        np.concatenate(looked),
        np.full(sizes.sum(), Kind.IMPRESSION, np.int8),
        np.zeros(sizes.sum(), np.float32),
        np.full(sizes.sum(), NOW - DAY),
    )
    known = asking().histories
    both = Histories.joined([part.take(np.array([b])) for b in range(8) for part in (known, yesterday)])
    both = both.select(both.offsets[::2], slice(None))
    pages = [
        home().decide(replace(asking(), histories=both, dials=Dials(freshness=d)), np.random.default_rng(0)).page()
        for d in STEPS
    ]
    again = [
        np.mean([np.isin(now[now >= 0], then).mean() for now, then in zip(page.items, before.items, strict=True)])
        for page in pages
    ]
    assert (np.diff(again) < 0).all(), again
    assert again[0] == 1.0
    assert (pages[-1].items[:, 1] != before.items[:, 1]).any(axis=1).all()


def test_looks_in_vain_fade_and_end_when_a_title_is_taken_up():
    events = [
        (0, Kind.IMPRESSION, 0.0),
        (0, Kind.IMPRESSION, HALF_LIFE),
        (1, Kind.IMPRESSION, 3.0),
        (1, Kind.OPEN, 2.0),
        (1, Kind.IMPRESSION, 1e-9),
        (2, Kind.IMPRESSION, 2.0),
        (2, Kind.PLAY, 1.0),
    ]
    items, kinds, days = (np.array(one) for one in zip(*events, strict=True))
    times = (NOW - days * DAY).astype(np.int64)
    history = Histories(np.array([0, 7]), items.astype(np.int32), kinds.astype(np.int8), np.ones(7, np.float32), times)
    assert looks_in_vain(history, np.array([NOW]), 4)[0] == pytest.approx([1.5, 1.0, 0.0, 0.0], abs=1e-6)


def test_scores_stay_what_is_believed_whatever_the_dials():
    """A title has the score that it has with all dials off, wherever both pages show it in rows of worth."""
    page, plain = (
        home().decide(asking(dials=one), np.random.default_rng(0)).page() for one in (Dials(novelty=1.0), Dials())
    )
    for b in range(8):
        told = {}
        for of in (plain, page):
            picks = np.flatnonzero(of.row_kinds[b] == RowKind.TOP_PICKS)
            shown = zip(of.items[b, picks].ravel(), of.scores[b, picks].ravel(), strict=True)
            for item, score in shown:
                assert told.setdefault(int(item), score) == pytest.approx(score, rel=1e-5)
    assert ((page.scores >= 0) & (page.scores <= 1)).all()


def test_rows_of_ones_own_and_charts_keep_their_order():
    pools = pools_of([[(k, 0.3 - 0.01 * k) for k in range(12)]])
    for kind in (RowKind.MY_LIST, RowKind.POPULAR, RowKind.WATCH_AGAIN):
        pools.kinds[0, 1] = kind
        asked = asking(ROW, batch=1, dials=Dials(1.0, 1.0))
        built = build_pages(pools, asked, CATALOG, CHARTS.genre_shares, 0.0, np.zeros(1, np.uint64))
        assert built.items[0, 0].tolist() == list(range(10))


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("name", NAMES)
def test_a_dial_goes_from_0_to_1(name, wrong):
    with pytest.raises(BadRequest, match=f"the dial {name} is"):
        Dials(**{name: wrong})

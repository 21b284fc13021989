"""The shortlist: the best of each request and what rows bring themselves, whatever the batch; the page it leaves."""

from dataclasses import fields

import numpy as np
import pytest
from pages import NOW, charts_of, policy_of, world

from matinee.decision import Choices, Requests
from matinee.history import Histories
from matinee.page import Layout
from matinee.surfaces.pages import shortlist as shortlists
from matinee.surfaces.sway import Sway

LAYOUT = Layout(rows=6, columns=8, visible=4)
TITLES, KEPT = 400, 250


def requests(batch=6):
    rng = np.random.default_rng(2)
    titles = [rng.choice(TITLES, 5, replace=False).tolist() for _ in range(batch)]
    return Requests.of_histories(Histories.of_items(titles), NOW, layout=LAYOUT)


@pytest.mark.parametrize("most", [1, 7, 200, 399, 400, 500])
@pytest.mark.parametrize("spread", [0.0, 1.0, 1e6])
def test_the_best_are_kept_and_of_equal_ones_the_first(most, spread):
    rng = np.random.default_rng(most)
    scores = np.round(rng.normal(0.0, 1.0, (3, TITLES)) * spread, 1).astype(np.float32) + np.float32(0.0)
    allowed, near = rng.random((3, TITLES)) < 0.8, np.zeros((3, TITLES), bool)
    arrived, since = np.zeros(TITLES, np.int64), np.ones(3, np.int64)
    shortlists._keep_best(scores, allowed, arrived, since, most, 1, near)
    for b in range(3):
        order = np.argsort(-scores[b], kind="stable")
        assert np.flatnonzero(near[b]).tolist() == sorted(order[allowed[b][order]][:most].tolist())


def test_what_a_row_brings_itself_is_on_the_list(monkeypatch):
    monkeypatch.setattr(shortlists, "KEPT", 2)
    catalog, asked = world(TITLES), requests(1)
    scores = np.arange(TITLES, dtype=np.float32)[None]
    charts = charts_of(catalog)
    nearest = np.array([[[77, -1]]], np.int32)
    near = shortlists.shortlist(
        asked, np.ones((1, TITLES), bool), scores, nearest, catalog, charts, 60, Sway.of(catalog, asked, charts.seldom)
    )
    own = {TITLES - 1, TITLES - 2, 77, *asked.histories.items.tolist(), *range(40)}
    assert set(np.flatnonzero(near[0]).tolist()) == own


@pytest.mark.parametrize("exploration", [0.0, 0.1])
def test_the_page_has_the_titles_of_the_whole_catalogue(monkeypatch, exploration):
    """Everything is a candidate, then the best 250 of 400: the same pages, for the others stand in no pool."""
    asked = requests()
    whole = policy_of(world(TITLES), exploration).decide(asked, np.random.default_rng(0))
    monkeypatch.setattr(shortlists, "KEPT", KEPT)
    policy = policy_of(world(TITLES), exploration)
    short = policy.decide(asked, np.random.default_rng(0))
    full, mine = (
        {(b, t) for b, page in enumerate(one.page().items) for t in page.ravel().tolist()} for one in (whole, short)
    )
    assert len(full & mine) / len(full) > 0.9
    np.testing.assert_allclose(policy.log_prob(short), short.choices.log_probs, atol=1e-6)


def test_a_catalogue_below_the_length_of_the_list_is_taken_whole(monkeypatch):
    """400 titles are fewer than are kept: the pages, their probabilities and evidence are those of any longer list."""
    asked = requests()
    pages = []
    for kept in (shortlists.KEPT, 1 << 40):
        monkeypatch.setattr(shortlists, "KEPT", kept)
        pages.append(policy_of(world(TITLES), 0.1).decide(asked, np.random.default_rng(0)).choices)
    for one in fields(Choices):
        np.testing.assert_array_equal(getattr(pages[0], one.name), getattr(pages[1], one.name))


def test_no_title_of_the_page_is_lost_while_the_list_holds_what_rows_can_hold(monkeypatch):
    """Rows of 32 titles at most, 8 themes of some 100 titles each: 350 titles by worth hold the 32 best of each."""
    asked = requests()
    whole = policy_of(world(TITLES)).decide(asked, np.random.default_rng(0)).page().items
    monkeypatch.setattr(shortlists, "KEPT", 350)
    short = policy_of(world(TITLES)).decide(asked, np.random.default_rng(0)).page().items
    shown = [set(page.ravel().tolist()) for page in whole]
    found = [len(full & set(page.ravel().tolist())) for full, page in zip(shown, short, strict=True)]
    assert sum(found) / sum(map(len, shown)) >= 0.999


def test_a_request_has_the_same_list_in_any_batch(monkeypatch):
    monkeypatch.setattr(shortlists, "KEPT", 100)
    policy, asked = policy_of(world(TITLES)), requests()
    together = policy.decide(asked, np.random.default_rng(0)).page().items
    for b in range(len(asked)):
        alone = policy.decide(asked.take(np.array([b])), np.random.default_rng(0)).page().items[0]
        np.testing.assert_array_equal(together[b], alone)

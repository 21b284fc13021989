"""The page builder: value by formula, near the best page, diminishing returns, exact probabilities."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from pages import catalog_of, pools_of, request_of
from scipy.stats import chisquare

from matinee.page import KEEPS_REPEATS, Attention, Layout, RowKind, kinds_flagged
from matinee.surfaces.pages.builder import Built, build_pages

CATALOG = catalog_of([[f"g{i % 5}"] if i % 3 else [f"g{i % 5}", f"g{(i + 2) % 5}"] for i in range(40)])
SHARES = np.array([0.4, 0.25, 0.15, 0.15, 0.05], np.float32)
PI = np.append(SHARES * (5 / 6), 1 / 6)  # nobody's history: everybody's tastes, and a sixth for titles without a genre


def build(rows, layout: Layout, exploration: float = 0.0, seeds=(0,)) -> Built:
    pools = pools_of(rows)
    if len(seeds) > 1:
        repeated = {name: np.repeat(getattr(pools, name), len(seeds), axis=0) for name in pools.__dataclass_fields__}
        pools = type(pools)(**repeated)
    requests = request_of(layout, len(seeds))
    return build_pages(pools, requests, CATALOG, SHARES, exploration, np.array(seeds, np.uint64))


def value_of(page: list[list[tuple[int, float]]], attention: Attention, columns: int, visible: int) -> float:
    """V by its definition: sum over tastes of pi (1 - product of misses)."""
    down, across = attention.rows(len(page)), attention.columns(columns, visible)
    misses = np.ones(6)
    for i, row in enumerate(page):
        for j, (item, worth) in enumerate(row):
            genres = CATALOG.title_genres[item]
            q = min(0.5, worth / PI[genres].sum())
            misses[genres] *= 1.0 - down[i] * across[j] * q
    return float((PI * (1.0 - misses)).sum())


def filled(rows, order, columns: int) -> list[list[tuple[int, float]]]:
    """The page that shows candidate rows `order`, each filled in its own order without repeats."""
    used: set[int] = set()
    page = []
    for k in order:
        row = [(item, worth) for item, worth in rows[k] if item not in used][:columns]
        used |= {item for item, _ in row}
        page.append(row)
    return page


def random_rows(rng: np.random.Generator, n_rows: int, length: int) -> list[list[tuple[int, float]]]:
    rows = []
    for _ in range(n_rows):
        items = rng.choice(40, length, replace=False)
        worths = np.sort(rng.beta(1, 12, length))[::-1]
        rows.append([(int(item), float(np.float32(worth))) for item, worth in zip(items, worths, strict=True)])
    return rows


def test_the_value_is_the_formula():
    rng = np.random.default_rng(3)
    for _ in range(20):
        rows = random_rows(rng, 5, 9)
        layout = Layout(rows=3, columns=5, visible=3, billboard=False)
        built = build(rows, layout)
        page = filled(rows, [int(r) - 1 for r in built.rows[0]], 5)
        assert [[i for i, _ in row] for row in page] == [[int(i) for i in row if i >= 0] for row in built.items[0]]
        assert built.values[0] == pytest.approx(value_of(page, layout.attention, 5, 3), rel=1e-6)


@pytest.mark.parametrize(("n_rows", "n_candidates", "length"), [(3, 7, 6), (3, 8, 12), (4, 6, 16), (4, 5, 8)])
def test_within_two_percent_of_the_best_page(n_rows, n_candidates, length):
    """Against every order of every choice of rows, in 25 random worlds whose rows share many titles."""
    rng = np.random.default_rng(11)
    layout = Layout(rows=n_rows, columns=4, visible=4, billboard=False)
    for _ in range(25):
        rows = random_rows(rng, n_candidates, length)
        orders = permutations(range(n_candidates), n_rows)
        best = max(value_of(filled(rows, order, 4), layout.attention, 4, 4) for order in orders)
        assert build(rows, layout).values[0] >= 0.98 * best


def test_the_search_stops_at_the_end_of_the_page_under_a_billboard():
    """Two rows under a billboard, within 2 % of every choice and order: the search looks at no third."""
    rng = np.random.default_rng(13)
    layout = Layout(rows=3, columns=4, visible=4)
    for _ in range(25):
        rows = random_rows(rng, 6, 10)
        pools = pools_of(rows)
        pools.kinds[0, 0], pools.keys[0, 0], pools.sizes[0, 0] = RowKind.BILLBOARD, -1, 1
        pools.items[0, 0, 0], pools.worths[0, 0, 0], pools.logits[0, 0, 0] = rows[0][0][0], 0.05, np.log(0.05)
        built = build_pages(pools, request_of(layout), CATALOG, SHARES, 0.0, np.zeros(1, np.uint64))
        under = [[(rows[0][0][0], float(np.float32(0.05)))], *rows]
        pages = [filled(under, [0, *(k + 1 for k in order)], 4) for order in permutations(range(6), 2)]
        assert built.values[0] >= 0.98 * max(value_of(page, layout.attention, 4, 4) for page in pages)


def test_better_than_scoring_rows_alone_when_rows_nearly_repeat_each_other():
    """On every page no worse, on average at least a twentieth better: the twins of the best row add nothing to it."""
    rng = np.random.default_rng(5)
    layout = Layout(rows=3, columns=4, visible=4, billboard=False)
    ours, alone = [], []
    for _ in range(50):
        best, *others = random_rows(rng, 4, 10)
        twins = [[(item, float(np.float32(worth * share))) for item, worth in best] for share in (0.99, 0.98)]
        rows = [best, *twins, *[[(i, float(np.float32(w * 0.9))) for i, w in row] for row in others]]
        single = [value_of(filled(rows, [k], 4), layout.attention, 4, 4) for k in range(len(rows))]
        independent = filled(rows, [int(k) for k in np.argsort(single)[::-1][:3]], 4)
        alone.append(value_of(independent, layout.attention, 4, 4))
        ours.append(build(rows, layout).values[0])
    assert (np.array(ours) >= np.array(alone) * (1 - 1e-6)).all()
    assert np.mean(ours) >= 1.05 * np.mean(alone)


def test_more_of_the_same_taste_counts_less():
    """Two rows of one genre and a slightly weaker row of another: the other stands between them."""
    one, same, other = [(5, 0.1), (10, 0.1)], [(20, 0.09), (25, 0.09)], [(1, 0.06), (11, 0.06)]
    built = build([one, same, other], Layout(rows=3, columns=2, visible=2, billboard=False))
    assert built.rows[0].tolist() == [1, 3, 2]


def test_what_members_chose_counts_in_full_whatever_stands_above():
    """The same titles as a genre row, already seen above, add nothing; as continue watching they add a_ij * worth."""
    rows = [[(5, 0.9), (10, 0.9)], [(20, 0.3)]]
    layout = Layout(rows=2, columns=2, visible=2, billboard=False)
    pools = pools_of(rows)
    pools.kinds[0, 2] = RowKind.CONTINUE_WATCHING
    built = build_pages(pools, request_of(layout), CATALOG, SHARES, 0.0, np.zeros(1, np.uint64))
    places = {int(row) - 1: layout.attention.rows(2)[at] for at, row in enumerate(built.rows[0])}
    own = places[1] * float(np.float32(0.3))
    across, pi = layout.attention.columns(2, 2), PI[CATALOG.title_genres[5]].sum()
    misses = np.prod([1 - places[0] * across[c] * 0.5 for c in range(2)])
    assert built.values[0] == pytest.approx(own + pi * (1 - misses), rel=1e-6)


def test_no_title_stands_twice():
    rng = np.random.default_rng(2)
    for exploration in (0.0, 0.7):
        built = build(random_rows(rng, 6, 12), Layout(rows=5, columns=6, visible=3, billboard=False), exploration)
        shown = built.items[built.items >= 0]
        assert len(shown) == len(set(shown.tolist()))


def test_a_greedy_page_is_certain():
    built = build(random_rows(np.random.default_rng(4), 5, 8), Layout(rows=3, columns=4, visible=2, billboard=False))
    assert not built.row_log_probs.any()
    assert not built.item_log_probs.any()


@pytest.mark.parametrize("exploration", [0.3, 1.0])
def test_pages_are_drawn_as_often_as_their_probability_says(exploration):
    """Chi-square over all pages of a tiny world against the log-probabilities of the same calls; alpha = 0.001."""
    rows = [[(0, 0.2), (1, 0.1)], [(1, 0.15), (2, 0.1)], [(3, 0.05), (4, 0.04)]]
    layout = Layout(rows=2, columns=2, visible=2, billboard=False)
    draws = 60_000
    built = build(rows, layout, exploration, seeds=range(draws))
    keys = [(*map(int, r), *map(int, i.ravel())) for r, i in zip(built.rows, built.items, strict=True)]
    logs = built.row_log_probs.sum(axis=1) + built.item_log_probs.sum(axis=(1, 2))
    probability = dict(zip(keys, np.exp(logs), strict=True))
    assert sum(probability.values()) == pytest.approx(1.0, abs=0.002)  # pages never drawn are rare
    counts = dict.fromkeys(probability, 0)
    for key in keys:
        counts[key] += 1
    often = [key for key in probability if probability[key] * draws >= 5]
    rest = draws - sum(counts[key] for key in often)
    observed = np.array([counts[key] for key in often] + [rest])
    expected = np.array([probability[key] * draws for key in often])
    expected = np.append(expected, draws - expected.sum())
    keep = expected >= 1
    assert chisquare(observed[keep], expected[keep] * observed[keep].sum() / expected[keep].sum()).pvalue > 0.001


def test_row_probabilities_are_softmax_of_gains():
    """One title a row, one row: P(row) = gain^(1/T) / sum of gain^(1/T), gain = worth for uncapped titles."""
    worths = [0.002, 0.001, 0.004]
    rows = [[(item, worth)] for item, worth in zip((1, 2, 4), worths, strict=True)]
    layout = Layout(rows=1, columns=1, visible=1, billboard=False)
    built = build(rows, layout, exploration=0.5, seeds=range(50))
    powers = np.array(worths) ** 2
    for b in range(50):
        expected = np.log(powers[built.rows[b, 0] - 1] / powers.sum())
        assert built.row_log_probs[b, 0] == pytest.approx(expected, abs=1e-5)


def test_title_probabilities_are_plackett_luce():
    """All orders of three titles from a row of three, by enumeration: P = product of worth over what remains."""
    worths = np.array([0.2, 0.1, 0.05])
    rows = [[(item, float(w)) for item, w in zip((1, 2, 4), worths, strict=True)]]
    layout = Layout(rows=1, columns=3, visible=3, billboard=False)
    built = build(rows, layout, exploration=1.0, seeds=range(200))
    place = {1: 0, 2: 1, 4: 2}
    seen = set()
    for b in range(200):
        order = [place[int(i)] for i in built.items[b, 0]]
        expected, left = 0.0, worths.sum()
        for k in order:
            expected += np.log(worths[k] / left)
            left -= worths[k]
        assert built.item_log_probs[b, 0].sum() == pytest.approx(expected, abs=1e-5)
        seen.add(tuple(order))
    assert len(seen) == len(list(permutations(range(3))))


def test_an_empty_world_gives_an_empty_page():
    built = build([[(0, 0.1)]], Layout(rows=2, columns=3, visible=3, billboard=False))
    assert built.rows[0].tolist() == [1, -1]
    nothing = pools_of([[(0, 0.1)]])
    nothing.sizes[:] = 0
    empty = build_pages(nothing, request_of(Layout()), CATALOG, SHARES, 0.0, np.zeros(1, np.uint64))
    assert (empty.items < 0).all()
    assert (empty.rows < 0).all()


def test_every_combination_of_rows_and_screens_is_accounted_for():
    rng = np.random.default_rng(8)
    for n_rows, columns, visible in product((1, 3, 9), (1, 4, 11), (1, 5)):
        rows = random_rows(rng, 6, 10)
        built = build(rows, Layout(rows=n_rows, columns=columns, visible=visible, billboard=False), 0.5)
        used = built.rows[0][built.rows[0] >= 0]
        assert len(used) == min(n_rows, 6) or len(used) < 6
        assert np.isfinite(built.row_log_probs).all()
        assert (built.item_log_probs[built.items < 0] == 0).all()


@pytest.mark.parametrize("kind", list(RowKind))
def test_kinds_of_rows_are_looked_up_by_their_number(kind):
    assert kinds_flagged(KEEPS_REPEATS)[kind] == (kind in KEEPS_REPEATS)

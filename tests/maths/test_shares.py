"""Draws with shares: who is owed is arithmetic, all lists together have probability 1, and what is drawn is as likely
as it says.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from matinee.maths.shares import Shares, draw_with_shares


def shares_of(shares: list[float]) -> Shares:
    return Shares(np.array(shares), np.empty(0, np.uint8), np.zeros(len(shares) + 1, np.int64))


def draw(logits, groups, shares, n, temperature=1.0, seed=0, wanted=None):
    """The positions drawn, or `wanted`, their log-probabilities, and the places had."""
    chosen, log_probs = np.full(n, -1) if wanted is None else np.array(wanted, np.int64), np.zeros(n)
    state = shares_of(shares)
    groups = np.array(groups, np.uint8)
    given = wanted is not None
    draw_with_shares(
        np.array(logits, np.float32), groups, state, n, temperature, np.uint64(seed), given, chosen, log_probs
    )
    return chosen.tolist(), log_probs, state.had.tolist()


@pytest.mark.parametrize(
    ("shares", "places"),
    [
        ([0.25], [1, 5]),  # owed once share * (place + 1) + 1/2 - had reaches 1
        ([0.5], [0, 2, 4, 6]),
        ([1.0], list(range(8))),
        ([0.1], [4]),
    ],
)
def test_a_group_has_its_places_and_no_more_where_it_would_never_win(shares, places):
    logits, groups = [9.0] * 8 + [0.0] * 8, [0] * 8 + [1] * 8
    chosen, log_probs, had = draw(logits, groups, shares, 8, temperature=0.0)
    assert [place for place, at in enumerate(chosen) if at >= 8] == places
    assert log_probs.tolist() == [0.0] * 8
    assert had == [len(places), 8]


def test_places_that_a_group_wins_by_itself_count():
    chosen, _, had = draw([5.0, 4.0, 3.0, 2.0], [1, 1, 0, 0], [0.5], 4, temperature=0.0)
    assert (chosen, had) == ([0, 1, 2, 3], [2, 4])


def test_a_group_that_has_run_out_leaves_its_places_to_others():
    chosen, _, had = draw([5.0, 4.0, 3.0], [0, 0, 1], [1.0], 3, temperature=0.0)
    assert (chosen, had) == ([2, 0, 1], [1, 3])


def test_of_two_groups_the_one_owed_more_comes_first_and_a_title_may_serve_both():
    chosen, _, had = draw([5.0, 4.0, 3.0, 2.0], [0, 0, 2, 3], [0.25, 0.75], 4, temperature=0.0)
    assert (chosen, had) == ([2, 3, 0, 1], [1, 2, 4])


def test_all_lists_have_probability_one_and_each_is_a_product():
    logits, groups, shares = [0.3, -1.0, 0.8, 0.0], [0, 1, 1, 0], [0.5]
    found = {one: draw(logits, groups, shares, 3, 0.7, wanted=one)[1] for one in permutations(range(4), 3)}
    whole = sum(np.exp(log_probs.sum()) for log_probs in found.values())
    assert whole == pytest.approx(1.0, abs=1e-12)
    weights = np.exp(np.array(logits) / 0.7)
    first = weights[2] / (weights[1] + weights[2])  # the first place is owed to the group: titles 1 and 2
    second = weights[0] / (weights[0] + weights[1] + weights[3])
    assert np.exp(found[2, 0, 1]) == pytest.approx([first, second, 1.0])  # the third is owed again: 1 alone is left
    assert found[0, 1, 2][0] == -np.inf


def test_draws_are_as_frequent_as_they_say():
    """20,000 draws; a share is within 4.5 of its standard deviations, which a true one leaves 7 times in a million."""
    logits, groups, n = [0.3, -1.0, 0.8, 0.0], [0, 1, 1, 0], 20_000
    counts: dict[tuple[int, ...], int] = {}
    said: dict[tuple[int, ...], float] = {}
    for seed in range(n):
        chosen, log_probs, _ = draw(logits, groups, [0.5], 2, 1.0, seed)
        counts[tuple(chosen)] = counts.get(tuple(chosen), 0) + 1
        said[tuple(chosen)] = np.exp(log_probs.sum())
    assert sum(said.values()) == pytest.approx(1.0)
    for one, share in said.items():
        assert abs(counts[one] / n - share) <= 4.5 * np.sqrt(share * (1 - share) / n)

"""The suite that every policy passes: what a Policy promises, checked on requests of your own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Policy, Requests
from matinee.eligibility import check
from matinee.page import KEEPS_REPEATS, RowKind

TOLERANCE = 1e-6  # how far a recomputed log-probability may be from the logged one


def check_policy(make: Callable[[], Policy], catalog: Catalog, requests: Requests) -> None:
    """Raise AssertionError at the first promise of `Policy` that the policy of `make()` breaks.

    `requests` should hold members with and without histories; at least two. Checked: shapes and empty places, ids,
    guarantees, no title twice, log-probabilities at most 0 and equal to `log_prob` of the page (also after a round
    trip through its log record), same seed same bytes, batch equals single where nothing is left to chance.
    """
    policy = make()
    decisions = policy.decide(requests, np.random.default_rng(7))
    _check_form(decisions, requests)
    check(catalog, requests, decisions)
    _check_no_repeats(decisions)
    _check_probabilities(policy, requests, decisions)
    again = make().decide(requests, np.random.default_rng(7))
    assert _bytes(again) == _bytes(decisions), "the same seed gave another decision"
    _check_singles(policy, requests)


def _check_form(decisions: Decisions, requests: Requests) -> None:
    shape = (len(requests), requests.layout.rows, requests.layout.columns)
    assert decisions.items.shape == shape, f"items have shape {decisions.items.shape}, the layout asks for {shape}"
    assert len(set(decisions.decision_ids)) == len(requests), "decision ids repeat within the batch"
    assert decisions.user_ids == tuple(profile.user_id for profile in requests.profiles)
    shown = decisions.items >= 0
    assert (np.diff(shown.astype(int), axis=2) <= 0).all(), "a row has a gap before a title"
    assert (shown.any(axis=2) == (decisions.row_kinds != RowKind.EMPTY)).all(), "a row is named but empty, or not named"
    assert ((decisions.scores[shown] > 0) & (decisions.scores[shown] <= 1)).all(), "a score is no probability"


def _check_no_repeats(decisions: Decisions) -> None:
    free = ~np.isin(decisions.row_kinds, KEEPS_REPEATS)
    for b in range(len(decisions)):
        shown = decisions.items[b][free[b]]
        shown = shown[shown >= 0]
        assert len(np.unique(shown)) == len(shown), f"decision {b} shows a title twice"


def _check_probabilities(policy: Policy, requests: Requests, decisions: Decisions) -> None:
    logs = decisions.log_probs
    assert (decisions.row_log_probs <= TOLERANCE).all(), "a row has a probability above 1"
    assert (decisions.item_log_probs <= TOLERANCE).all(), "a title has a probability above 1"
    difference = np.abs(policy.log_prob(requests, decisions) - logs)
    assert (difference <= TOLERANCE).all(), f"log_prob differs from what was logged by {difference.max()}"
    for b in range(min(len(requests), 5)):
        one = requests.take(np.array([b]))
        back = Decisions.from_record(decisions.record(b), requests.layout)
        assert abs(policy.log_prob(one, back)[0] - logs[b]) <= TOLERANCE, "the log record is not the decision"
    shown = (decisions.items >= 0).any(axis=(1, 2))
    impossible = policy.log_prob(requests, _without_first(decisions))[shown]
    assert (impossible == -np.inf).all(), "a page with a hole in its first place is thought possible"


def _without_first(decisions: Decisions) -> Decisions:
    """The same pages with the first title replaced by none."""
    items = decisions.items.copy()
    items[:, 0, 0] = -1
    return replace(decisions, items=items)


def _check_singles(policy: Policy, requests: Requests) -> None:
    certain = replace(requests, exploration=0.0)
    batch = policy.decide(certain, np.random.default_rng(0))
    for b in range(min(len(requests), 5)):
        single = policy.decide(certain.take(np.array([b])), np.random.default_rng(0))
        assert (single.items[0] == batch.items[b]).all(), f"request {b} is answered otherwise alone than in a batch"


def _bytes(decisions: Decisions) -> tuple[bytes, ...]:
    arrays = (decisions.items, decisions.scores, decisions.row_log_probs, decisions.item_log_probs, decisions.evidence)
    return tuple(array.tobytes() for array in arrays)

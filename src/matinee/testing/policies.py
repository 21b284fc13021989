"""The suite that every policy passes: what a Policy promises, checked on requests of your own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Choices, Decisions, Layer, Policy, Requests
from matinee.decision.decisions import LINES
from matinee.decision.eligibility import check
from matinee.decision.record import of_record, record_of
from matinee.maths.ragged import Ragged
from matinee.page import KEEPS_REPEATS

TOLERANCE = 1e-6  # how far a recomputed log-probability may be from the logged one
FEW = 5  # decisions that are looked at one by one


def check_policy(make: Callable[[], Policy], catalog: Catalog, requests: Requests) -> None:
    """Raise AssertionError at the first promise of `Policy` that the policy of `make()` breaks.

    `requests` should hold members with and without histories; at least two. Checked: ids, the order of the choices,
    guarantees, no title twice, log-probabilities at most 0 and equal to `log_prob` choice by choice (also after a round
    trip through the log's record), impossible decisions, same seed same decision, batch equals single where nothing is
    left to chance.
    """
    policy = make()
    decisions = policy.decide(requests, np.random.default_rng(7))
    _check_form(decisions, requests)
    check(catalog, decisions)
    _check_no_repeats(decisions)
    _check_probabilities(policy, decisions)
    _check_impossible(policy, decisions)
    again = make().decide(requests, np.random.default_rng(7))
    _check_same(again.choices, decisions.choices, "the same seed gave another decision")
    assert again.ids == decisions.ids, "the same seed gave other ids"
    _check_singles(policy, requests)


def _check_form(decisions: Decisions, requests: Requests) -> None:
    choices, layout = decisions.choices, requests.layout
    assert len(decisions) == len(requests), f"{len(decisions)} decisions for {len(requests)} requests"
    assert len(set(decisions.ids)) == len(requests), "decision ids repeat within the batch"
    assert (decisions.eligible >= 0).all(), "a count of eligible titles is negative"
    assert (choices.among >= 1).all(), "a choice was made among nothing"
    assert np.isin(choices.layers, tuple(Layer)).all(), "a choice is of no known layer"
    row, title = decisions.layer(Layer.ROW), decisions.layer(Layer.TITLE)
    assert (choices.actions[row] < len(decisions.row_names)).all(), "a row has no name"
    assert (choices.rows[title] < layout.rows).all(), "a title stands below the layout"
    assert (choices.columns[title] < layout.columns).all(), "a title stands right of the layout"
    assert ((choices.scores[title] >= 0) & (choices.scores[title] <= 1)).all(), "a score is no probability"
    place = (choices.decisions * (layout.rows + 1) + choices.rows) * (layout.columns + 1) + choices.columns
    assert (np.diff(place[row | title]) > 0).all(), "rows and titles are not in reading order"
    pages = decisions.page()
    shown = pages.items >= 0
    assert (np.diff(shown.astype(int), axis=2) <= 0).all(), "a row has a gap before a title"
    if row.any():
        assert (shown.any(axis=2) == (pages.rows >= 0)).all(), "a row is named but empty, or not named"


def _check_no_repeats(decisions: Decisions) -> None:
    pages = decisions.page()
    free = ~np.isin(pages.row_kinds, KEEPS_REPEATS)
    for b in range(len(decisions)):
        shown = pages.items[b][free[b]]
        shown = shown[shown >= 0]
        assert len(np.unique(shown)) == len(shown), f"decision {b} shows a title twice"


def _check_probabilities(policy: Policy, decisions: Decisions) -> None:
    logged = decisions.choices.log_probs
    difference = np.abs(policy.log_prob(decisions) - logged)
    assert (difference <= TOLERANCE).all(), f"log_prob differs from what was logged by {difference.max()}"
    for b in range(min(len(decisions), FEW)):
        one = decisions.take(np.array([b]))
        back = of_record(record_of(decisions, b), one.requests.histories)
        _check_same(back.choices, one.choices, "the log record is not the decision", but=("actions",))
        assert [back.row_names[k] for k in back.choices.actions[back.layer(Layer.ROW)]] == [
            one.row_names[k] for k in one.choices.actions[one.layer(Layer.ROW)]
        ], "the log record names other rows"
        again = policy.log_prob(back)
        assert np.abs(again - one.choices.log_probs).max(initial=0.0) <= TOLERANCE, "the record cannot be asked again"


def _check_impossible(policy: Policy, decisions: Decisions) -> None:
    """Had its first title been excluded, a decision could not have been made."""
    choices, title = decisions.choices, decisions.layer(Layer.TITLE)
    showing, first = np.unique(choices.decisions[title], return_index=True)
    requests = decisions.requests
    exclude = [[] if requests.exclude is None else requests.exclude[b].tolist() for b in range(len(requests))]
    for b, item in zip(showing, choices.actions[title][first], strict=True):
        exclude[b].append(int(item))
    hidden = replace(decisions, requests=replace(requests, exclude=Ragged.of(exclude)))
    found = decisions.sums(policy.log_prob(hidden))[showing]
    assert (found == -np.inf).all(), "a decision that shows an excluded title is thought possible"


def _check_singles(policy: Policy, requests: Requests) -> None:
    certain = replace(requests, exploration=0.0)
    batch = policy.decide(certain, np.random.default_rng(0))
    for b in np.flatnonzero(batch.log_probs == 0)[:FEW]:
        single = policy.decide(certain.take(np.array([b])), np.random.default_rng(0))
        same = np.array_equal(single.titles, batch.take(np.array([b])).titles)
        assert same, f"request {b} is answered otherwise alone than in a batch"


def _check_same(one: Choices, other: Choices, message: str, but: tuple[str, ...] = ()) -> None:
    assert np.array_equal(one.offsets, other.offsets), message
    for name in LINES:
        values, expected = getattr(one, name), getattr(other, name)
        if name in but:
            continue
        assert np.allclose(values, expected, rtol=TOLERANCE, atol=TOLERANCE), f"{message}: {name}"

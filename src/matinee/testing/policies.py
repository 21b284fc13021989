"""The suite that every policy passes: what a Policy promises, checked on requests of your own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.log import EventLog
from matinee.decision import Choices, Decisions, Enumerates, Layer, Learns, Policy, Requests, RowName, row_key, row_name
from matinee.decision.columns import SCORE_UNIT
from matinee.decision.decisions import LINES, SILENT
from matinee.decision.eligibility import check
from matinee.decision.rows import TYPED, UNKNOWN
from matinee.maths.ragged import Ragged
from matinee.page import KEEPS_REPEATS
from matinee.testing.learners import check_enumerates, check_learns

TOLERANCE = 1e-6  # how far a recomputed log-probability may be from the logged one
FEW = 5  # decisions that are looked at one by one
SOME = 3  # titles offered where a request is asked to choose from few


def check_policy(make: Callable[[], Policy], catalog: Catalog, requests: Requests) -> None:
    """Raise AssertionError at the first promise of `Policy` that the policy of `make()` breaks.

    `requests` should hold members with and without histories; at least two. Checked: ids, the order of the choices,
    guarantees, no title twice, log-probabilities at most 0 and equal to `log_prob` choice by choice, also asked again
    from a log, row names that outlive titles to come, impossible decisions, silence where nothing may be shown, same
    seed same decision, batch equals single where nothing is left to chance or each has a seed of its own; and what a
    policy offers beyond: a distribution (`Enumerates`), learning (`Learns`).
    """
    policy = make()
    decisions = policy.decide(requests, np.random.default_rng(7))
    _check_form(decisions, requests)
    assert decisions.catalog == len(catalog), (
        f"decisions say {decisions.catalog} titles, the catalogue has {len(catalog)}"
    )
    check(catalog, decisions)
    _check_no_repeats(decisions)
    _check_probabilities(policy, decisions)
    _check_from_a_log(policy, decisions)
    _check_names(decisions, catalog)
    _check_impossible(policy, decisions)
    _check_nothing_to_show(policy, catalog, requests)
    again = make().decide(requests, np.random.default_rng(7))
    _check_same(again.choices, decisions.choices, "the same seed gave another decision")
    assert again.ids == decisions.ids, "the same seed gave other ids"
    _check_singles(policy, requests)
    _check_own_chance(policy, requests)
    if isinstance(policy, Enumerates):
        check_enumerates(policy, catalog, decisions)
    if isinstance(policy, Learns):
        check_learns(make, requests)


def _check_form(decisions: Decisions, requests: Requests) -> None:
    choices, layout = decisions.choices, requests.layout
    assert len(decisions) == len(requests), f"{len(decisions)} decisions for {len(requests)} requests"
    assert len(set(decisions.ids)) == len(requests), "decision ids repeat within the batch"
    assert (decisions.eligible >= 0).all(), "a count of eligible titles is negative"
    assert (choices.among >= 1).all(), "a choice was made among nothing"
    assert np.isin(choices.layers, tuple(Layer)).all(), "a choice is of no known layer"
    row, title = decisions.layer(Layer.ROW), decisions.layer(Layer.TITLE)
    assert (choices.makers < len(decisions.makers)).all(), "a choice names a maker that is none"
    assert (choices.actions[row] < len(decisions.row_names)).all(), "a row has no name"
    silent = decisions.layer(Layer.SEND) & (choices.actions == SILENT)
    last = np.append(choices.decisions[1:] != choices.decisions[:-1], True)[: len(silent)]
    assert last[silent].all(), "something is shown after staying silent"
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
    difference = np.abs(policy.log_prob(decisions) - decisions.choices.log_probs)
    assert (difference <= TOLERANCE).all(), f"log_prob differs from what was logged by {difference.max()}"


def _check_from_a_log(policy: Policy, decisions: Decisions) -> None:
    """The first decisions, written to a log and read back, are the same and are asked again alone."""
    few = decisions.take(np.arange(min(len(decisions), FEW)))
    with TemporaryDirectory() as folder, EventLog(Path(folder) / "log.sqlite") as log:
        log.decisions.append(few)
        read = [log.decisions.get(one) for one in few.ids]
    for b, logged in enumerate(read):
        one = few.take(np.array([b]))
        assert logged.requests.digests == one.requests.digests, "the log's digest is not that of the history"
        asked = replace(logged.requests, histories=one.requests.histories, logged_digests=None)
        if asked.together is not None and one.requests.together is not None:
            seen = one.requests.together.histories
            asked = replace(asked, together=replace(asked.together, histories=seen, logged_digests=None))
        back = replace(logged, requests=asked)
        _check_same(back.choices, one.choices, "the log's decision is another", but=("actions", "scores"))
        assert np.allclose(back.choices.scores, one.choices.scores, rtol=0, atol=SCORE_UNIT), "scores are others"
        rows = back.layer(Layer.ROW)
        actions = np.where(rows, one.choices.actions, back.choices.actions)  # rows are numbered anew, see their names
        assert np.array_equal(actions, one.choices.actions), "the log shows other titles"
        assert [back.row_names[k] for k in back.choices.actions[rows]] == [
            one.row_names[k] for k in one.choices.actions[rows]
        ], "the log names other rows"
        assert back.makers == one.makers, "the log names other makers"
        again = policy.log_prob(back)
        assert np.abs(again - one.choices.log_probs).max(initial=0.0) <= TOLERANCE, (
            "what was logged cannot be asked again"
        )


def _check_names(decisions: Decisions, catalog: Catalog) -> None:
    """Rows are named by what outlives titles to come, also such as bring genres before all others."""
    more = pl.DataFrame({"item_id": ["check_policy"], "genres": [["\t a genre before all others"]]})
    grown = catalog.append(more)
    for name in (one for one in decisions.row_names if one.kind not in TYPED):
        assert row_key(name, grown) != UNKNOWN, f"the row {name} means nothing once a title was appended"
        assert row_name(name.kind, row_key(name, grown), grown) == name, f"the row {name} means another thing then"


def _check_nothing_to_show(policy: Policy, catalog: Catalog, requests: Requests) -> None:
    """Where no title may be shown none is, beside requests that are answered as ever."""
    half = np.arange(len(requests)) % 2 == 0
    offered = list(range(min(SOME, len(catalog))))
    wanted = [offered if own is None else own for own in _candidates(requests)]
    some = [[] if empty else own for empty, own in zip(half, wanted, strict=True)]
    decisions = policy.decide(replace(requests, candidates=Ragged.of(some)), np.random.default_rng(1))
    titles = decisions.sums(decisions.layer(Layer.TITLE).astype(np.float64))
    assert (titles[half] == 0).all(), "a title is shown where none may be"
    assert (decisions.eligible[half] == 0).all(), "titles are eligible where none may be shown"
    _check_form(decisions, decisions.requests)
    _check_probabilities(policy, decisions)


def _candidates(requests: Requests) -> list[list[int] | None]:
    """The titles that each request asks to choose from, None for all."""
    if requests.candidates is None:
        return [None] * len(requests)
    return [requests.candidates[b].tolist() for b in range(len(requests))]


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


def _check_own_chance(policy: Policy, requests: Requests) -> None:
    seeds = np.random.default_rng(1).integers(2**64, size=len(requests), dtype=np.uint64)
    own = replace(requests, seeds=seeds)
    batch = policy.decide(own, np.random.default_rng(2))
    for b in range(min(FEW, len(requests))):
        single, same = policy.decide(own.take(np.array([b])), np.random.default_rng(3)), batch.take(np.array([b]))
        message = f"request {b} with a seed of its own is answered otherwise alone than in a batch"
        assert _said(single) == _said(same), message
        assert np.allclose(single.choices.log_probs, same.choices.log_probs, rtol=TOLERANCE, atol=TOLERANCE), message


def _said(decisions: Decisions) -> list[RowName | int]:
    """What was chosen, whatever the order of the names of rows."""
    actions, rows = decisions.choices.actions.tolist(), decisions.layer(Layer.ROW).tolist()
    return [decisions.row_names[one] if row else one for one, row in zip(actions, rows, strict=True)]


def _check_same(one: Choices, other: Choices, message: str, but: tuple[str, ...] = ()) -> None:
    assert np.array_equal(one.offsets, other.offsets), message
    for name in LINES:
        values, expected = getattr(one, name), getattr(other, name)
        if name in but:
            continue
        assert np.allclose(values, expected, rtol=TOLERANCE, atol=TOLERANCE), f"{message}: {name}"

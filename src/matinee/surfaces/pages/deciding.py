"""From built pages to Decisions and back: what every surface that uses the page builder shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Choices, Decisions, Layer, Maker, Pages, Requests, row_key, row_name
from matinee.decision.eligibility import check
from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, UInt64s
from matinee.maths.calibration import Platt
from matinee.page import RowKind
from matinee.surfaces.pages.builder import Built, Shown
from matinee.surfaces.pages.rows import BILLBOARD, Pools

LEAST = np.float32(1e-6)  # no title is thought to satisfy never, or surely


def worth_of(scores: Floats, calibration: Platt) -> Floats:
    """The probability that each title satisfies, if looked at, of the shape of `scores`."""
    worth = calibration.probability(scores)
    return np.clip(worth, LEAST, 1 - LEAST, out=worth)


def decided(
    requests: Requests,
    pages: Pages,
    built: Built,
    allowed: Flags,
    *,
    bits: UInt64s,
    ids: tuple[str, ...],
    maker: Maker,
    catalog: Catalog,
    timings: Mapping[str, float],
) -> Decisions:
    """The Decisions of built pages, checked: every title is `allowed` (batch, titles)."""
    decisions = Decisions(
        requests=requests,
        ids=ids,
        makers=(maker,),
        choices=Choices.of_pages(pages, built.among_rows, built.among_titles),
        eligible=np.array([np.count_nonzero(titles) for titles in allowed], np.int32),
        bits=bits,
        row_names=pages.names,
        catalog=len(catalog),
        timings=dict(timings),
    )
    check(catalog, decisions, allowed)
    return decisions


def shown_in(decisions: Decisions, pools: Pools, catalog: Catalog) -> Shown:
    """What was shown, in terms of these pools: the candidate row at each place (batch, r) and the titles (batch, r, c).

    -1 stands for empty places, a row that is never offered for rows that these pools do not know.
    """
    pages = decisions.page()
    keys = np.array([row_key(name, catalog) for name in pages.names] + [-1], np.int32)[pages.rows]
    same = (pages.row_kinds[:, :, None] == pools.kinds[:, None, :]) & (keys[:, :, None] == pools.keys[:, None, :])
    known = np.where(same.any(axis=2), same.argmax(axis=2), BILLBOARD)
    return np.where(pages.rows < 0, -1, known).astype(np.int32), pages.items


def log_probs_of(decisions: Decisions, built: Built) -> Doubles:
    """(lines,) the log-probability of each choice of these decisions, given pages that were built to follow them.

    A page that could not have been built has -inf at the first choice that was impossible.
    """
    choices = decisions.choices
    row, title = decisions.layer(Layer.ROW), decisions.layer(Layer.TITLE)
    log_probs = np.zeros(len(choices.actions))
    log_probs[row] = built.row_log_probs[choices.decisions[row], choices.rows[row]]
    log_probs[title] = built.item_log_probs[choices.decisions[title], choices.rows[title], choices.columns[title]]
    return _with_impossible(log_probs, decisions, built)


def pages_of(pools: Pools, built: Built, evidence: Int32s, catalog: Catalog) -> Pages:
    """Built pages with their rows named; `evidence` (batch, r, c)."""
    b, r = np.nonzero(built.rows >= 0)
    row = built.rows[b, r]
    kinds, keys = pools.kinds[b, row].astype(np.int64), pools.keys[b, row].astype(np.int64)
    _, first, number = np.unique(kinds << 32 | keys + 1, return_index=True, return_inverse=True)
    row_kinds, rows = np.full(built.rows.shape, RowKind.EMPTY, np.int8), np.full(built.rows.shape, -1, np.int32)
    row_kinds[b, r], rows[b, r] = kinds, number
    return Pages(
        items=built.items,
        scores=built.worths,
        evidence=evidence,
        item_log_probs=built.item_log_probs,
        row_kinds=row_kinds,
        rows=rows,
        row_log_probs=built.row_log_probs,
        names=tuple(row_name(*one, catalog) for one in zip(kinds[first].tolist(), keys[first].tolist(), strict=True)),
        art=np.full(built.items.shape, -1, np.int32),
        presentation_log_probs=np.zeros(built.items.shape),
    )


def _with_impossible(log_probs: Doubles, decisions: Decisions, built: Built) -> Doubles:
    """Where a page was impossible at a place that holds no choice, its first choice says so."""
    impossible = np.isneginf(built.row_log_probs).any(axis=1) | np.isneginf(built.item_log_probs).any(axis=(1, 2))
    offsets = decisions.choices.offsets
    unsaid = impossible & ~np.isneginf(decisions.sums(log_probs)) & (np.diff(offsets) > 0)
    log_probs[offsets[:-1][unsaid]] = -np.inf
    return log_probs

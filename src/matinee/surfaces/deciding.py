"""From built pages to Decisions and back: what every surface that uses the page builder shares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.decision import Decisions, Requests, Scorer
from matinee.maths.arrays import Doubles, Floats, Int32s
from matinee.maths.calibration import Platt
from matinee.page import RowKind
from matinee.surfaces.page_builder import Built
from matinee.surfaces.rows import BILLBOARD, Pools

ARRAYS = ("times", "items", "scores", "row_kinds", "row_keys", "row_log_probs", "item_log_probs", "evidence")
LEAST = np.float32(1e-6)  # no title is thought to satisfy never, or surely


def worth_of(scorer: Scorer, calibration: Platt, requests: Requests) -> Floats:
    """(batch, titles): the probability that each title satisfies, if looked at."""
    return np.clip(calibration.probability(scorer.score(requests)), LEAST, 1 - LEAST)


def decided(
    requests: Requests, pools: Pools, built: Built, evidence: Int32s, ids: tuple[str, ...], **fields: Any
) -> Decisions:
    """The Decisions of built pages; `fields` are `policy_id`, `artifact_id` and `timings`."""
    return Decisions(
        decision_ids=ids,
        surface=requests.surface,
        user_ids=tuple(profile.user_id for profile in requests.profiles),
        times=requests.times,
        layout=requests.layout,
        items=built.items,
        scores=built.worths,
        row_kinds=_at(pools.kinds, built.rows, RowKind.EMPTY),
        row_keys=_at(pools.keys, built.rows, -1),
        row_log_probs=built.row_log_probs,
        item_log_probs=built.item_log_probs,
        evidence=evidence,
        **fields,
    )


def candidates_of(decisions: Decisions, pools: Pools) -> Int32s:
    """Which candidate row each shown row was, (batch, r): -1 for empty places, one never offered for unknown rows."""
    same = (decisions.row_kinds[:, :, None] == pools.kinds[:, None, :]) & (
        decisions.row_keys[:, :, None] == pools.keys[:, None, :]
    )
    known = np.where(same.any(axis=2), same.argmax(axis=2), BILLBOARD)
    return np.where(decisions.row_kinds == RowKind.EMPTY, -1, known).astype(np.int32)


def page_log_probs(built: Built) -> Doubles:
    """(batch,) log-probability of each page."""
    return np.asarray(built.row_log_probs.sum(axis=1) + built.item_log_probs.sum(axis=(1, 2)))


def joined(parts: list[Decisions]) -> Decisions:
    """One batch out of blocks; timings add up over the blocks."""
    timings = {lap: sum(part.timings[lap] for part in parts) for lap in parts[0].timings}
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    return replace(
        parts[0],
        decision_ids=tuple(one for part in parts for one in part.decision_ids),
        user_ids=tuple(one for part in parts for one in part.user_ids),
        timings=timings,
        **arrays,
    )


def decision_ids(batch: int, rng: np.random.Generator) -> tuple[str, ...]:
    """`batch` opaque ids of 128 random bits."""
    return tuple(rng.bytes(16).hex() for _ in range(batch))


def _at(values: NDArray[Any], rows: Int32s, empty: int) -> NDArray[Any]:
    """The value of the candidate row that stands at each place of the page, `empty` where none does."""
    return np.where(rows >= 0, np.take_along_axis(values, np.maximum(rows, 0), axis=1), values.dtype.type(empty))

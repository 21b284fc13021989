"""Decisions: what was shown to a batch of requests, how likely it was, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.errors import BadData
from matinee.page import WEB, Layout, RowKind

UNSPOKEN = -2  # evidence that must not be named


@dataclass(frozen=True)
class Decisions:
    """What was shown to a batch, how likely it was, and why. Frozen: a decision is logged as it was made.

    Axes: batch b, row r, column c. Empty places hold -1 (items) and `RowKind.EMPTY` (row_kinds).

    items              (b, r, c) int32    dense title index
    scores             (b, r, c) float32  estimated probability that the title satisfies, if looked at
    row_kinds          (b, r)    int8     `page.RowKind`
    row_keys           (b, r)    int32    what the row is about, see `RowKind`
    row_log_probs      (b, r)    float64  log P(this row here | the rows above)
    item_log_probs     (b, r, c) float64  log P(this title here | the row, the titles before it and above)
    evidence           (b, r, c) int32    the watched title that speaks most for this one; -1 = none does,
                                          `UNSPOKEN` = one that this profile may not be shown

    The probability of a whole page is exp(sum of both): `log_probs`. `fallback` names the step of the fall-back
    ladder that answered ("" = the intended policy). `timings` are milliseconds per stage of the flow.
    """

    decision_ids: tuple[str, ...]
    policy_id: str
    artifact_id: str
    surface: str
    user_ids: tuple[str, ...]
    times: NDArray[np.int64]
    layout: Layout
    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    row_kinds: NDArray[np.int8]
    row_keys: NDArray[np.int32]
    row_log_probs: NDArray[np.float64]
    item_log_probs: NDArray[np.float64]
    evidence: NDArray[np.int32]
    cell: str = ""
    fallback: str = ""
    timings: dict[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def log_probs(self) -> NDArray[np.float64]:
        """Log P(the whole page), shape (batch,)."""
        return np.asarray(self.row_log_probs.sum(axis=1) + self.item_log_probs.sum(axis=(1, 2)))

    def record(self, b: int) -> dict[str, Any]:
        """Decision `b` as plain data for the log: only the rows and columns in use, numbers as they were."""
        rows = np.flatnonzero(self.row_kinds[b] != RowKind.EMPTY)
        return {
            "decision_id": self.decision_ids[b],
            "policy_id": self.policy_id,
            "artifact_id": self.artifact_id,
            "surface": self.surface,
            "user_id": self.user_ids[b],
            "time": int(self.times[b]),
            "cell": self.cell,
            "fallback": self.fallback,
            "shape": [int(n) for n in self.items.shape[1:]],
            "rows": [self._row(b, int(r)) for r in rows],
        }

    def _row(self, b: int, r: int) -> dict[str, Any]:
        used = self.items[b, r] >= 0
        return {
            "position": r,
            "kind": int(self.row_kinds[b, r]),
            "key": int(self.row_keys[b, r]),
            "log_prob": float(self.row_log_probs[b, r]),
            "items": self.items[b, r][used].tolist(),
            "scores": self.scores[b, r][used].tolist(),
            "log_probs": self.item_log_probs[b, r][used].tolist(),
            "evidence": self.evidence[b, r][used].tolist(),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any], layout: Layout = WEB) -> Decisions:
        """A batch of one out of what `record` wrote. Raises `BadData` when the record is not one."""
        try:
            rows, columns = record["shape"]
            arrays = _blank(1, rows, columns)
            for row in record["rows"]:
                r, used = row["position"], slice(0, len(row["items"]))
                arrays["row_kinds"][0, r], arrays["row_keys"][0, r] = row["kind"], row["key"]
                arrays["row_log_probs"][0, r] = row["log_prob"]
                arrays["items"][0, r, used], arrays["scores"][0, r, used] = row["items"], row["scores"]
                arrays["item_log_probs"][0, r, used] = row["log_probs"]
                arrays["evidence"][0, r, used] = row["evidence"]
            return cls(
                decision_ids=(record["decision_id"],),
                policy_id=record["policy_id"],
                artifact_id=record["artifact_id"],
                surface=record["surface"],
                user_ids=(record["user_id"],),
                times=np.array([record["time"]], np.int64),
                layout=layout,
                cell=record["cell"],
                fallback=record["fallback"],
                **arrays,
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BadData(f"not a decision record: {error!r}; seen keys {sorted(record)[:12]}") from error


def _blank(batch: int, rows: int, columns: int) -> dict[str, Any]:
    """Empty arrays of a page, as keyword arguments of `Decisions`."""
    page = (batch, rows, columns)
    return {
        "items": np.full(page, -1, np.int32),
        "scores": np.zeros(page, np.float32),
        "row_kinds": np.full(page[:2], RowKind.EMPTY, np.int8),
        "row_keys": np.full(page[:2], -1, np.int32),
        "row_log_probs": np.zeros(page[:2]),
        "item_log_probs": np.zeros(page),
        "evidence": np.full(page, -1, np.int32),
    }

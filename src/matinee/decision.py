"""Requests, Decisions, and the two contracts of the house: a Scorer predicts, a Policy chooses.

Everything that serves, simulates, evaluates or experiments knows these four and no model or surface.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from matinee.errors import BadData, BadRequest
from matinee.history import Histories, TrainingData
from matinee.page import WEB, Layout, RowKind
from matinee.profile import Profile

UNSPOKEN = -2  # evidence that must not be named

Tell = Callable[[str, float], None]  # what is being done, and the share of the work done before it


def quiet(what: str, done: float) -> None:
    """Tell nobody."""


def within(tell: Tell, stage: str, start: float, end: float) -> Tell:
    """What to give to the part of a work that is `stage` and lasts from the share `start` to `end` of the whole."""
    return lambda what, done: tell(f"{stage}: {what}", start + (end - start) * done)


@dataclass(frozen=True, slots=True)
class Context:
    """The situation of one request. None and -1 mean unknown; `weekday` 0 is Monday, both are local time."""

    country: str | None = None
    device: str | None = None
    language: str | None = None
    hour: int = -1
    weekday: int = -1


@dataclass(frozen=True)
class Requests:
    """A batch of situations that each want a decision.

    All per-request fields have length `batch`: `times` (microseconds since 1970, UTC), `profiles`, `contexts`,
    `histories` as of those times. `exclude` holds dense title indexes not to be shown (flat, per request);
    `seeds` the title a similar-titles request asks about. One `layout` and one `exploration` (0 = the best page,
    1 = rows and titles drawn in proportion to their worth; None = the policy's own) serve the whole batch.
    """

    times: NDArray[np.int64]
    profiles: tuple[Profile, ...]
    histories: Histories
    contexts: tuple[Context, ...]
    surface: str = "home"
    layout: Layout = WEB
    exclude: tuple[NDArray[np.int32], ...] | None = None
    seeds: NDArray[np.int32] | None = None
    exploration: float | None = None

    def __post_init__(self) -> None:
        batch = len(self.times)
        for name in ("profiles", "histories", "contexts", "exclude", "seeds"):
            value = getattr(self, name)
            assert value is None or len(value) == batch, f"{name} has length {len(value)}, the batch has {batch}"
        if self.exploration is not None and not 0.0 <= self.exploration <= 1.0:
            raise BadRequest(f"exploration is {self.exploration}; give a number from 0 to 1")

    def __len__(self) -> int:
        return len(self.times)

    def take(self, rows: NDArray[np.int64]) -> Requests:
        """The requests of these batch rows, in this order."""
        return replace(
            self,
            times=self.times[rows],
            profiles=tuple(self.profiles[b] for b in rows),
            histories=self.histories.take(rows),
            contexts=tuple(self.contexts[b] for b in rows),
            exclude=None if self.exclude is None else tuple(self.exclude[b] for b in rows),
            seeds=None if self.seeds is None else self.seeds[rows],
        )

    @classmethod
    def of_histories(cls, histories: Histories, times: NDArray[np.int64] | int = 0, **fields: Any) -> Requests:
        """Requests of anonymous members in no particular context: for fitting, evaluation, seeds and tests."""
        batch = len(histories)
        nobody = Profile("anonymous")
        fields.setdefault("profiles", (nobody,) * batch)
        fields.setdefault("contexts", (Context(),) * batch)
        return cls(np.broadcast_to(np.asarray(times, np.int64), (batch,)), histories=histories, **fields)


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


@runtime_checkable
class Scorer(Protocol):
    """Predicts: how much would each of these people enjoy each title, now?

    `score` ranks within a request; what the number means is the model's own. `explain` and `save`/`load` are part
    of the contract because a page owes people a true reason, and an artifact must survive a restart.
    """

    def fit(self, data: TrainingData, rng: np.random.Generator, tell: Tell = quiet) -> Self:
        """Learn from everything known at `data.as_of`; returns self. Long work tells `tell` how far it is."""
        ...

    def score(self, requests: Requests) -> NDArray[np.float32]:
        """(batch, titles fitted on) float32, finite, higher is better. Must answer empty histories and unknown members,
        and pass over titles of a history that it was not fitted on; an artifact pads it to a catalogue that grew.
        """
        ...

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """For `items` (batch, k; -1 = empty): the title of the history that adds most to each score, or -1."""
        ...

    def save(self, folder: Path) -> None:
        """Write arrays and JSON into an existing empty folder; never pickle."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises `ArtifactRefused` on anything else."""
        ...


@runtime_checkable
class Refits(Protocol):
    """What a scorer may offer beyond the contract: to go on from where its fit ended, when events were added."""

    def refit(self, data: TrainingData, rng: np.random.Generator, tell: Tell = quiet) -> Self:
        """Learn from `data`, which holds what the scorer was fitted on and more, titles appended; returns self."""
        ...


@runtime_checkable
class Policy(Protocol):
    """Chooses: what to show to each request, with the probability of showing it."""

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """Make and return one decision per request; the probabilities come out of the call that samples."""
        ...

    def log_prob(self, requests: Requests, decisions: Decisions) -> NDArray[np.float64]:
        """(batch,) log-probability with which this policy would make these decisions; -inf where it never would."""
        ...

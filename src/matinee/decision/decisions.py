"""Decisions: a head a decision, a line a choice. What was chosen, how likely it was, by whom, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.decision.requests import Requests
from matinee.decision.rows import RowName
from matinee.errors import BadData
from matinee.maths.arrays import Doubles, Flags, Floats, Int8s, Int16s, Int32s, Int64s, UInt64s
from matinee.maths.ragged import gather, narrowed, offsets_of, owners_of
from matinee.page import Layout, RowKind

UNSPOKEN = -2  # evidence that must not be named
NEW = -3  # evidence where no title of the history speaks, see `Choices`; the numbers are stored
CHARTED = -4
FAVOURITE = -16
MOMENT = -256
ABOVE_ONE = 1e-9  # a log-probability may be this far above 0, by rounding
SILENT = 0  # the action of `Layer.SEND` that sends nothing


class Layer(IntEnum):
    """What a choice chose. The numbers are stored; they never change meaning."""

    SEND = 0  # whether something is sent at all: `SILENT` or 1
    ROW = 1  # a row of the page: its place in `Decisions.row_names`
    TITLE = 2  # a title: its dense index
    ART = 3  # which of the title's pictures
    REASON = 4  # which of the reasons for it
    WATCHER = 5  # whom of several the title before is for: 0 = who asks, then the company in order


class Maker(NamedTuple):
    """Who chose. `parameters` is a `digest` of all that the policy was made of beside the artifact (its configuration,
    its charts); `posterior` the version of what it had learned, 0 for a policy that does not learn as it goes.
    """

    policy: str
    artifact: str = ""
    parameters: str = ""
    posterior: int = 0


@dataclass(frozen=True)
class Pages:
    """Decisions as pages, for people, metrics and the web. Axes: batch b, row r, column c; empty places hold -1.

    items (b, r, c), scores (b, r, c), evidence (b, r, c), item_log_probs (b, r, c), art (b, r, c) the picture chosen,
    presentation_log_probs (b, r, c) of picture and reason; row_kinds (b, r) `RowKind`, rows (b, r) places in `names`,
    row_log_probs (b, r).
    """

    items: Int32s
    scores: Floats
    evidence: Int32s
    item_log_probs: Doubles
    row_kinds: Int8s
    rows: Int32s
    row_log_probs: Doubles
    names: tuple[RowName, ...]
    art: Int32s
    presentation_log_probs: Doubles

    @classmethod
    def empty(cls, batch: int, layout: Layout, names: tuple[RowName, ...] = ()) -> Pages:
        """Pages with nothing on them."""
        page = (batch, layout.rows, layout.columns)
        return cls(
            items=np.full(page, -1, np.int32),
            scores=np.zeros(page, np.float32),
            evidence=np.full(page, -1, np.int32),
            item_log_probs=np.zeros(page),
            row_kinds=np.full(page[:2], RowKind.EMPTY, np.int8),
            rows=np.full(page[:2], -1, np.int32),
            row_log_probs=np.zeros(page[:2]),
            names=names,
            art=np.full(page, -1, np.int32),
            presentation_log_probs=np.zeros(page),
        )

    def name(self, b: int, r: int) -> RowName:
        """What row `r` of page `b` is called."""
        return self.names[int(self.rows[b, r])]


@dataclass(frozen=True)
class Choices:
    """The choices of a batch in the order made: decision k owns the lines `offsets[k]:offsets[k + 1]`.

    offsets    (batch + 1,)
    layers     (lines,) int8     `Layer`
    rows       (lines,) int16    the row of the page that the choice is about; -1 for none
    columns    (lines,) int16    the place in the row; -1 for the row itself
    actions    (lines,) int32    what was chosen, see `Layer`
    log_probs  (lines,) float64  log P(this choice | all choices of the decision before it)
    among      (lines,) int32    how many could have been chosen here
    makers     (lines,) int8     who chose: place in `Decisions.makers`
    scores     (lines,) float32  estimated probability that a title satisfies, if looked at; 0 for other layers
    evidence   (lines,) int32    the watched title that speaks most for this one; `UNSPOKEN` = one that this profile may
                                 not be shown. Where none does: `NEW` = it arrived lately; `CHARTED` - k = it is high
                                 in the chart of window k of `rows.WINDOWS`, the last + 1 for one too old to be dated;
                                 `FAVOURITE` - k = the member likes its own k-th genre; `MOMENT` - k = the answers of
                                 this episode ask for its own k-th genre; -1 = it is merely likely
    """

    offsets: Int64s
    layers: Int8s
    rows: Int16s
    columns: Int16s
    actions: Int32s
    log_probs: Doubles
    among: Int32s
    makers: Int8s
    scores: Floats
    evidence: Int32s

    def __post_init__(self) -> None:
        for name in LINES:
            shape = getattr(self, name).shape
            assert shape == (self.offsets[-1],), f"{name} has shape {shape} for {self.offsets[-1]} choices"
        wrong = ~((self.log_probs <= ABOVE_ONE) & (self.log_probs > -np.inf))
        if wrong.any():
            at = int(np.argmax(wrong))
            raise BadData(
                f"choice {at} has the log-probability {self.log_probs[at]}; a choice is made with a known probability "
                "above 0, so give its logarithm, at most 0"
            )

    def __len__(self) -> int:
        """The number of decisions."""
        return len(self.offsets) - 1

    @cached_property
    def decisions(self) -> Int64s:
        """(lines,) the decision of each choice."""
        return owners_of(self.offsets)

    def take(self, decisions: Int64s) -> Choices:
        """The choices of these decisions, in this order."""
        offsets, places = gather(self.offsets, decisions)
        return Choices(offsets, **{name: getattr(self, name)[places] for name in LINES})

    def keep(self, lines: Flags) -> Choices:
        """The choices that `lines` (lines,) marks; every decision stays, some with fewer."""
        kept = {name: getattr(self, name)[lines] for name in LINES}
        return Choices(narrowed(self.offsets, lines), **kept)

    @classmethod
    def of_titles(cls, items: Int32s, log_probs: Doubles, among: Int32s, scores: Floats | None = None) -> Choices:
        """One title a decision: `items`, `log_probs`, `among` and `scores` (batch,)."""
        batch = len(items)
        nothing = np.zeros(batch, np.int16)
        return cls(
            np.arange(batch + 1),
            np.full(batch, Layer.TITLE, np.int8),
            nothing,
            nothing,
            items.astype(np.int32, copy=False),
            log_probs,
            among,
            np.zeros(batch, np.int8),
            np.zeros(batch, np.float32) if scores is None else scores,
            np.full(batch, -1, np.int32),
        )

    @classmethod
    def of_pages(cls, pages: Pages, among_rows: Int32s, among_titles: Int32s) -> Choices:
        """A line for each row that stands, then one for each of its titles, page after page.

        `among_rows` and `among_titles` (batch, r): out of how many each row and its first title were chosen.
        """
        used = np.concatenate(((pages.rows >= 0)[:, :, None], pages.items >= 0), axis=2)
        b, r, c = np.nonzero(used)
        title, nothing = c > 0, np.zeros(pages.rows.shape, np.int32)

        def lines(of_rows: NDArray[Any], of_titles: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate((of_rows[:, :, None], of_titles), axis=2)[used]

        return cls(
            offsets=offsets_of(used.sum(axis=(1, 2))),
            layers=np.where(title, np.int8(Layer.TITLE), np.int8(Layer.ROW)),
            rows=r.astype(np.int16),
            columns=(c - 1).astype(np.int16),
            actions=lines(pages.rows, pages.items),
            log_probs=lines(pages.row_log_probs, pages.item_log_probs),
            among=np.where(title, among_titles[b, r] - c + 1, among_rows[b, r]).astype(np.int32),
            makers=np.zeros(len(b), np.int8),
            scores=lines(nothing.astype(np.float32), pages.scores),
            evidence=lines(nothing - 1, pages.evidence),
        )


LINES = tuple(one.name for one in fields(Choices) if one.name != "offsets")
LINE_TYPES: Mapping[str, type[np.generic]] = {
    "layers": np.int8,
    "rows": np.int16,
    "columns": np.int16,
    "actions": np.int32,
    "log_probs": np.float64,
    "among": np.int32,
    "makers": np.int8,
    "scores": np.float32,
    "evidence": np.int32,
}


@dataclass(frozen=True, repr=False)
class Decisions:
    """What was decided for `requests`. Frozen: a decision is logged as it was made.

    `ids` (batch) opaque; `bits` (batch,) uint64, the randomness of each; `eligible` (batch,) int32, how many titles
    could have been shown; `makers` who chose, the first of them for the decision as a whole; `row_names` what the
    actions of `Layer.ROW` mean, as text, so that no vocabulary can move it. `fallback` names the step of the fall-back
    ladder that answered ("" = the intended policy). `catalog`: how many titles the catalogue had, the first of today's.
    `timings` are milliseconds per stage of the flow. `keep_probability` (batch,) in (0, 1] is the chance that a log
    which was thinned kept each; None: all were kept. What learns or estimates weighs a decision by `stands_for`.
    """

    requests: Requests
    ids: tuple[str, ...]
    makers: tuple[Maker, ...]
    choices: Choices
    eligible: Int32s
    bits: UInt64s
    row_names: tuple[RowName, ...] = ()
    fallback: str = ""
    catalog: int = 0
    timings: dict[str, float] = field(default_factory=dict)
    keep_probability: Doubles | None = None

    def __post_init__(self) -> None:
        batch = len(self.requests)
        for name in ("ids", "choices", "eligible", "bits"):
            length = len(getattr(self, name))
            assert length == batch, f"{name} has length {length}, the batch has {batch}"
        _require_kept(self.keep_probability, batch)

    def __len__(self) -> int:
        return len(self.requests)

    def __repr__(self) -> str:
        return f"Decisions({len(self):,} of {self.makers[0].policy!r} on {self.requests.surface!r})"

    @property
    def thinned(self) -> bool:
        """Whether any of them was in a log that was thinned."""
        return self.keep_probability is not None and bool((self.keep_probability < 1).any())

    @cached_property
    def stands_for(self) -> Doubles:
        """(batch,) how many decisions that were made each stands for: 1 / `keep_probability` (Horvitz-Thompson)."""
        return np.ones(len(self)) if self.keep_probability is None else 1.0 / self.keep_probability

    @cached_property
    def log_probs(self) -> Doubles:
        """Log P(the whole decision), shape (batch,)."""
        return self.sums(self.choices.log_probs)

    def sums(self, of_choices: Doubles) -> Doubles:
        """Any number a choice (lines,) summed by decision: (batch,)."""
        running = np.append(0.0, np.cumsum(of_choices))
        if np.isfinite(running[-1]):
            return np.asarray(running[self.choices.offsets[1:]] - running[self.choices.offsets[:-1]])
        return np.asarray(np.bincount(self.choices.decisions, of_choices, len(self)), np.float64)

    def take(self, rows: Int64s) -> Decisions:
        """The decisions of these batch rows, in this order."""
        return replace(
            self,
            requests=self.requests.take(rows),
            ids=tuple(self.ids[b] for b in rows),
            choices=self.choices.take(rows),
            eligible=self.eligible[rows],
            bits=self.bits[rows],
            keep_probability=None if self.keep_probability is None else self.keep_probability[rows],
        )

    def layer(self, layer: Layer) -> Flags:
        """(lines,) which choices are of this layer."""
        return np.asarray(self.choices.layers == layer)

    @property
    def titles(self) -> Int32s:
        """(titles shown,) of all decisions, in order."""
        return self.choices.actions[self.layer(Layer.TITLE)]

    @property
    def billboards(self) -> Flags:
        """(lines,) which choices are the title of a billboard."""
        choices, row = self.choices, self.layer(Layer.ROW)
        kinds = np.array([name.kind for name in self.row_names] + [RowKind.EMPTY])[np.where(row, choices.actions, -1)]
        has = np.zeros(len(self), np.bool_)
        has[choices.decisions[kinds == RowKind.BILLBOARD]] = True
        return np.asarray(self.layer(Layer.TITLE) & (choices.rows == 0) & has[choices.decisions])

    def page(self) -> Pages:
        """The decisions as pages of the layout that was asked for; the evidence is that of the reason told."""
        layout, choices = self.requests.layout, self.choices
        pages = Pages.empty(len(self), layout, self.row_names)
        row, title = self.layer(Layer.ROW), self.layer(Layer.TITLE)
        of_row = choices.decisions[row], choices.rows[row]
        of_title = choices.decisions[title], choices.rows[title], choices.columns[title]
        pages.rows[of_row] = choices.actions[row]
        pages.row_kinds[of_row] = np.array([name.kind for name in self.row_names], np.int8)[choices.actions[row]]
        pages.row_log_probs[of_row] = choices.log_probs[row]
        pages.items[of_title] = choices.actions[title]
        pages.scores[of_title] = choices.scores[title]
        pages.evidence[of_title] = choices.evidence[title]
        pages.item_log_probs[of_title] = choices.log_probs[title]
        return self._told(pages)

    def _told(self, pages: Pages) -> Pages:
        """Pages with the pictures and the reasons that were chosen."""
        choices, art = self.choices, self.layer(Layer.ART)
        why = self.layer(Layer.REASON) & (choices.evidence != -1)
        place = choices.decisions, choices.rows, choices.columns
        of_art, of_why = (tuple(one[lines] for one in place) for lines in (art, why))
        pages.art[of_art] = choices.actions[art]
        pages.presentation_log_probs[of_art] += choices.log_probs[art]
        pages.evidence[of_why] = choices.evidence[why]
        pages.presentation_log_probs[of_why] += choices.log_probs[why]
        return pages


def _require_kept(keep: Doubles | None, batch: int) -> None:
    if keep is None:
        return
    assert keep.shape == (batch,), f"keep_probability has shape {keep.shape}, the batch has {batch}"
    wrong = ~((keep > 0) & (keep <= 1))
    if wrong.any():
        raise BadData(
            f"decision {int(wrong.argmax())} was kept with probability {keep[wrong][0]}; give one above 0 and up to 1"
        )


def decision_ids(batch: int, rng: np.random.Generator) -> tuple[str, ...]:
    """`batch` opaque ids of 128 random bits."""
    text = rng.bytes(16 * batch).hex()
    return tuple(text[at : at + 32] for at in range(0, 32 * batch, 32))


def digest(*parts: object) -> str:
    """128 bits, in hex, of records, arrays and plain values: equal for equal parts, on any machine."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
        state.update(b"\0")
    return state.hexdigest()

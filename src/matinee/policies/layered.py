"""Layers by different policies on one page: a billboard chosen by one, the rows below by another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from matinee.decision import Beliefs, Choices, Decisions, Layer, Policy, Requests, RowName
from matinee.decision.contracts import LaysOut, beliefs_by
from matinee.decision.decisions import LINES
from matinee.events import Kind
from matinee.history import SPEAKING
from matinee.maths.arrays import Doubles, Flags, Int32s
from matinee.maths.ragged import Ragged, offsets_of
from matinee.page import Layouts, RowKind
from matinee.policies.arm_kernels import of_version

BILLBOARD = RowName(RowKind.BILLBOARD)
BELOW = 2**32  # the chance of the rows is another one than that of any version of the billboard
KNOWN = (*SPEAKING, Kind.LIST_ADD, Kind.SEEN)  # what says that a member knows a title already


@dataclass(frozen=True)
class Layered:
    """A page whose billboard is a title that `top` chooses among those new to the member, and whose rows `below` then
    chooses without that title. Each answers for its own choices, so that the page's probability is their product.

    Pages without a billboard, and those of members for whom `top` finds none, are `below`'s alone.
    """

    top: Policy
    below: Policy

    @property
    def layouts(self) -> Layouts:
        """The layouts of `below`."""
        return self.below.layouts if isinstance(self.below, LaysOut) else Layouts()

    def beliefs(self, requests: Requests) -> Beliefs:
        """What `below` believes. Raises `NotFound` where it does not say."""
        return beliefs_by(self.below, requests)

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One page per request."""
        if not requests.layout.billboard:
            return self.below.decide(requests, rng)
        first = self.top.decide(of_new_titles(requests), rng)
        rest = _below(requests, _title_of(first))
        return _stacked(requests, first, self.below.decide(rest, rng) if rest is not None else _nothing(first))

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each choice given those before it."""
        requests, choices = decisions.requests, decisions.choices
        if not requests.layout.billboard:
            return self.below.log_prob(decisions)
        ahead = _ahead(decisions)
        first = replace(
            decisions,
            requests=of_new_titles(requests),
            choices=choices.keep(ahead & decisions.layer(Layer.TITLE)),
        )
        log_probs = np.zeros(len(ahead))
        log_probs[ahead & decisions.layer(Layer.TITLE)] = self.top.log_prob(first)
        rest = _below(requests, _title_of(first))
        if rest is not None:
            under = choices.keep(~ahead)
            rows = under.rows - (np.bincount(choices.decisions[ahead], minlength=len(choices)) > 0)[under.decisions]
            moved = replace(decisions, requests=rest, choices=replace(under, rows=rows.astype(np.int16)))
            log_probs[~ahead] = self.below.log_prob(moved)
        return log_probs


def of_new_titles(requests: Requests) -> Requests:
    """The same requests for a title that the member neither played, judged nor listed."""
    histories = requests.histories
    known = histories.keep(np.isin(histories.kinds, KNOWN))
    return _without(requests, Ragged(known.offsets, known.items))


def _below(requests: Requests, titles: Int32s) -> Requests | None:
    """What is asked of the rows below a billboard with `titles` (batch,), -1 for none; None where there are no rows."""
    layout = requests.layout
    if layout.rows == 1:
        return None
    shown = titles >= 0
    asked = _without(requests, Ragged(offsets_of(shown), titles[shown]))
    seeds = None if requests.seeds is None else of_version(requests.seeds, BELOW)
    return replace(asked, layout=replace(layout, rows=layout.rows - 1, billboard=False), seeds=seeds)


def _without(requests: Requests, titles: Ragged) -> Requests:
    """The same requests, with these titles excluded too."""
    known = requests.exclude
    if known is None:
        return replace(requests, exclude=titles)
    both = [np.concatenate([known[b], titles[b]]) for b in range(len(requests))]
    return replace(requests, exclude=Ragged.of(both))


def _title_of(first: Decisions) -> Int32s:
    """(batch,) the title chosen, -1 for none."""
    titles = np.full(len(first), -1, np.int32)
    titles[first.choices.decisions] = first.choices.actions
    return titles


def _ahead(decisions: Decisions) -> Flags:
    """(lines,) which choices are the billboard and its title."""
    choices, row = decisions.choices, decisions.layer(Layer.ROW)
    billboard = np.array([name == BILLBOARD for name in decisions.row_names] + [False])
    named = row & (choices.rows == 0) & billboard[np.where(row, choices.actions, -1)]
    has = np.zeros(len(decisions), np.bool_)
    has[choices.decisions[named]] = True
    return np.asarray(has[choices.decisions] & (choices.rows == 0))


def _nothing(first: Decisions) -> Decisions:
    """No rows below."""
    return replace(first, makers=(), choices=first.choices.keep(np.zeros(len(first.choices.actions), np.bool_)))


def _stacked(requests: Requests, first: Decisions, under: Decisions) -> Decisions:
    """One page: the billboard as its first row, and the rows below it one further down."""
    shown, below = first.choices, under.choices
    moved = np.diff(shown.offsets)[below.decisions]
    rows = replace(
        below,
        rows=(below.rows + moved).astype(np.int16),
        actions=np.where(under.layer(Layer.ROW), below.actions + 1, below.actions).astype(np.int32),
    )
    parts = [_heading(shown), replace(shown, makers=(shown.makers + len(under.makers)).astype(np.int8)), rows]
    parts[0] = replace(parts[0], makers=parts[1].makers)
    owners = np.concatenate([part.decisions for part in parts])
    order = np.argsort(owners, kind="stable")
    lines = {name: np.concatenate([getattr(part, name) for part in parts])[order] for name in LINES}
    return replace(
        under,
        requests=requests,
        makers=(*under.makers, *first.makers),
        choices=Choices(offsets_of(np.bincount(owners, minlength=len(requests))), **lines),
        eligible=np.maximum(first.eligible, under.eligible + np.diff(shown.offsets)).astype(np.int32),
        row_names=(BILLBOARD, *under.row_names),
        timings={"billboard": sum(first.timings.values()), **under.timings},
    )


def _heading(shown: Choices) -> Choices:
    """The choice of the billboard as the row that its title stands in: the only one there could be."""
    lines = len(shown.actions)
    return replace(
        shown,
        layers=np.full(lines, Layer.ROW, np.int8),
        rows=np.zeros(lines, np.int16),
        columns=np.full(lines, -1, np.int16),
        actions=np.zeros(lines, np.int32),
        log_probs=np.zeros(lines),
        among=np.ones(lines, np.int32),
        scores=np.zeros(lines, np.float32),
        evidence=np.full(lines, -1, np.int32),
    )

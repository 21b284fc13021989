"""Drift: what a training changed since the artifact before it, and when that is a collapse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests, Scorer
from matinee.history import Histories
from matinee.maths.arrays import Floats, Int32s

COMPARED = ("ndcg@20", "recall@20")
KEPT = 0.7  # of a metric; what keeps less has collapsed
SURE = 3.0  # standard errors of the difference that a fall must be above, so that chance is no collapse
TOP = 20  # places of a new member's list in which moved titles are looked for
NAMED = 3  # moved titles that are named

Metrics = Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Moved:
    """A title among the first for a new member, with its place (1 = first) `before` and `now`."""

    item_id: str
    before: int
    now: int

    def __str__(self) -> str:
        return f"{self.item_id} from place {self.before:,} to {self.now:,}"


@dataclass(frozen=True, slots=True)
class Drift:
    """`fallen`: the metrics that collapsed, each with its value before and now; `moved`: titles that rose most."""

    fallen: tuple[tuple[str, float, float], ...] = ()
    moved: tuple[Moved, ...] = ()

    def __str__(self) -> str:
        falls = ", ".join(f"{name} fell from {before:.4f} to {now:.4f}" for name, before, now in self.fallen)
        rises = ", ".join(map(str, self.moved)) or "no title"
        return f"{falls}; moved most for new members: {rises}"


def drift(before: tuple[Scorer, Metrics], now: tuple[Scorer, Metrics], catalog: Catalog) -> Drift:
    """What changed between two scorers of `catalog`, given what each measured of itself on likes it had not seen."""
    (old, known), (new, measured) = before, now
    return Drift(tuple(_falls(known, measured)), _moved(_for_a_new_member(old), _for_a_new_member(new), catalog))


def _falls(before: Metrics, now: Metrics) -> list[tuple[str, float, float]]:
    return [
        (name, float(before[name]), float(now[name]))
        for name in COMPARED
        if name in before and name in now and _collapsed(before, now, name)
    ]


def _collapsed(before: Metrics, now: Metrics, name: str) -> bool:
    """Whether so little is kept that neither chance nor the ways of life explain it."""
    old, new = float(before[name]), float(now[name])
    chance = np.hypot(float(before[f"{name}_se"]), float(now[f"{name}_se"]))
    return bool(new < KEPT * old and old - new > SURE * chance)


def _moved(before: Floats, now: Floats, catalog: Catalog) -> tuple[Moved, ...]:
    """The `NAMED` titles of the new `TOP` that rose most, by the ratio of their places."""
    old, new = _places(before), _places(now)
    top = np.flatnonzero(new <= TOP)
    rose = top[np.argsort(new[top] / old[top], kind="stable")][:NAMED]
    return tuple(Moved(catalog.item_ids[k], int(old[k]), int(new[k])) for k in rose if old[k] > new[k])


def _places(scores: Floats) -> Int32s:
    """(titles,) the place of each title, 1 = first."""
    places = np.empty(len(scores), np.int32)
    places[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return places


def _for_a_new_member(scorer: Scorer) -> Floats:
    return np.asarray(scorer.score(Requests.of_histories(Histories.empty(1)))[0])

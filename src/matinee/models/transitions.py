"""Which titles are played near which, one step and two, and which are alike by what is told of them, as matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from scipy import sparse

from matinee.catalog import Catalog
from matinee.errors import BadRequest
from matinee.history import Tastes
from matinee.maths.similarity import largest_products, nearest, weighted
from matinee.maths.sparse_dense import largest_of_rows
from matinee.models.markov import counts_of_followers

ALIKE = 100  # titles that are like a title by what is told of it
TOLD = ("genres", "tags", "people")


@dataclass(frozen=True, slots=True)
class TransitionConfig:
    """`reach`: titles that count as near, of which the k-th weighs `fade`^(k-1), and those before it `backwards` times
    as much as those after. `shrink`: added to each title's total, so that a title seldom seen says little. `hop`: what
    two steps count beside one, among the `widest` steps of each title. `content`: what likeness by genres, tags and
    people counts. `last` titles of a history speak, each `decay` times as loud as the one after it. `kappa`: history
    length at which popularity counts half.
    """

    reach: int = 3
    fade: float = 0.5
    backwards: float = 0.7
    shrink: float = 2.0
    hop: float = 1.0
    widest: int = 200
    content: float = 1.0
    last: int = 4
    decay: float = 0.5
    kappa: float = 3.0

    def __post_init__(self) -> None:
        if min(self.reach, self.last, self.widest) < 1:
            raise BadRequest(f"a transition graph needs reach, last and widest of at least 1, got {self}")
        if min(self.backwards, self.hop, self.content) < 0 or min(self.shrink, self.kappa) <= 0:
            raise BadRequest(f"a transition graph needs weights of at least 0, shrink and kappa above 0, got {self}")
        if not (0 < self.fade <= 1 and 0 < self.decay <= 1):
            raise BadRequest(f"a transition graph needs fade and decay in 0..1, above 0, got {self}")


Graphs: TypeAlias = Callable[[TransitionConfig], sparse.csr_matrix]


def graphs(tastes: Tastes, catalog: Catalog) -> Graphs:
    """B, (titles, titles), of these histories by its settings; what two settings share is counted once."""

    @cache
    def steps(reach: int, fade: float, backwards: float, shrink: float) -> sparse.csr_matrix:
        after = counts_of_followers(tastes, len(catalog), [fade**k for k in range(reach)])
        near = after + backwards * after.T
        return sparse.csr_matrix(sparse.diags(1.0 / (np.asarray(near.sum(axis=1)).ravel() + shrink)) @ near)

    @cache
    def two_steps(widest: int, *walk: float) -> sparse.csr_matrix:
        one = largest_of_rows(steps(*walk), widest)
        starts, titles, values = largest_products(one, one, widest)
        return sparse.csr_matrix((values, titles, starts), one.shape)

    @cache
    def likeness() -> sparse.csr_matrix:
        return alike(catalog)

    def graph(config: TransitionConfig) -> sparse.csr_matrix:
        walk = config.reach, config.fade, config.backwards, config.shrink
        total = steps(*walk)
        if config.hop:
            total = total + config.hop * two_steps(config.widest, *walk)
        if config.content:
            total = total + config.content * likeness()
        return sparse.csr_matrix(total - sparse.diags(total.diagonal()))

    return graph


def alike(catalog: Catalog) -> sparse.csr_matrix:
    """A, (titles, titles): each title's `ALIKE` nearest by what is told of them, its row divided by its sum."""
    rows = catalog.titles.select(TOLD).iter_rows(named=True)
    told = [[f"{field} {name}" for field in TOLD for name in row[field]] for row in rows]
    number = {name: k for k, name in enumerate(dict.fromkeys(name for one in told for name in one))}
    titles = np.repeat(np.arange(len(told)), [len(one) for one in told])
    names = np.array([number[name] for one in told for name in one], np.int64)
    holders = sparse.csr_matrix((np.ones(len(names), np.float32), (names, titles)), (len(number), len(told)))
    starts, near, cosines = nearest(weighted(holders, "tfidf"), ALIKE)
    likeness = sparse.csr_matrix((cosines, near, starts), (len(told), len(told)))
    sums = np.asarray(likeness.sum(axis=1)).ravel()
    return sparse.csr_matrix(sparse.diags(np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)) @ likeness)

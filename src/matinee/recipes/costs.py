"""What a fit costs: told before it starts, from the data's counts and this machine's pace; and what it took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from matinee.decision import Progress
from matinee.evaluate.cost import forget_peak, peak
from matinee.history import TrainingData
from matinee.recipes.models.entry import Model
from matinee.recipes.models.work import Counts

SIDE, ROWS, ENTRIES = 512, 2_000, 20  # of the square that is multiplied; of the sparse matrix, and of each of its rows
TRIES = 5  # of which the quickest counts
BARE = 16 << 20  # bytes that come and go whatever is fitted

Fitted = TypeVar("Fitted")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a fit: `seconds` of the processor, of all its cores together, and `bytes` of memory beyond what was held
    before it; None where the system does not tell.
    """

    seconds: float
    bytes: int | None

    def __str__(self) -> str:
        held = "" if self.bytes is None else f" and {max(1, self.bytes >> 20):,} MB"
        return f"{self.seconds:,.{1 if self.seconds < 10 else 0}f} s{held}"


@dataclass(frozen=True, slots=True)
class Pace:
    """What this machine does in a second of one core: `products` of float32 in products of matrices, and `lookups`."""

    products: float
    lookups: float


@cache
def pace() -> Pace:
    """Measured once, in about 0.2 s, by the quickest of some tries."""
    rng = np.random.default_rng(0)
    square = rng.random((SIDE, SIDE), np.float32)
    places = rng.integers(0, ROWS, ROWS * ENTRIES)
    starts = np.arange(0, len(places) + 1, ENTRIES)
    rows = sparse.csr_matrix((np.ones(len(places), np.float32), places, starts), shape=(ROWS, ROWS))
    columns = rows.T.tocsr()
    with threadpool_limits(1, "blas"):  # several threads wait for each other, and their waiting counts
        products = SIDE**3 / _quickest(lambda: square @ square)
    return Pace(products, ROWS * ENTRIES**2 / _quickest(lambda: columns @ rows))


def expected(model: Model, data: TrainingData, fits: int = 1) -> Cost:
    """What so many fits of a model with its own settings will take, one after the other; meant to be within a factor of
    three of the truth.
    """
    work, rate = model.work(Counts.of(data)), pace()
    return Cost(fits * (work.products / rate.products + work.lookups / rate.lookups), BARE + int(work.bytes))


def told(cost: Cost, fit: Callable[[], Fitted], progress: Progress) -> tuple[Fitted, Cost]:
    """The same as `taken`, after `progress` was told the `cost` that is expected."""
    progress(f"this will take about {cost}", 0.0)
    return taken(fit)


def taken(fit: Callable[[], Fitted]) -> tuple[Fitted, Cost]:
    """(what `fit` gives, what it took). Other threads of the process count too."""
    held, started = forget_peak(), time.process_time()
    fitted = fit()
    seconds, most = time.process_time() - started, peak()
    return fitted, Cost(seconds, None if held is None or most is None else max(0, most - held))


def _quickest(do: Callable[[], object]) -> float:
    """Seconds of the processor that the quickest of `TRIES` takes."""
    spent = []
    for _ in range(TRIES):
        started = time.process_time()
        do()
        spent.append(time.process_time() - started)
    return max(min(spent), 1e-6)

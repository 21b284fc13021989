"""What a model costs: seconds and memory of fitting, bytes of its artifact, milliseconds of a request."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from matinee.decision import Scorer
from matinee.evaluate.trial import Trial
from matinee.files import kernel_size

STATUS = Path("/proc/self/status")
REQUESTS = 40  # asked one by one; the first few warm up
WARM_UP = 8


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one model: seconds to fit and to rank all requests, most bytes that fitting held beyond what was held before
    (None where the system does not tell), bytes of the artifact, median milliseconds to rank one request.
    """

    fit_seconds: float
    rank_seconds: float
    fit_bytes: int | None
    artifact_bytes: int
    request_ms: float


def watched(fit: Callable[[], Scorer]) -> tuple[Scorer, float, int | None]:
    """(what `fit` returns, its seconds, the peak of resident memory above what was resident before).

    The kernel keeps the peak of the process, so nothing is missed between samples; Linux only. Memory that an earlier
    model gave back to the allocator but not to the system is used again unseen, so small models look smaller.
    """
    gc.collect()
    before = forget_peak()
    started = time.perf_counter()
    scorer = fit()
    seconds = time.perf_counter() - started
    after = peak()
    return scorer, seconds, None if before is None or after is None else max(0, after - before)


def artifact_bytes(scorer: Scorer) -> int:
    """Bytes of all files that the scorer saves."""
    with TemporaryDirectory() as name:
        scorer.save(Path(name))
        return sum(path.stat().st_size for path in Path(name).rglob("*") if path.is_file())


def request_ms(trial: Trial, scorer: Scorer, n: int) -> float:
    """Median milliseconds to score and rank one request, over some asked one by one."""
    spread = np.linspace(0, len(trial.requests) - 1, REQUESTS).astype(np.int64)
    spent = []
    for row in spread:
        started = time.perf_counter()
        trial.rank(scorer, row[None], n)
        spent.append(time.perf_counter() - started)
    return 1e3 * float(np.median(spent[WARM_UP:]))


def forget_peak() -> int | None:
    """Start measuring the peak of resident memory afresh; the bytes resident now, None where that cannot be done."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return kernel_size(STATUS, "VmRSS")


def peak() -> int | None:
    """Most bytes resident since `forget_peak`; None where unknown."""
    return kernel_size(STATUS, "VmHWM")

"""What a scorer may cost a service: memory and time for one request, measured before it serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, thread_time

import numpy as np

from matinee.decision import Requests, Scorer
from matinee.errors import ArtifactRefused, BadRequest
from matinee.history import Histories

LENGTH = 200  # titles of the history asked with
FEWEST, PATIENCE = 3, 1.0  # requests, and seconds, after which a model that was always too slow is
SURELY = 4.0  # times what is allowed, computed by the asking thread in each of them: no busy machine explains that


@dataclass(frozen=True, slots=True)
class Budget:
    """`bytes`: size of an artifact on disk, which is about what it takes in memory. `milliseconds`: the least that a
    request of one member with a long history takes, scoring every title; so a busy machine refuses no model.
    """

    bytes: int = 4 * 2**30
    milliseconds: float = 25.0

    def __post_init__(self) -> None:
        if not (self.bytes > 0 and self.milliseconds > 0):
            raise BadRequest(f"a budget needs bytes and milliseconds above 0, got {self}")

    def require_size(self, folder: Path) -> None:
        """Raise `ArtifactRefused` when the artifact in `folder` is too large; nothing of it is read."""
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if size > self.bytes:
            raise ArtifactRefused(
                f"{folder} has {size:,} bytes and {self.bytes:,} are allowed; train a smaller model or raise the "
                "budget with --max-bytes"
            )

    def require_speed(self, name: str, scorer: Scorer, n_titles: int) -> None:
        """Raise `ArtifactRefused` when every one of some requests to a loaded scorer takes too long."""
        times = request_milliseconds(scorer, n_titles, self.milliseconds)
        if min(times) > self.milliseconds:
            raise ArtifactRefused(
                f"{name} takes {min(times):,.3g} ms a request, the least of {len(times):,}, "
                f"and {self.milliseconds:,.3g} are allowed; train a smaller model, serve it on a faster machine or "
                "raise the budget with --max-milliseconds"
            )


def request_milliseconds(scorer: Scorer, n_titles: int, enough: float) -> list[float]:
    """Milliseconds of requests that score all titles for one member with a history of up to `LENGTH` titles.

    After one that warms up; until one takes `enough` milliseconds or less, or `FEWEST` have passed and either
    `PATIENCE`, too, or each of them computed for `SURELY` times `enough`: waiting for a calm moment would be in vain.
    """
    titles = np.linspace(0, n_titles - 1, min(LENGTH, n_titles)).astype(int).tolist()
    requests = Requests.of_histories(Histories.of_items([titles]))
    _milliseconds(scorer, requests)
    times: list[float] = []
    least, computed, spent = np.inf, np.inf, 0.0
    while least > enough and (len(times) < FEWEST or (spent < 1e3 * PATIENCE and computed <= SURELY * enough)):
        took, own = _milliseconds(scorer, requests)
        times.append(took)
        least, computed, spent = min(least, took), min(computed, own), spent + took
    return times


def _milliseconds(scorer: Scorer, requests: Requests) -> tuple[float, float]:
    """What a request takes, and for how long of that the asking thread computes."""
    started, before = perf_counter(), thread_time()
    scorer.score(requests)
    return (perf_counter() - started) * 1e3, (thread_time() - before) * 1e3

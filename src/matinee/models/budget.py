"""What a scorer may cost a service: memory and time for one request, measured before it serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from matinee.decision import Requests, Scorer
from matinee.errors import ArtifactRefused, BadRequest
from matinee.history import Histories

LENGTH = 200  # titles of the history asked with
ROUNDS = 9  # requests whose median counts, after one that is thrown away


@dataclass(frozen=True, slots=True)
class Budget:
    """`bytes`: size of an artifact on disk, which is about what it takes in memory. `milliseconds`: median of a request
    of one member with a long history, scoring every title.
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
                "budget with `matinee serve --max-bytes`"
            )

    def require_speed(self, name: str, scorer: Scorer, n_titles: int) -> None:
        """Raise `ArtifactRefused` when a request to a loaded scorer takes too long."""
        taken = milliseconds_a_request(scorer, n_titles)
        if taken > self.milliseconds:
            raise ArtifactRefused(
                f"{name} takes {taken:,.3g} ms a request and {self.milliseconds:,.3g} are allowed; train a smaller "
                "model, serve it on a faster machine or raise the budget with `matinee serve --max-milliseconds`"
            )


def milliseconds_a_request(scorer: Scorer, n_titles: int) -> float:
    """Median milliseconds to score all titles for one member with a history of up to `LENGTH` titles."""
    titles = np.linspace(0, n_titles - 1, min(LENGTH, n_titles)).astype(int).tolist()
    requests = Requests.of_histories(Histories.of_items([titles]))
    return median([_milliseconds(scorer, requests) for _ in range(ROUNDS + 1)][1:])


def _milliseconds(scorer: Scorer, requests: Requests) -> float:
    started = perf_counter()
    scorer.score(requests)
    return (perf_counter() - started) * 1e3

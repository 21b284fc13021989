"""Support: whether a log could tell of a policy at all; what it cannot is refused and named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matinee.errors import BadData
from matinee.maths.arrays import Doubles, Flags
from matinee.maths.mean_intervals import normal

TOLERANCE = 0.05  # of the target's choices may be such as the log never made
NAMED = 3  # rounds named in an error


def require_propensities(logged: Doubles) -> None:
    """Raise `BadData` unless every probability of what was logged (rounds,) is in (0, 1]."""
    assert logged.ndim == 1, f"logged {logged.shape}"
    wrong = ~((logged > 0) & (logged <= 1 + 1e-9))
    if wrong.any():
        raise BadData(
            f"{int(wrong.sum()):,} of {len(logged):,} rounds have no probability above 0 and up to 1 (round "
            f"{_named(wrong)}: {logged[wrong][0]}); log the probability of what was chosen, or leave these rounds out"
        )


def require_support(
    target: Doubles, logged: Doubles, names: Sequence[str] | None = None, tolerance: float = TOLERANCE
) -> None:
    """Raise `BadData` where the target chooses what the log never could, beyond `tolerance` of its
    choices.

    `target` and `logged` (rounds, actions): probabilities, of which each round's sum to 1; `names`
    (rounds,) of rounds.
    """
    assert target.ndim == 2, f"target {target.shape}"
    assert target.shape == logged.shape, f"target {target.shape}, logged {logged.shape}: candidates differ"
    for what, one in (("target", target), ("log", logged)):
        off = np.abs(one.sum(axis=1) - 1) > 1e-6
        if off.any():
            raise BadData(
                f"the probabilities of the {what} sum to {one[off][0].sum():.6g} in round {_named(off, names)}; give "
                "one for each candidate, so that they sum to 1"
            )
    lost = np.where(logged > 0, 0.0, target).sum(axis=1)
    if lost.mean() > tolerance:
        raise BadData(
            f"the log could not make {100 * lost.mean():.1f} % of the target's choices (round "
            f"{_named(lost > 0, names)}: {100 * lost.max():.1f} %); explore those actions or ask of a nearer policy"
        )


def unsupported(weights: Doubles) -> tuple[float, float]:
    """How much of the target's choices the log never makes, seen in its weights (rounds,) alone:
    estimate, least.

    Weights are 1 on average where the log can make every choice of the target; what is missing of 1
    is what it cannot. The least is what the 95 % normal interval leaves; light tails are needed, so
    it is a check, not a proof.
    """
    mean = normal(weights)
    return max(0.0, 1 - mean.value), max(0.0, 1 - mean.high)


def _named(rounds: Flags, names: Sequence[str] | None = None) -> str:
    first = np.flatnonzero(rounds)[:NAMED]
    more = ", ..." if rounds.sum() > NAMED else ""
    return ", ".join(str(k) if names is None else names[k] for k in first) + more

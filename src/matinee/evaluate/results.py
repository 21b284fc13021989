"""The results: numbers with their intervals, and comparisons with their p-values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from matinee.evaluate.measure import Metric

VERDICTS = ("beats", "loses to", "is not clearly different from")
CLEAR = 0.05  # a difference counts when its Holm-corrected p is below


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95 % bootstrap interval over members; NaN where nothing could be measured."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Line:
    """What one model (or policy) scored, metric key -> estimate."""

    model: str
    estimates: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One model against one baseline on the same members: the mean difference, p, and p corrected by Holm."""

    model: str
    baseline: str
    metric: str
    difference: Estimate
    p: float
    p_holm: float

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`: a clear one needs a corrected p below `CLEAR`."""
        beats, loses, unclear = VERDICTS
        if not self.p_holm < CLEAR:
            return unclear
        return beats if self.difference.value > 0 else loses


@dataclass(frozen=True, slots=True)
class Table:
    """The same metrics for several models on the same members, and their comparisons with the baselines."""

    metrics: tuple[Metric, ...]
    lines: tuple[Line, ...]
    comparisons: tuple[Comparison, ...] = ()

    def against(self, baseline: str, metric: str) -> tuple[Comparison, ...]:
        """The comparisons with `baseline` on `metric`, in the order of the models."""
        return tuple(c for c in self.comparisons if (c.baseline, c.metric) == (baseline, metric))

    @property
    def baselines(self) -> tuple[str, ...]:
        """Names of the baselines compared with."""
        return tuple(dict.fromkeys(c.baseline for c in self.comparisons))


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the members ("all", "warm", "cold" or "searching"): how many, how many targets, and what was measured.

    `pages` are of policies; `beyond` is what accuracy does not see, where that is measured apart from `lists`;
    `fairness` what lists give to titles, and to members of short and long histories.
    """

    name: str
    members: int
    targets: int
    lists: Table
    pages: Table | None = None
    beyond: Table | None = None
    fairness: Table | None = None


@dataclass(frozen=True, slots=True)
class ProtocolReport:
    """One way to cut time, and what was measured under it. `seconds` are (fitting, ranking) per model.

    `refused`: models and policies that could not be fitted or asked, and why.
    """

    name: str
    about: str
    as_of: str
    train_events: int
    train_members: int
    groups: tuple[Group, ...]
    seconds: Mapping[str, tuple[float, float]]
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """Everything measured in one evaluation. `n` is the length of the lists, `method` says how it was done."""

    dataset: str
    licence: str
    titles: int
    n: int
    draws: int
    protocols: tuple[ProtocolReport, ...]
    method: tuple[str, ...]

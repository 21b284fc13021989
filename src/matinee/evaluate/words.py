"""What the numbers say, in plain sentences made from the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from matinee.evaluate.measure import Metric
from matinee.evaluate.results import CLEAR, VERDICTS, Comparison, Estimate, Group, ProtocolReport

FEW = 30  # members, below which a group says little
TESTED = "ndcg"  # the metric on which verdicts are given


def findings(protocol: ProtocolReport, n: int) -> Iterator[str]:
    """For every group and baseline: who beats it, by how much, and who does not. One sentence each."""
    for group in protocol.groups:
        if group.members < FEW:
            yield f"{_people(group)}: too few to say anything with confidence."
        for baseline in group.lists.baselines:
            yield from (f"{_people(group)}: {said}" for said in _against(group, baseline, n))


def interval(estimate: Estimate, digits: int = 3, sign: bool = False) -> str:
    """Text like 0.123 [0.101, 0.145], with a sign before each number if wanted; a dash where nothing was measured."""
    if math.isnan(estimate.value):
        return "–"
    value, low, high = (number(one, digits, sign) for one in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def number(value: float, digits: int = 3, sign: bool = False) -> str:
    """A number with a true minus sign, and a plus where `sign` asks for it; a dash for NaN."""
    if math.isnan(value):
        return "–"
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    return text.replace("-", "−")


def p_value(p: float) -> str:
    """Text like p = 0.012, or p < 0.001."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def heading(metric: Metric, n: int) -> str:
    """A metric's name with the length of the lists where it depends on it."""
    return f"{metric.label}@{n}" if metric.key in {"recall", "ndcg", "mrr", "hit_rate", "coverage"} else metric.label


def _people(group: Group) -> str:
    return f"{'All' if group.name == 'all' else group.name.capitalize()} members ({group.members:,})"


def _against(group: Group, baseline: str, n: int) -> Iterator[str]:
    compared = group.lists.against(baseline, TESTED)
    same = [c.model for c in compared if c.difference.low == c.difference.high == 0.0]
    by_verdict = {
        verdict: [c for c in compared if c.verdict == verdict and c.model not in same] for verdict in VERDICTS
    }
    better = by_verdict["beats"]
    if better:
        models = "model beats" if len(better) == 1 else "models beat"
        yield f"{len(better)} {models} {baseline} in NDCG@{n}: {_list(better)}."
    elif compared:
        yield f"no model beats {baseline} in NDCG@{n}."
    if by_verdict["loses to"]:
        yield f"worse than {baseline}: {_list(by_verdict['loses to'])}."
    if by_verdict["is not clearly different from"]:
        listed = _list(by_verdict["is not clearly different from"])
        yield f"no clear difference from {baseline} (corrected p ≥ {CLEAR}): {listed}."
    if same:
        yield f"the same NDCG as {baseline} for every member: {', '.join(same)}."


def _list(compared: Sequence[Comparison]) -> str:
    order = sorted(compared, key=lambda c: -c.difference.value)
    return "; ".join(f"{c.model} {interval(c.difference, sign=True)}, {p_value(c.p_holm)}" for c in order)

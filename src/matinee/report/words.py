"""What the numbers say, in plain sentences made from the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from matinee.evaluate.measure import NDCG, NDCG_2D, Metric
from matinee.evaluate.results import CLEAR, VERDICTS, Comparison, Estimate, Group, ProtocolReport, Table

FEW = 30  # members, below which a group says little


def findings(protocol: ProtocolReport, n: int) -> Iterator[str]:
    """Who was refused; for every group and baseline, who beats it, by how much, and who does not; the same of pages."""
    yield from refusals(protocol.refused)
    for group in protocol.groups:
        people = f"{'All' if group.name == 'all' else group.name.capitalize()} members ({group.members:,})"
        if group.members < FEW:
            yield f"{people}: too few to say anything with confidence."
            continue
        for baseline in group.lists.baselines:
            yield f"{people}: {against(group.lists, baseline, NDCG.key, heading(NDCG, n))}"
        if group.pages is not None and group.pages.comparisons:
            policy = group.pages.baselines[0]
            yield f"{people}, pages: {against(group.pages, policy, NDCG_2D.key, NDCG_2D.label)}"


def refusals(refused: Mapping[str, str]) -> Iterator[str]:
    """One sentence a model that was refused, with the reason."""
    return (f"{model} was refused and has no place: {reason}" for model, reason in refused.items())


def standings(groups: Sequence[Group], key: str, label: str) -> Iterator[str]:
    """For every group of a leaderboard, who beats what all are compared with in one metric, and who does not."""
    for group in groups:
        people = f"{group.name.capitalize()} ({group.members:,} members)"
        if group.members < FEW:
            yield f"{people}: too few to say anything with confidence."
            continue
        for baseline in group.lists.baselines:
            yield f"{people}: {against(group.lists, baseline, key, label)}"


def size(count: float | None) -> str:
    """Bytes as people read them: 5.4 MB; a dash for None."""
    if count is None:
        return "–"
    for unit in ("B", "kB", "MB"):
        if count < 1_000:
            return f"{count:.3g} {unit}"
        count /= 1_000
    return f"{count:.3g} GB"


def interval(estimate: Estimate, digits: int = 3, sign: bool = False) -> str:
    """Text like 0.123 [0.101, 0.145], with a sign before each number if wanted; a dash where nothing was measured."""
    if math.isnan(estimate.value):
        return "–"
    value, low, high = (number(one, digits, sign) for one in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def percent(estimate: Estimate) -> str:
    """Text like 5.1 % [4.2, 6.0]; a dash where nothing was measured."""
    if math.isnan(estimate.value):
        return "–"
    value, low, high = (number(100 * one, 1) for one in (estimate.value, estimate.low, estimate.high))
    return f"{value} % [{low}, {high}]"


def number(value: float, digits: int = 3, sign: bool = False) -> str:
    """A number with a true minus sign, and a plus where `sign` asks for it; a dash for NaN."""
    if math.isnan(value):
        return "–"
    rounded = round(value, digits) + 0.0  # so that there is no minus before a zero
    text = f"{rounded:+.{digits}f}" if sign else f"{rounded:.{digits}f}"
    return text.replace("-", "−")


def p_value(p: float) -> str:
    """Text like p = 0.012, p < 0.001, or p = – where nothing could be tested."""
    return "p < 0.001" if p < 0.001 else f"p = {number(p)}"


def heading(metric: Metric, n: int) -> str:
    """A metric's name with the length of the lists where it depends on it."""
    return f"{metric.label}@{n}" if metric.key in {"recall", "ndcg", "mrr", "hit_rate", "coverage"} else metric.label


def against(table: Table, baseline: str, key: str, label: str) -> str:
    """Who beats the baseline, who is worse, who is neither, and who answers just as it does; models in that order."""
    compared = table.against(baseline, key)
    same = [c.model for c in compared if c.difference.low == c.difference.high == 0.0]
    better, worse, unclear = (
        [c for c in compared if c.verdict == verdict and c.model not in same] for verdict in VERDICTS
    )
    verb = "beats" if len(better) == 1 else "beat"
    beat = f"{len(better)} of {len(compared)} {verb} {baseline} in {label}: {_list(better)}."
    said = [beat if better else f"no other beats {baseline} in {label}."]
    if worse:
        said.append(f"Worse: {_list(worse)}.")
    if unclear:
        said.append(f"No clear difference (corrected p ≥ {CLEAR}): {_list(unclear)}.")
    if same:
        said.append(f"The same for every member: {', '.join(same)}.")
    return " ".join(said)


def _list(compared: Sequence[Comparison]) -> str:
    order = sorted(compared, key=lambda c: -c.difference.value)
    return "; ".join(f"{c.model} {interval(c.difference, sign=True)}, {p_value(c.p_holm)}" for c in order)

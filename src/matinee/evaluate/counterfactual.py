"""The value of a policy that never ran, from decisions that another one made and what came of them.

A page is judged from the top: its first row, its first two, all of it. What stands in the first k rows
has the weight prod target / logged over the choices that made them, whatever stands below. Each row
multiplies the weight, so that a log can often tell of the billboard and never of a whole page; how far
it can tell is its effective sample size.

The interval is Cressie-Read's with members as what is sampled: weights are 1 on average, and what they
miss of that is taken out of the estimate, which is the variance-optimal control variate of Delta-OPE.

Where the log was thinned, each decision counts as often as it stands for in every mean and sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from matinee.decision import Choices, Decisions, Layer
from matinee.errors import BadData
from matinee.evaluate.results import Estimate
from matinee.maths import off_policy
from matinee.maths.arrays import Doubles, Flags, Int64s
from matinee.maths.mean_intervals import by_cluster, cressie_read, normal
from matinee.maths.off_policy_support import NAMED, TOLERANCE, require_propensities, unsupported
from matinee.maths.ragged import offsets_of, owners_of

LOGGED = 1e-6  # to which a log keeps log-probabilities
ENOUGH = 100  # effective decisions, below which a log cannot tell
MEMBERS = 30  # below which it cannot either
LARGEST = 300.0  # of log-weights, so that their squares are numbers; more than any log can tell
DEPTHS = (1, 2, 3)  # rows from the top that are judged beside the whole page


@dataclass(frozen=True)
class Asked:
    """Logged choices beside what another policy says of each.

    `offsets` (decisions + 1); along the choices: `rows` of the page, `logged` and `target`
    log-probabilities given the choices before, `rewards`; `members` (decisions,) a number each;
    `ids` (decisions,) by which decisions are named, their places where there are none; `often`
    (decisions,) how many each stands for, None = itself. Raises `BadData` where a choice was logged
    without a probability.
    """

    offsets: Int64s
    rows: Int64s
    logged: Doubles
    target: Doubles
    rewards: Doubles
    members: Int64s
    ids: Sequence[str] = ()
    often: Doubles | None = None

    def __post_init__(self) -> None:
        require_propensities(np.exp(self.logged))
        for name in ("rows", "logged", "target", "rewards"):
            shape = getattr(self, name).shape
            assert shape == (self.offsets[-1],), f"{name} {shape} of {self.offsets[-1]} choices"
        assert len(self.members) == len(self), f"{len(self.members)} members of {len(self)} decisions"

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def times(self) -> Doubles:
        """(decisions,) how often each counts."""
        return np.ones(len(self)) if self.often is None else self.often

    @classmethod
    def of(
        cls,
        choices: Choices,
        target: Doubles,
        rewards: Doubles,
        members: Int64s,
        ids: Sequence[str] = (),
        often: Doubles | None = None,
    ) -> Asked:
        """The choices of some decisions; `target`, `rewards` (lines,), `members`, `ids`, `often` (decisions,).

        A target within `LOGGED` of what was logged is taken for it: a log keeps no more digits.
        """
        logged = choices.log_probs
        target = np.where(np.abs(target - logged) <= LOGGED, logged, target)
        return cls(choices.offsets, choices.rows.astype(np.int64), logged, target, rewards, members, ids, often)

    def named(self, some: Flags) -> str:
        """The first of `some` (decisions,), for a sentence."""
        found = np.flatnonzero(some)
        more = ", ..." if len(found) > NAMED else ""
        return ", ".join(self.ids[b] if len(self.ids) else str(b) for b in found[:NAMED]) + more

    def sums(self, of_choices: Doubles) -> Doubles:
        """Any number a choice, summed by decision: (decisions,)."""
        decisions = owners_of(self.offsets)
        return np.asarray(np.bincount(decisions, of_choices, len(self)), np.float64)


@dataclass(frozen=True, slots=True)
class Part:
    """What a log tells of one part of its decisions.

    `effective` of `decisions` of `members`; `lost` at least of the target's choices the log never
    makes; `stuck` decisions, named, left nothing to chance where the target would choose otherwise;
    reward a decision of the `logged` policy and of the `new` one, their `difference`, and
    `relative` to the logged one. `estimates` of the new value by other estimators, as a check.
    `reason`: why it cannot be told, "" where it can.
    """

    name: str
    decisions: int
    members: int
    effective: float
    lost: float
    logged: Estimate
    new: Estimate
    difference: Estimate
    relative: Estimate
    estimates: dict[str, float]
    reason: str
    stuck: int = 0
    named: str = ""


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """What a log tells of `policy`, part by part; `notes` say what was left out and what flatters it."""

    policy: str
    surface: str
    reward: str
    days: float
    decisions: int
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


class Heaviest(NamedTuple):
    """The largest weight that multiplies a reward, and the least and the greatest reward there is."""

    weight: float
    least: float
    most: float

    @classmethod
    def of(cls, weights: Doubles, rewards: Doubles) -> Heaviest:
        """Of these weights and rewards, any one shape."""
        return cls(float(weights.max()), min(0.0, float(rewards.min())), float(rewards.max()))


def first_titles(decisions: Decisions) -> Flags:
    """(lines,) the first title of each decision: all that a policy of one title can be asked about."""
    choices = decisions.choices
    return np.asarray(decisions.layer(Layer.TITLE) & (choices.rows == 0) & (choices.columns == 0))


def gathered(parts: Sequence[Asked]) -> Asked:
    """Decisions asked one after the other as one batch. Raises `BadData` where there are none."""
    if not parts:
        raise BadData("no decision of this log can be asked; serve first, with exploration above 0")
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    rows, logged, target, rewards, members = (
        np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS
    )
    ids = [one for part in parts for one in part.ids]
    often = np.concatenate([part.times for part in parts])
    return Asked(offsets_of(lengths), rows, logged, target, rewards, members, ids, often)


COLUMNS = ("rows", "logged", "target", "rewards", "members")


def judged(asked: Asked, predicted: Doubles | None = None, baseline: Doubles | None = None) -> tuple[Part, ...]:
    """Every part of these decisions, from the top down, and their titles one at a time.

    Of decisions of one title, `predicted` of what was chosen and `baseline` of what the target would
    choose (decisions,), by a reward model, make the estimate doubly robust.
    """
    deepest = int(asked.rows.max(initial=0)) + 1
    return tuple(_parts(asked, deepest, predicted, baseline))


def _parts(asked: Asked, deepest: int, predicted: Doubles | None, baseline: Doubles | None) -> Iterator[Part]:
    for depth in (*(one for one in DEPTHS if one < deepest), deepest):
        above = asked.rows < depth
        ratio = np.where(above, asked.target - asked.logged, 0.0)
        weights = np.exp(np.minimum(asked.sums(ratio), LARGEST))
        returns = asked.sums(np.where(above, asked.rewards, 0.0))
        new, estimates = off_policy.ips(weights, returns), _estimates(weights, returns, asked.times)
        if predicted is not None and baseline is not None:
            new = off_policy.dr(weights, returns, predicted, baseline)
            estimates |= {"DM": _mean(baseline, asked.times), "DR": _mean(new, asked.times)}
        chance = bool((asked.logged[above] < 0).any())
        told = weights, new, returns, asked.members, estimates, chance, None, asked.times
        found = part(_named(asked, depth, deepest), *told)
        yield _with_stuck(found, asked, (asked.sums(np.where(above, asked.logged, 0.0)) == 0) & (weights < 1 - LOGGED))
    if deepest > 1 and np.isfinite(asked.target).all():
        yield _one_at_a_time(asked)


def _with_stuck(found: Part, asked: Asked, stuck: Flags) -> Part:
    """The part, with the decisions (decisions,) that can tell nothing of the target."""
    if not stuck.any():
        return found
    return replace(found, stuck=int(stuck.sum()), named=asked.named(stuck))


def _one_at_a_time(asked: Asked) -> Part:
    """Each choice by the target after what the log had chosen before it; their effects added up.

    The first order of the whole page's weight: right where the effects of choices add up, as in the
    pseudo-inverse estimator.
    """
    lines = np.exp(np.minimum(asked.target - asked.logged, LARGEST))
    weights = asked.sums(lines) / np.maximum(np.diff(asked.offsets), 1)
    new, returns = asked.sums(lines * asked.rewards), asked.sums(asked.rewards)
    chance = bool((asked.logged < 0).any())
    told, heaviest = {"IPS": _mean(new, asked.times)}, Heaviest.of(lines, asked.rewards)
    return part("one by one", weights, new, returns, asked.members, told, chance, heaviest, asked.times)


def part(
    name: str,
    weights: Doubles,
    new: Doubles,
    returns: Doubles,
    members: Int64s,
    estimates: Mapping[str, float],
    chance: bool = True,
    heaviest: Heaviest | None = None,
    often: Doubles | None = None,
) -> Part:
    """One part out of decisions: their weights, an estimator's values of the `new` policy, what was
    earned (decisions,), and members; `chance`: was anything left to it? `heaviest`: what weighs most,
    by default a decision; `often` (decisions,) how often each counts, None = once.
    """
    times = np.ones(len(weights)) if often is None else often
    found = np.unique(members)
    effective, lost = off_policy.effective_size(times * weights), unsupported(by_cluster(weights, members, times))[1]
    told = _compared(_Sampled(weights, new, returns, members, times), heaviest or Heaviest.of(weights, returns))
    return Part(
        name=name,
        decisions=len(weights),
        members=len(found),
        effective=effective,
        lost=lost,
        logged=Estimate(*normal(by_cluster(returns, members, times))),
        new=told[0],
        difference=told[1],
        relative=told[2],
        estimates=dict(estimates),
        reason=_reason(weights, returns, effective, lost, len(found), chance),
    )


class _Sampled(NamedTuple):
    """Decisions (decisions,) as `part` takes them."""

    weights: Doubles
    new: Doubles
    returns: Doubles
    members: Int64s
    times: Doubles


def _compared(sampled: _Sampled, heaviest: Heaviest) -> tuple[Estimate, Estimate, Estimate]:
    """The new value, its difference to what was earned, and that relative to it; a ratio by its linear terms."""
    mean = _mean(sampled.returns, sampled.times)
    value, difference = (_interval(sampled, heaviest, current) for current in (0.0, 1.0))
    if not mean > 0:
        return value, difference, Estimate(np.nan, np.nan, np.nan)
    ratio = difference.value / mean
    apart = _interval(sampled, heaviest, 1.0 + ratio)
    return value, difference, Estimate(*(ratio + one / mean for one in (apart.value, apart.low, apart.high)))


def _interval(sampled: _Sampled, heaviest: Heaviest, current: float) -> Estimate:
    """Of E[new - current returns], sampling members; the heaviest stands for what the log has not met."""
    weights, new, returns, members, times = sampled
    values = new - current * returns
    scale, mean = len(np.unique(members)) * times.max() / times.sum(), _mean(values, times)
    ends = [(heaviest.weight - current) * end for end in (heaviest.least, heaviest.most)]
    low, high = (mean + scale * (end - mean) for end in (min(ends), max(ends)))
    ceiling = 1.0 + scale * (float(weights.max()) - 1.0)
    of_weights, of_values = (by_cluster(one, members, times) for one in (weights, values))
    return Estimate(*cressie_read(of_weights, of_values, ceiling, (low, high)))


def _mean(values: Doubles, times: Doubles) -> float:
    return float(np.average(values, weights=times))


def _estimates(weights: Doubles, returns: Doubles, times: Doubles) -> dict[str, float]:
    """Of the new value, as a check on each other."""
    ceiling = float(np.sqrt(len(weights)))
    return {
        "IPS": _mean(off_policy.ips(weights, returns), times),
        "clipped IPS": _mean(off_policy.ips(off_policy.clipped(weights, ceiling), returns), times),
        "SNIPS": float(off_policy.snips(times * weights, returns).mean()),
    }


def _reason(weights: Doubles, returns: Doubles, effective: float, lost: float, members: int, chance: bool) -> str:
    """Why nothing can be told, in words; "" where it can."""
    if (weights == 1).all():
        return "" if chance else "both policies choose the same here, with certainty"
    if not chance:
        return "nothing was left to chance here: explore, so that another policy's choices are met"
    if effective < ENOUGH:
        return f"effective sample size {effective:,.0f} of {len(weights):,}"
    if members < MEMBERS:
        return f"only {members:,} members"
    if lost > TOLERANCE:
        return f"at least {100 * lost:.0f} % of its choices are such as the log never makes, or hardly ever"
    return "" if returns.any() else "none of these decisions was answered"


def _named(asked: Asked, depth: int, deepest: int) -> str:
    if depth > 1:
        return "whole page" if depth == deepest else f"first {depth} rows"
    alone = (asked.sums((asked.rows == 0).astype(np.float64)) <= 2).all()
    return "first title" if alone else "whole list" if depth == deepest else "first row"

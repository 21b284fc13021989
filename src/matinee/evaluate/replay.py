"""Replay: a policy meets a log of uniform choices and hears only of those it would have made itself (Li et al. 2011).

The estimate is unbiased for a policy that does not learn. One that learns hears of one round in as many as
there are titles, so that it learns as slowly as a service of that many fewer visits: its replay is that of
a policy at the start of its life, too low for one that has the whole log (on a synthetic log of 10,000
rounds .66 where the truth is .75).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.decision import Decisions, Learns, Policy
from matinee.errors import BadData
from matinee.maths.arrays import Doubles, Flags
from matinee.maths.mean_intervals import Interval, cressie_read

UNIFORM = 1e-6  # how far a logged probability may be from one in as many as could be chosen


@dataclass(frozen=True)
class Replayed:
    """`matched` (rounds,) which rounds the policy would have made, the mean reward of those, and whether it learned:
    then `value` is too low for a policy of the whole log. Its interval allows for one more round with the least or the
    greatest reward of the log, so that no reward in a few rounds is not taken for none ever.
    """

    matched: Flags
    value: Interval
    learned: bool


def replay(
    policy: Policy, decisions: Decisions, rewards: Doubles, rng: np.random.Generator, at_once: int = 100
) -> Replayed:
    """Let `policy` decide for the requests of uniform decisions of one title each, in order, `at_once` at a time.

    `rewards` (rounds,). What matches counts, and is all that a policy that learns hears of. Raises `BadData` where a
    choice was not as likely as any other.
    """
    choices = decisions.choices
    assert choices.actions.shape == rewards.shape == (len(decisions),), "replay takes decisions of one title each"
    off = np.abs(np.exp(choices.log_probs) * choices.among - 1) > UNIFORM
    if off.any():
        raise BadData(
            f"{int(off.sum()):,} of {len(off):,} decisions were not uniform; weigh them by their probabilities "
            "(off_policy.snips), for replay counts each as one"
        )
    matched, learns = np.zeros(len(decisions), np.bool_), isinstance(policy, Learns)
    for start in range(0, len(decisions), at_once):
        rows = np.arange(start, min(start + at_once, len(decisions)))
        logged = decisions.take(rows)
        wanted = policy.decide(logged.requests, rng).choices
        matched[rows] = wanted.actions == logged.choices.actions
        heard = rows[matched[rows]]
        if isinstance(policy, Learns) and len(heard):
            policy.learn(decisions.take(heard), rewards[heard])
    ends = (float(rewards.min(initial=0.0)), float(rewards.max(initial=0.0)))
    told = cressie_read(np.ones(int(matched.sum())), rewards[matched], 1.0, ends)
    return Replayed(matched, told._replace(low=max(told.low, ends[0]), high=min(told.high, ends[1])), learns)

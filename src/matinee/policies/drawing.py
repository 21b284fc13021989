"""Single titles drawn from rows of probabilities, and asked again of them."""

from __future__ import annotations

import numpy as np

from matinee.decision import Choices, Decisions, Layer, Maker, Requests, decision_ids
from matinee.maths.arrays import Doubles


def drawn(requests: Requests, probs: Doubles, scores: Doubles, rng: np.random.Generator, maker: Maker) -> Decisions:
    """One title a request from `probs` (batch, titles), none where all are 0; `scores` (batch, titles)."""
    batch, titles = len(requests), probs.shape[1]
    bits = requests.bits(rng)
    sums = probs.cumsum(axis=1)
    levels = np.minimum((bits >> np.uint64(11)) * 2.0**-53 * sums[:, -1], np.nextafter(sums[:, -1], 0.0))[:, None]
    chosen = np.minimum((sums <= levels).sum(axis=1), titles - 1).astype(np.int32)
    counts = np.count_nonzero(probs, axis=1).astype(np.int32)
    some = counts > 0
    of_chosen = np.where(some, probs[np.arange(batch), chosen], 1.0)
    of_scores = np.clip(scores[np.arange(batch), chosen], 0.0, 1.0).astype(np.float32)
    choices = Choices.of_titles(chosen, np.log(of_chosen), np.maximum(counts, 1), of_scores)
    return Decisions(
        requests=requests,
        ids=decision_ids(batch, rng),
        makers=(maker,),
        choices=choices.keep(some),
        eligible=counts,
        bits=bits,
        catalog=titles,
    )


def log_probs_of(decisions: Decisions, probs: Doubles) -> Doubles:
    """(lines,) log of `probs` (batch, titles) for each title that was chosen alone; -inf for anything else."""
    choices = decisions.choices
    lone = (choices.layers == Layer.TITLE) & (np.diff(choices.offsets)[choices.decisions] == 1)
    with np.errstate(divide="ignore"):
        found = np.log(probs[choices.decisions, np.where(lone, choices.actions, 0)])
    return np.asarray(np.where(lone, found, -np.inf))


def balanced(decisions: Decisions, most: float = 20.0) -> Doubles:
    """(lines,) what each choice should count so that what is learned does not lean to what was shown: 1 / P(choice),
    at most `most`. For `LinearArms.learn` (Dimakopoulou, Zhou, Athey and Imbens 2019, "Balanced linear contextual
    bandits").
    """
    return np.minimum(np.exp(-decisions.choices.log_probs), most)

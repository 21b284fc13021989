"""What only a world knows: the value of what was shown, and of the best that could have been."""

from __future__ import annotations

import numpy as np

from matinee.decision import Decisions, Layer, Requests
from matinee.decision.eligibility import eligible
from matinee.maths.arrays import Doubles
from matinee.maths.ragged import Ragged
from matinee.simulate.answers import by_decision
from matinee.simulate.world import World


def values(world: World, decisions: Decisions) -> Doubles:
    """(batch,) the expected reward of each decision as things stand: over its titles, P(looked at) * reward if so.

    Exact for single titles; of a page it leaves out that a play may end the look at it.
    """
    title = decisions.layer(Layer.TITLE)
    rewards = np.where(title, world.expected(decisions), 0.0)
    return by_decision(decisions, rewards * _looked_at(world, decisions))


def best_values(world: World, decisions: Decisions) -> Doubles:
    """(batch,) `values` of the best decisions that show as many titles at the same places: the best where most look.

    Costs one look at every title for each decision, so ask for a sample of them.
    """
    looked_at = np.where(decisions.layer(Layer.TITLE), _looked_at(world, decisions), 0.0)
    ranked = -np.sort(-every_title(world, decisions.requests), axis=1)
    offsets, best = decisions.choices.offsets, np.zeros(len(decisions))
    for b in range(len(decisions)):
        places = -np.sort(-looked_at[offsets[b] : offsets[b + 1]])[: ranked.shape[1]]
        best[b] = places @ ranked[b, : len(places)]
    return best


def every_title(world: World, requests: Requests) -> Doubles:
    """(batch, titles) the expected reward of each title, if looked at; 0 for those that may not be shown."""
    n = len(world.titles)
    lists = Ragged(np.arange(len(requests) + 1) * n, np.tile(np.arange(n, dtype=np.int32), len(requests)))
    rewards = world.expected_of(requests, lists).reshape(len(requests), n)
    return np.where(eligible(world.catalog, requests), rewards, 0.0)


def _looked_at(world: World, decisions: Decisions) -> Doubles:
    rows, columns = world.config.looks(decisions.requests.layout)
    choices = decisions.choices
    return np.asarray(rows[np.maximum(choices.rows, 0)] * columns[np.maximum(choices.columns, 0)])

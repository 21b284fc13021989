"""What a policy offers beyond the contract, checked: its whole distribution, and learning that can be replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Enumerates, Layer, Learns, Policy, Requests
from matinee.decision.eligibility import eligible
from matinee.maths.arrays import Doubles, Int32s

TOLERANCE = 1e-6  # how far a recomputed log-probability may be from the logged one
ROUNDS = 3  # batches that a policy learns from


def check_enumerates(policy: Policy, catalog: Catalog, decisions: Decisions) -> None:
    """Raise AssertionError unless the distribution covers what was chosen and agrees with `log_prob`."""
    assert isinstance(policy, Enumerates)
    requests = decisions.requests
    made = policy.probabilities(requests)
    assert len(made) == len(requests), f"{len(made)} distributions for {len(requests)} requests"
    allowed, lengths = eligible(catalog, requests), np.diff(made.candidates.offsets)
    assert (np.diff(decisions.choices.offsets) == (lengths > 0)).all(), "a title is chosen and has no probability"
    of_title = np.repeat(np.arange(len(requests)), lengths)
    assert allowed[of_title, made.candidates.values].all(), "a title that may not be shown has a probability"
    chosen = made.of(_items(decisions))[lengths > 0]
    assert np.allclose(chosen, np.exp(decisions.choices.log_probs), atol=TOLERANCE), "probabilities are not the logged"
    for places in (made.candidates.offsets[:-1][lengths > 0], made.candidates.offsets[1:][lengths > 0] - 1):
        others = replace(decisions.choices, actions=made.candidates.values[places])
        asked = np.exp(policy.log_prob(replace(decisions, choices=others)))
        assert np.allclose(asked, made.probs[places], atol=TOLERANCE), "probabilities differ from log_prob"


def check_learns(make: Callable[[], Policy], requests: Requests) -> None:
    """Raise AssertionError unless versions grow, old decisions can be asked again, what nobody looked at teaches
    nothing, and a replay of the same rewards leaves the same bytes.
    """
    first, second = make(), make()
    assert isinstance(first, Learns)
    assert isinstance(second, Learns)
    made = []
    for turn in range(ROUNDS):
        decisions = first.decide(requests, np.random.default_rng(turn))
        said = {decisions.makers[int(one)].posterior for one in decisions.choices.makers}
        assert first.posterior in said or not said, f"decisions of version {first.posterior} say {sorted(said)}"
        rewards, before = _rewards(decisions, turn), first.posterior
        made.append((before, decisions, rewards))
        first.learn(decisions, rewards)
        assert first.posterior > before, f"the version was {before} and is {first.posterior} after learning"
    for _, decisions, rewards in made:
        second.learn(decisions, rewards)
    assert _bytes(first) == _bytes(second), "a replay of the same rewards left other bytes"
    for version, decisions, _ in made:
        difference = np.abs(first.at(version).log_prob(decisions) - decisions.choices.log_probs)
        assert difference.max(initial=0.0) <= TOLERANCE, f"version {version} does not give back what it logged"
    _check_unseen(first, made[-1][1])


def _check_unseen(policy: Policy, decisions: Decisions) -> None:
    assert isinstance(policy, Learns)
    before = policy.log_prob(decisions)
    policy.learn(decisions, np.full(len(decisions.choices.log_probs), np.nan))
    same = np.allclose(policy.log_prob(decisions), before, atol=TOLERANCE)
    assert same, "titles that nobody looked at taught something"


def _rewards(decisions: Decisions, seed: int) -> Doubles:
    """(lines,) made-up rewards, a third of them NaN, and NaN for what is no title."""
    rng = np.random.default_rng(seed)
    rewards = rng.random(len(decisions.choices.log_probs))
    rewards[(rng.random(len(rewards)) < 1 / 3) | ~decisions.layer(Layer.TITLE)] = np.nan
    return rewards


def _items(decisions: Decisions) -> Int32s:
    """(batch,) the title of each single-title decision, -1 for none."""
    items = np.full(len(decisions), -1, np.int32)
    items[decisions.choices.decisions] = decisions.choices.actions
    return items


def _bytes(policy: Learns) -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        policy.save(Path(folder))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}

"""Logs as the Open Bandit Pipeline's dictionaries: out of decisions, and into weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from matinee.decision import Decisions, Layer
from matinee.errors import BadData
from matinee.maths.arrays import Doubles
from matinee.maths.off_policy_support import require_propensities

NEEDED = ("n_rounds", "n_actions", "action", "reward", "pscore")


def feedback_of(decisions: Decisions, rewards: Doubles) -> dict[str, Any]:
    """The dictionary of decisions of one title each; `rewards` (lines,), context left to who knows it.

    Raises `BadData` where a decision is no single title.
    """
    choices = decisions.choices
    if len(choices.actions) != len(decisions) or not decisions.layer(Layer.TITLE).all():
        raise BadData(
            f"{len(decisions):,} decisions hold {len(choices.actions):,} choices; a bandit's feedback is one title a "
            "decision, so take the first titles"
        )
    return {
        "n_rounds": len(decisions),
        "n_actions": decisions.catalog,
        "action": choices.actions.astype(np.int64),
        "position": np.maximum(choices.columns, 0).astype(np.int64),
        "reward": np.asarray(rewards, np.float64),
        "pscore": np.exp(choices.log_probs),
        "context": np.zeros((len(decisions), 0)),
    }


def weights_and_rewards(feedback: Mapping[str, Any], action_dist: Doubles) -> tuple[Doubles, Doubles]:
    """(rounds,) weights of the target and rewards of the log.

    `action_dist` (n_rounds, n_actions, positions): the target's probabilities, as that library has them. Raises
    `BadData` for a dictionary that lacks something or holds no propensities.
    """
    missing = [name for name in NEEDED if feedback.get(name) is None]
    if missing:
        raise BadData(f"the feedback lacks {', '.join(missing)}; it needs {', '.join(NEEDED)}")
    rounds, n = np.arange(feedback["n_rounds"]), feedback["n_actions"]
    action, reward, pscore = (np.asarray(feedback[name]) for name in ("action", "reward", "pscore"))
    position = np.zeros(len(rounds), np.int64) if feedback.get("position") is None else feedback["position"]
    assert action.shape == reward.shape == pscore.shape == rounds.shape, f"{len(rounds)} rounds, {action.shape} actions"
    if action_dist.ndim != 3 or action_dist.shape[:2] != (len(rounds), n):
        raise BadData(
            f"action_dist has shape {action_dist.shape}; give ({len(rounds)}, {n}, positions), a probability for each "
            "action that the log could choose"
        )
    require_propensities(pscore)
    return action_dist[rounds, action, position] / pscore, reward.astype(np.float64)

"""Logs as the Open Bandit Pipeline's dictionaries: out of decisions and files, into decisions and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from matinee.decision import Choices, Decisions, Layer, Maker, Requests
from matinee.errors import BadData
from matinee.history import Histories
from matinee.maths.arrays import Doubles, Floats, Int64s
from matinee.maths.off_policy_support import require_propensities
from matinee.policies.features import Features

NEEDED = ("n_rounds", "n_actions", "action", "reward", "pscore")
OPEN_BANDIT = ("timestamp", "item_id", "position", "click", "propensity_score")


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


@dataclass(frozen=True)
class Contexts:
    """The `context` (rounds, size) of a dictionary as vectors of members, for learners that replay its decisions: each
    request of `decisions_of` is asked at the moment of its round's number. Titles have no vectors there.
    """

    context: Doubles

    def features(self, titles: int, size: int) -> Features:
        """1 and the direction along the `size` axes in which contexts differ most; of each title, 1."""
        middle = self.context - self.context.mean(axis=0)
        axes = np.linalg.svd(middle, full_matrices=False)[2][:size]
        signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
        return Features(self, (axes * signs[:, None]).T, np.ones((titles, 1)), np.zeros(titles))

    @property
    def title_vectors(self) -> Floats:
        """(0, size)."""
        return np.empty((0, self.context.shape[1]), np.float32)

    def member_vectors(self, requests: Requests) -> Doubles:
        """(batch, size) the context of each round."""
        return self.context[requests.times]


def decisions_of(feedback: Mapping[str, Any]) -> tuple[Decisions, Doubles]:
    """Decisions of one title each, of nobody in particular, and rewards (lines,): what `replay` takes, and what
    `feedback_of` gives back. Contexts stay behind, see `Contexts`. Raises `BadData` as `weights_and_rewards`.
    """
    action, position, reward, pscore = _columns(feedback)
    n, among = len(action), np.full(len(action), feedback["n_actions"], np.int32)
    choices = Choices.of_titles(action.astype(np.int32), np.log(pscore), among)
    requests = replace(Requests.of_histories(Histories.empty(n)), times=np.arange(n))
    decisions = Decisions(
        requests=requests,
        ids=tuple(f"round-{k}" for k in range(n)),
        makers=(Maker("open-bandit"),),
        choices=replace(choices, columns=position.astype(np.int16)),
        eligible=among,
        bits=np.zeros(n, np.uint64),
        catalog=int(feedback["n_actions"]),
    )
    return decisions, reward


def read_feedback(file: Path, items: Path | None = None) -> dict[str, Any]:
    """The dictionary of a file of the Open Bandit Dataset, such as random/all/all.csv, rounds by time; `items` its
    item_context.csv. Raises `BadData` where a column is missing.
    """
    frame = pl.read_csv(file)
    missing = [name for name in OPEN_BANDIT if name not in frame.columns]
    if missing:
        raise BadData(f"{file} lacks {', '.join(missing)}; give a file of the Open Bandit Dataset")
    rounds = frame.sort("timestamp", maintain_order=True)
    action = rounds["item_id"].to_numpy().astype(np.int64)
    return {
        "n_rounds": len(rounds),
        "n_actions": int(action.max()) + 1,
        "action": action,
        "position": rounds["position"].rank("dense").to_numpy().astype(np.int64) - 1,
        "reward": rounds["click"].to_numpy().astype(np.float64),
        "pscore": rounds["propensity_score"].to_numpy().astype(np.float64),
        "context": _indicators(rounds.select(pl.col("^user_feature_.*$"))),
        "action_context": None if items is None else _numbers(pl.read_csv(items)),
    }


def _indicators(features: pl.DataFrame) -> Doubles:
    """(rounds, values) 1 where a feature has a value, the least value of each left out."""
    values = [(one, value) for one in features.columns for value in features[one].unique().sort()[1:]]
    told = [features[one].eq(value).to_numpy() for one, value in values]
    return np.stack(told, axis=1).astype(np.float64) if told else np.zeros((len(features), 0))


def _numbers(items: pl.DataFrame) -> Doubles:
    """(actions, features) categories as their places among all sorted, then the number."""
    named = [np.unique(items[f"item_feature_{k}"], return_inverse=True)[1] for k in (1, 2, 3)]
    return np.stack([*named, items["item_feature_0"].to_numpy()], axis=1).astype(np.float64)


def weights_and_rewards(feedback: Mapping[str, Any], action_dist: Doubles) -> tuple[Doubles, Doubles]:
    """(rounds,) weights of the target and rewards of the log.

    `action_dist` (n_rounds, n_actions, positions): the target's probabilities, as that library has them. Raises
    `BadData` for a dictionary that lacks something or holds no propensities.
    """
    action, position, reward, pscore = _columns(feedback)
    rounds, n = np.arange(len(action)), feedback["n_actions"]
    if action_dist.ndim != 3 or action_dist.shape[:2] != (len(rounds), n):
        raise BadData(
            f"action_dist has shape {action_dist.shape}; give ({len(rounds)}, {n}, positions), a probability for each "
            "action that the log could choose"
        )
    return action_dist[rounds, action, position] / pscore, reward


def _columns(feedback: Mapping[str, Any]) -> tuple[Int64s, Int64s, Doubles, Doubles]:
    """(rounds,) actions, positions, rewards and propensities of a whole dictionary."""
    missing = [name for name in NEEDED if feedback.get(name) is None]
    if missing:
        raise BadData(f"the feedback lacks {', '.join(missing)}; it needs {', '.join(NEEDED)}")
    n, place = feedback["n_rounds"], feedback.get("position")
    action, reward, pscore = (np.asarray(feedback[name]) for name in ("action", "reward", "pscore"))
    position = np.zeros(n, np.int64) if place is None else np.asarray(place)
    shapes = {one.shape for one in (action, reward, pscore, position)}
    if shapes != {(n,)}:
        raise BadData(f"the feedback of {n:,} rounds holds columns of shape {sorted(shapes)}; give one number a round")
    require_propensities(pscore)
    return action, position, reward.astype(np.float64), pscore.astype(np.float64)

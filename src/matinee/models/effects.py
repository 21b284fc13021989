"""What a message does, learned from a log of sends that were drawn: its effect on the outcome, or
the chance of it.

A doubly robust learner: `maths.uplift.pseudo_effects` of each decision, from models that did not
see its member, are regressed on what was known of the decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Flags, Int64s
from matinee.maths.ridge import Products, best_penalty, total, with_constant
from matinee.maths.uplift import hats, pseudo_effects

FOLDS = 5  # of members, by which models are told what they have not seen
KNOTS = 5  # of each feature, at equal shares of what was seen
PENALTIES = np.geomspace(1.0, 1e4, 9)
FEWEST = 200  # decisions of each kind, sent and silent, that an effect is learned from


@dataclass(frozen=True)
class Trials:
    """Decisions that could have gone either way, and what came of them, (n,) each.

    `features` (n, features) what was known; `sent`, and with which `chance`, in (0, 1); `outcome`
    of that decision; `members` any number for each member, the same for all of their decisions;
    `often` each counts, as its decision stands for others of a thinned log.
    """

    features: Doubles
    sent: Flags
    chance: Doubles
    outcome: Doubles
    members: Int64s
    often: Doubles

    def __len__(self) -> int:
        return len(self.sent)

    def of(self, which: Flags) -> Trials:
        """Those that `which` (n,) marks."""
        return Trials(*(getattr(self, one.name)[which] for one in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Trials]) -> Self:
        """All of them, one part after the other; at least one part."""
        names = [one.name for one in fields(cls)]
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))

    @property
    def tell(self) -> bool:
        """Whether they are enough to learn from."""
        return bool(min(np.count_nonzero(self.sent), np.count_nonzero(~self.sent)) >= FEWEST)

    @property
    def fold(self) -> Int64s:
        """(n,) the fold of each, by member."""
        return self.members % FOLDS


@dataclass(frozen=True)
class Effects:
    """A number for each row of features: a sum of one curve a feature, linear between its `knots`,
    and a constant.

    `weights` (sum of knots + 1,), the constant last.
    """

    knots: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]

    def of(self, features: Doubles) -> Doubles:
        """(n,) of `features` (n, features)."""
        return np.asarray(with_constant(_basis(features, self.knots)) @ np.array(self.weights))

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"knots": [list(one) for one in self.knots], "weights": list(self.weights)}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The inverse of `plain`; `KeyError`, `TypeError` or `ValueError` where it is none."""
        made = cls(
            tuple(tuple(float(one) for one in knots) for knots in plain["knots"]),
            tuple(float(one) for one in plain["weights"]),
        )
        if len(made.weights) != 1 + sum(len(one) for one in made.knots) or not np.isfinite(made.weights).all():
            raise ValueError(f"{len(made.weights)} weights do not fit the knots")
        return made


def effect_of_sending(trials: Trials) -> Effects:
    """What sending adds to the outcome, as a function of the features. Raises `BadRequest` where
    too little is known.
    """
    require_enough(trials)
    knots = _knots(trials.features)
    basis = _basis(trials.features, knots)
    expected = [_out_of_fold(basis, trials, trials.sent == sent) for sent in (False, True)]
    effects = pseudo_effects(trials.sent, trials.chance, trials.outcome, *expected)
    return Effects(knots, _regression(_sums(basis, effects, trials)))


def chance_if_sent(trials: Trials) -> Effects:
    """The mean outcome of what was sent, as a function of the features: what an open-rate model
    learns.
    """
    require_enough(trials)
    knots = _knots(trials.features)
    sent = trials.of(trials.sent)
    return Effects(knots, _regression(_sums(_basis(sent.features, knots), sent.outcome, sent)))


def require_enough(trials: Trials) -> None:
    """Raise `BadRequest` unless the trials are enough to learn from."""
    if not trials.tell:
        sends = np.count_nonzero(trials.sent)
        raise BadRequest(
            f"{sends:,} sends and {len(trials) - sends:,} silences are known with what came of them; an effect is "
            f"learned from {FEWEST} of each; send at random until then"
        )


def _knots(features: Doubles) -> tuple[tuple[float, ...], ...]:
    """Knots of each feature at equal shares of its values; of one with few values at these."""
    shares = np.linspace(0.0, 1.0, KNOTS)
    return tuple(tuple(np.unique(np.quantile(column, shares).round(6)).tolist()) for column in features.T)


def _basis(features: Doubles, knots: Sequence[Sequence[float]]) -> Doubles:
    """(n, sum of knots) the hats of every feature."""
    assert features.shape[1] == len(knots), f"{features.shape[1]} features, knots of {len(knots)}"
    return np.concatenate([hats(features[:, k], np.array(one)) for k, one in enumerate(knots)], axis=1)


def _sums(basis: Doubles, answers: Doubles, trials: Trials) -> list[Products]:
    """The sums over trials that a regression needs, fold by fold."""
    parts = [trials.fold == one for one in range(FOLDS)]
    return [Products.of(basis[part], answers[part, None], trials.often[part]) for part in parts]


def _regression(folds: list[Products]) -> tuple[float, ...]:
    return tuple(total(folds).solve(best_penalty(folds, PENALTIES))[:, 0].tolist())


def _out_of_fold(basis: Doubles, trials: Trials, arm: Flags) -> Doubles:
    """(n,) the outcome expected in an arm, of each decision by a model of the members of other
    folds.
    """
    those = trials.of(arm)
    folds = _sums(basis[arm], those.outcome, those)
    whole, penalty = total(folds), best_penalty(folds, PENALTIES)
    weights = [(whole - one).solve(penalty)[:, 0] for one in folds]
    fitted = with_constant(basis) @ np.stack(weights, axis=1)
    return np.clip(fitted[np.arange(len(trials)), trials.fold], 0.0, 1.0)

"""A factorization machine: members, situations and titles as sums of vectors; a score is one dot product."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from matinee.models.deep.match_network import Dot, Parts
from matinee.models.deep.match_scorer import MatchConfig, MatchScorer


@dataclass(frozen=True, slots=True)
class FactorizationMachineConfig(MatchConfig):
    """See `MatchConfig`; a factorization machine has nothing more to set."""


class FactorizationMachine(MatchScorer):
    """score = (sum of the request's feature vectors) · (sum of the title's feature vectors) + the title's bias.

    The request's features are the likes of its history, each 1 / sqrt(number of likes), country, device, hour, weekday
    and age, which is how long ago it was made; the title's are itself and its content. Of all products of two features
    these are the ones between request and title; those within a title are the bias, those within a request move every
    title alike. Scoring is one vector against all titles. Right where context or content tell something and data are
    too few for more; it cannot learn that a device matters for some members only. (Rendle 2010, "Factorization
    machines"; trained on a softmax.)
    """

    config_type = FactorizationMachineConfig

    @staticmethod
    def parts(config: FactorizationMachineConfig) -> Parts:
        """No towers: sums of vectors meet as they are."""
        return Parts(nn.Identity(), nn.Identity(), Dot())

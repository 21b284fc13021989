"""Two towers: a network for requests and a network for titles, which meet in one dot product."""

from __future__ import annotations

from dataclasses import dataclass

from matinee.models.deep.match_network import Dot, Parts, Tower
from matinee.models.deep.match_scorer import MatchConfig, MatchScorer


@dataclass(frozen=True, slots=True)
class TwoTowerConfig(MatchConfig):
    """`hidden`: width of the hidden layer of both towers. `dropout`: share of it that is silenced in training.
    See `MatchConfig` for the rest.
    """

    hidden: int = 128
    dropout: float = 0.2


class TwoTower(MatchScorer):
    """score = tower(likes and situation) · tower(title and content) + the title's bias.

    What `FactorizationMachine` adds up, each tower may bend: x + W2 gelu(W1 norm(x)). So a device may matter for some
    members only, at the same cost of scoring: titles' vectors are worked out once. (Covington et al. 2016.)
    """

    config_type = TwoTowerConfig

    @staticmethod
    def parts(config: TwoTowerConfig) -> Parts:
        """One hidden layer on each side."""
        request, title = (Tower(config.size, config.hidden, config.dropout) for _ in range(2))
        return Parts(request, title, Dot())

"""A feed-forward network on request and title together: what a product of two vectors cannot say, an MLP may learn."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from matinee.models.deep.match_network import Pairs, Parts
from matinee.models.deep.match_scorer import MatchConfig, MatchScorer


@dataclass(frozen=True, slots=True)
class FeedForwardConfig(MatchConfig):
    """`hidden`: width of the first hidden layer, the second has half of it. `dropout`: share of the first that is
    silenced in training. See `MatchConfig` for the rest.
    """

    candidates: int = 512
    hidden: int = 32
    dropout: float = 0.1


class FeedForward(MatchScorer):
    """score = w · (request * title) + MLP([request; title]) + the title's bias, both being sums of feature vectors.

    An MLP has to learn even a dot product and costs its layers for every pair instead of one product; on most data it
    does not pay (Rendle, Krichene, Zhang, Anderson 2020, arXiv 2005.09683). It stands here so that anyone can see by
    how much. (NeuMF, He et al. 2017, with members as bags of their likes, so that new ones are served.)
    """

    config_type = FeedForwardConfig

    @staticmethod
    def parts(config: FeedForwardConfig) -> Parts:
        """No towers, an MLP where request and title meet."""
        return Parts(nn.Identity(), nn.Identity(), Pairs(config.size, config.hidden, config.dropout))

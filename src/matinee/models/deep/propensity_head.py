"""A second softmax: what the system would have shown, told from the same states, whose gradient it never touches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor, nn

from matinee.errors import BadRequest
from matinee.models.deep.losses import BLOCK, NOTHING, Seen, softmax_loss


class Use(StrEnum):
    """What a like weighs: 1 / beta, or pi / beta, which learns the policy that earns most."""

    INVERSE = "inverse"
    RATIO = "ratio"


class Over(StrEnum):
    """What the weights of a batch are divided by."""

    NOTHING = "nothing"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class HeadConfig:
    """`use`: what a like weighs. `cap`: at most so much, before it is divided by what `over` says. `top_k`: how many
    titles are shown at a time, for `Use.RATIO`.
    """

    use: Use = Use.INVERSE
    cap: float = 20.0
    over: Over = Over.MEAN
    top_k: int = 1

    def __post_init__(self) -> None:
        for name, kind in (("use", Use), ("over", Over)):
            try:
                object.__setattr__(self, name, kind(getattr(self, name)))
            except ValueError as error:
                raise BadRequest(
                    f"the propensity head's {name} is {getattr(self, name)!r}; give one of {[str(k) for k in kind]}"
                ) from error
        if not self.cap > 0:
            raise BadRequest(f"the propensity head's cap is {self.cap}; give a number above 0")
        if not (isinstance(self.top_k, int) and self.top_k >= 1):
            raise BadRequest(f"the propensity head's top_k is {self.top_k}; give a whole number from 1")


class PropensityHead(nn.Module):
    """beta(title | state) = softmax over titles of sg[state] · v + b, with vectors of its own.

    Any network may carry one: it knows of states alone.
    """

    def __init__(self, titles: int, size: int, config: HeadConfig = HeadConfig()) -> None:
        super().__init__()
        self.config = config
        self.vectors = nn.Parameter(torch.zeros(titles, size + 1))

    def loss(self, states: Tensor, titles: Tensor, shown: Tensor) -> Tensor:
        """Mean of -log beta(shown | state) among `titles` (k,); `states` (rows, size), `shown` (rows,) places among
        them, `NOTHING` where nothing was. No gradient reaches the states.
        """
        nobody = Seen(
            torch.zeros(1, 1, dtype=torch.long, device=states.device),
            torch.zeros_like(shown),
            torch.zeros_like(shown, dtype=torch.int16),
        )
        return softmax_loss(states.detach(), self.vectors[titles], shown, nobody)

    @torch.no_grad()
    def log_chances(self, states: Tensor, titles: Tensor, targets: Tensor) -> Tensor:
        """(rows,) log beta of the targets (places among `titles`), without a gradient."""
        return log_chances(states, self.vectors[titles], targets)

    def weights(self, log_pi: Tensor, states: Tensor, titles: Tensor, targets: Tensor) -> Tensor:
        """(rows,) what -log pi of each row's target is multiplied by, see `weights_of`; `log_pi` (rows,) likewise."""
        return weights_of(log_pi, self.log_chances(states, titles, targets), self.config, targets != NOTHING)


@torch.no_grad()
def log_chances(states: Tensor, vectors: Tensor, targets: Tensor) -> Tensor:
    """(rows,) log softmax(states · vectors)[target], some rows at a time; 0 where there is no target."""
    found = states.new_zeros(len(states), dtype=torch.float32)
    for start in range(0, len(states), BLOCK):
        rows = slice(start, start + BLOCK)
        logits = (states[rows].float() @ vectors[:, :-1].float().T) + vectors[:, -1].float()
        wanted = targets[rows].clamp_min(0)[:, None]
        found[rows] = (logits.gather(1, wanted) - logits.logsumexp(dim=1, keepdim=True))[:, 0]
    return found.masked_fill_(targets == NOTHING, 0.0)


@torch.no_grad()
def weights_of(log_pi: Tensor, log_beta: Tensor, config: HeadConfig, taught: Tensor | None = None) -> Tensor:
    """(rows,) what the loss -log pi of each row is multiplied by, without a gradient.

        inverse   min(1 / beta, cap)
        ratio     min(pi / beta, cap) * K (1 - pi)^(K - 1)

    over their mean (of the rows that are `taught`, left out all) where `config.over` says so. Minimised, the first
    makes pi proportional to reward; the second makes it choose what earns most, or with K > 1 the K titles that do.
    Source: Chen et al. 2019 (arXiv 1812.02353), equations 5 to 8; the first is its supervised cousin.
    """
    assert log_pi.shape == log_beta.shape, f"log pi {log_pi.shape}, log beta {log_beta.shape}"
    if config.use is Use.INVERSE:
        weights = torch.exp(-log_beta).clamp_max(config.cap)
    else:
        k, pi = config.top_k, torch.exp(log_pi)
        weights = torch.exp(log_pi - log_beta).clamp_max(config.cap) * k * (1 - pi) ** (k - 1)
    if config.over is Over.NOTHING:
        return weights
    counts = torch.ones_like(weights) if taught is None else taught.to(weights.dtype)
    return weights * counts.sum() / (weights * counts).sum()

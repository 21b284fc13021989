"""The sequence network: tokens to states, the coming request to a gate, both to one vector that titles answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from matinee.models.deep.bodies import build_body, read_at
from matinee.models.deep.dropout import Dropout
from matinee.models.deep.propensity_head import PropensityHead
from matinee.models.deep.sequence_config import SequenceConfig
from matinee.models.deep.title_vectors import TitleVectors
from matinee.models.deep.tokens import HISTORY, PACE, SITUATION


class Codes(nn.Module):
    """The sum of the embeddings of several codes, (rows, fields) to (rows, size).

    All start at zero and learn at a `PACE` of their own: what tells nothing adds no noise. In training each row's
    code of each field is unknown with probability `dropout`, so that unknown means something.
    """

    starts: Tensor

    def __init__(self, fields: Sequence[int], size: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        starts = list(accumulate(fields, initial=0))
        self.table = nn.Parameter(torch.zeros(starts.pop(), size))
        self.register_buffer("starts", torch.tensor(starts), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """(rows, size) the sums."""
        if self.training:
            codes = codes * (torch.rand(codes.shape, device=codes.device) >= self.dropout)
        sums: Tensor = _SumsOfRows.apply(self.table, codes + self.starts)  # type: ignore[no-untyped-call]
        return PACE * sums


class _SumsOfRows(torch.autograd.Function):
    """(rows, size) the sums of the rows of a table (n, size) that `places` (rows, fields) name.

    The gradient is one product with the multi-hot matrix of the places in use: few rows of the table stand in very
    many sums, where a bag's own gradient, which sorts the places, takes several times as long. A processor looks for
    the places in use; another device takes all, for to ask it would make the host wait.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.shape = table.shape
        return functional.embedding_bag(places, table, mode="sum")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        (places,), (gradient,) = ctx.saved_tensors, gradients
        rows = torch.arange(ctx.shape[0], device=places.device)
        used = rows[torch.bincount(places.flatten(), minlength=len(rows)) > 0] if places.device.type == "cpu" else rows
        column = torch.zeros_like(rows).index_copy_(0, used, rows[: len(used)])
        holds = gradient.new_zeros(len(places), len(used)).scatter_(1, column[places], 1.0)
        return gradient.new_zeros(ctx.shape).index_copy_(0, used, holds.T @ gradient), None


class RequestGate(nn.Module):
    """h + σ(W [h, c]) * V c: the situation c of the coming request moves the state h, as far as the gate lets it."""

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.situation = Codes(SITUATION, size, dropout)
        self.gate = nn.Linear(2 * size, size)
        self.move = nn.Linear(size, size, bias=False)

    def forward(self, states: Tensor, situation: Tensor) -> Tensor:
        """(rows, size) the states, moved by the codes (rows, fields) of `tokens.SITUATION`."""
        context = self.situation(situation) * states.shape[-1] ** 0.5
        of_states, of_context = self.gate.weight.chunk(2, dim=1)
        gate = torch.sigmoid(
            functional.linear(states, of_states, self.gate.bias) + functional.linear(context, of_context)
        )
        return states + gate * self.move(context)  # type: ignore[no-any-return]


class Recent(nn.Module):
    """x_t + sum over j < taps of w_j * x_(t-j): the latest tokens speak at once, each dimension as loud as it likes.

    A causal depthwise convolution (Wu et al. 2019, arXiv 1901.10430) that starts as the identity.
    """

    def __init__(self, taps: int, size: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(taps, size))

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, length, size) to the same shape."""
        taps, length = len(self.weights), tokens.shape[1]
        padded = functional.pad(tokens, (0, 0, taps - 1, 0))
        for j, weight in enumerate(self.weights):
            tokens = torch.addcmul(tokens, weight, padded[:, taps - 1 - j : taps - 1 - j + length])
        return tokens


class SequenceNetwork(nn.Module):
    """token = recent(√size (title vector + codes)); state = LN(body(tokens)); q = the state, moved by the situation.

    A title answers with q · vector_i + bias_i; in histories and in answers its vector is the same (weights tied).
    """

    def __init__(self, config: SequenceConfig, titles: TitleVectors) -> None:
        super().__init__()
        self.titles = titles
        self.history = Codes(HISTORY, config.size, config.unknown)
        self.recent = Recent(config.recent, config.size) if config.recent and config.reading.order else nn.Identity()
        self.drop = Dropout(config.dropout)
        self.body = build_body(config)
        self.norm = nn.LayerNorm(config.size)
        self.request = RequestGate(config.size, config.unknown)
        self.head = None if config.head is None else PropensityHead(len(titles.counts), config.size, config.head)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def states(self, vectors: Tensor, items: Tensor, history: Tensor) -> Tensor:
        """(batch, length, size) what the body makes of `items` (batch, length), rows of `vectors`, and their codes."""
        read: Tensor = self.body(self.drop(self._tokens(vectors, items, history)))
        return self.norm(read)  # type: ignore[no-any-return]

    def states_at(self, vectors: Tensor, items: Tensor, history: Tensor, places: Tensor) -> Tensor:
        """(batch, size) the states at one place of each row (batch,) alone, as it is served."""
        read = read_at(self.body, self._tokens(vectors, items, history), places)
        return self.norm(read)  # type: ignore[no-any-return]

    def _tokens(self, vectors: Tensor, items: Tensor, history: Tensor) -> Tensor:
        titles = functional.embedding(items, vectors)[..., :-1]
        codes = self.history(history.flatten(0, 1)).view_as(titles)
        tokens: Tensor = self.recent((titles + codes) * titles.shape[-1] ** 0.5)
        return tokens

"""Bodies: four ways to read a row of tokens from left to right, exchangeable behind one signature.

Each maps (batch, length, size) to the same shape, and position t sees positions up to t only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from matinee.models.deep.dropout import Dropout
from matinee.models.deep.sequence_config import Body, SequenceConfig

HALF_LIVES = (float("inf"), 32.0, 8.0, 2.0)  # in tokens, of the averages that a bag keeps
DILATIONS = (1, 4, 16)  # of one convolutional layer: with three taps each it sees 42 tokens back
FAR = -1e4  # logarithm of no attention, small enough for bfloat16


def build_body(config: SequenceConfig) -> nn.Module:
    """The body that a config asks for."""
    layers = range(config.layers)
    match config.body:
        case Body.BAG:
            return Bag(config)
        case Body.GRU:
            return Gru(config)
        case Body.CONVOLUTION:
            return nn.Sequential(*(Convolution(config, step) for _ in layers for step in DILATIONS))
        case Body.TRANSFORMER:
            return Transformer(config)


def read_at(body: nn.Module, tokens: Tensor, places: Tensor) -> Tensor:
    """(batch, size) what `body` makes of tokens (batch, length, size) at one of the places of each row (batch,)."""
    if isinstance(body, Transformer):
        return body.read_at(tokens, places)
    return _at(body(tokens), places)


class Bag(nn.Module):
    """Averages of all tokens so far, then a feed-forward network (Covington, Adams, Sargin 2016).

    With order, averages of several half-lives stand side by side, so that the latest tokens can speak louder.
    """

    weights: Tensor

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        places = torch.arange(config.length)
        age = places[:, None] - places
        lives = torch.tensor(HALF_LIVES if config.reading.order else HALF_LIVES[:1])
        weights = torch.exp2(-age.clamp_min(0) / lives[:, None, None]) * (age >= 0)
        self.register_buffer("weights", weights / weights.sum(dim=2, keepdim=True), persistent=False)
        self.mix = nn.Linear(len(lives) * config.size, config.size)
        self.layers = nn.Sequential(*(FeedForward(config) for _ in range(config.layers)))

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, length, size) to the same shape."""
        length = tokens.shape[1]
        averages = self.weights[:, None, :length, :length] @ tokens
        mixed: Tensor = self.mix(torch.cat(tuple(averages), dim=-1))
        return self.layers(mixed)  # type: ignore[no-any-return]


class Gru(nn.Module):
    """Gated recurrent units (Cho et al. 2014; for sessions Hidasi et al. 2016)."""

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        self.units = nn.GRU(config.size, config.size, config.layers, batch_first=True)
        self.drop = Dropout(config.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, length, size) to the same shape."""
        states: Tensor = self.units(tokens)[0]
        return tokens + self.drop(states)  # type: ignore[no-any-return]


class Convolution(nn.Module):
    """x + GELU(three taps, `step` tokens apart, of LN(x)), padded on the left (NextItNet, Yuan et al. 2019)."""

    def __init__(self, config: SequenceConfig, step: int) -> None:
        super().__init__()
        self.step = step
        self.norm = nn.LayerNorm(config.size)
        self.taps = nn.Linear(3 * config.size, config.size)
        self.drop = Dropout(config.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, length, size) to the same shape."""
        length, step = tokens.shape[1], self.step
        padded = functional.pad(self.norm(tokens), (0, 0, 2 * step, 0))
        shifted = [padded[:, k * step : k * step + length] for k in range(3)]
        return tokens + self.drop(functional.gelu(self.taps(torch.cat(shifted, dim=-1))))  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """Blocks of attention and feed-forward (Vaswani et al. 2017; for the next item SASRec, Kang and McAuley 2018)."""

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        self.earlier = nn.Sequential(*(Block(config) for _ in range(config.layers - 1)))
        self.last = Block(config)

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, length, size) to the same shape."""
        read: Tensor = self.last(self.earlier(tokens))
        return read

    def read_at(self, tokens: Tensor, places: Tensor) -> Tensor:
        """(batch, size) what `forward` gives at one place of each row: the last block is worked out there only."""
        return self.last.read_at(self.earlier(tokens), places)


class Block(nn.Module):
    """Attention, then feed-forward."""

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.feed_forward = FeedForward(config)

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, length, size) to the same shape."""
        read: Tensor = self.feed_forward(self.attention(tokens))
        return read

    def read_at(self, tokens: Tensor, places: Tensor) -> Tensor:
        """(batch, size) what `forward` gives at one place of each row."""
        read: Tensor = self.feed_forward(self.attention.read_at(tokens, places))
        return read


class Attention(nn.Module):
    """x + attention(LN(x)) to earlier tokens, with a learned bias for every distance (Shaw, Uszkoreit, Vaswani 2018).

    Distances know the order of a history of any length, and windows of one member need no common beginning. `gated`
    multiplies what is added by σ(W x) (LiGR, Borisyuk et al. 2024).
    """

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        size = config.size
        self.heads = config.heads
        self.norm = nn.LayerNorm(size)
        self.inward = nn.Linear(size, 3 * size, bias=False)
        self.outward = nn.Linear(size, size, bias=False)
        self.gate = nn.Linear(size, size) if config.gated else None
        self.drop = Dropout(config.dropout)
        self.bias = nn.Parameter(torch.zeros(config.heads * (config.length if config.reading.order else 1)))

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, length, size) to the same shape."""
        batch, length, size = tokens.shape
        rows = self.inward(self.norm(tokens)).view(batch, length, 3, self.heads, size // self.heads)
        queries, keys, values = rows.permute(2, 0, 3, 1, 4)
        read = _attend(queries, keys, values, self._near(length)[None])
        return self._add(tokens, read.transpose(1, 2).reshape(batch, length, size))

    def read_at(self, tokens: Tensor, places: Tensor) -> Tensor:
        """(batch, size) what `forward` gives at one place of each row: one query a row, no square of them."""
        batch, length, size = tokens.shape
        normed = self.norm(tokens)
        of_query, of_others = self.inward.weight[:size], self.inward.weight[size:]
        queries = functional.linear(_at(normed, places), of_query).view(batch, self.heads, 1, -1)
        others = functional.linear(normed, of_others).view(batch, length, 2, self.heads, size // self.heads)
        keys, values = others.permute(2, 0, 3, 1, 4)
        ages = places[:, None] - torch.arange(length, device=places.device)
        bias = self.bias.view(self.heads, -1)
        near = torch.where(ages >= 0, bias[:, ages.clamp(0, bias.shape[1] - 1)], FAR)
        read = _attend(queries, keys, values, near.transpose(0, 1)[:, :, None])
        return self._add(_at(tokens, places), read.reshape(batch, size))

    def _add(self, tokens: Tensor, read: Tensor) -> Tensor:
        added: Tensor = self.drop(self.outward(read))
        return tokens + (added if self.gate is None else torch.sigmoid(self.gate(tokens)) * added)

    def _near(self, length: int) -> Tensor:
        """(heads, length, length) the bias of the distance from row to column, `FAR` where the column comes later."""
        bias = self.bias.view(self.heads, -1)
        nearest_last = bias.expand(-1, length) if bias.shape[1] == 1 else bias[:, :length].flip(1)
        return functional.pad(nearest_last, (0, length - 1), value=FAR).unfold(1, length, 1).flip(1)


def _attend(queries: Tensor, keys: Tensor, values: Tensor, near: Tensor) -> Tensor:
    """softmax(Q Kᵀ / √d + near) V, each (..., rows, d); torch's own kernel has no gradient for a learned `near`."""
    if not torch.is_grad_enabled():
        return functional.scaled_dot_product_attention(queries, keys, values, near)
    likeness = queries * queries.shape[-1] ** -0.5 @ keys.transpose(-1, -2)
    return torch.softmax(likeness + near.to(likeness.dtype), dim=-1) @ values


def _at(rows: Tensor, places: Tensor) -> Tensor:
    """(batch, size) of (batch, length, size): one place of each row."""
    return rows[torch.arange(len(rows), device=rows.device), places]


class FeedForward(nn.Module):
    """x + W2 GELU(W1 LN(x)); `gated`: x + σ(W x) * W3 (SiLU(W1 LN(x)) * W2 LN(x))."""

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        size, gated = config.size, config.gated
        self.norm = nn.LayerNorm(size)
        self.inward = nn.Linear(size, (8 if gated else 4) * size, bias=not gated)
        self.outward = nn.Linear(4 * size, size, bias=not gated)
        self.gate = nn.Linear(size, size) if gated else None
        self.drop = Dropout(config.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., size) to the same shape."""
        inner = self.inward(self.norm(tokens))
        if self.gate is None:
            return tokens + self.drop(self.outward(functional.gelu(inner)))  # type: ignore[no-any-return]
        left, right = inner.chunk(2, dim=-1)
        added = self.drop(self.outward(functional.silu(left) * right))
        return tokens + torch.sigmoid(self.gate(tokens)) * added  # type: ignore[no-any-return]

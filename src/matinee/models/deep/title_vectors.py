"""Titles as vectors: what was learned about each one, mixed with what its content says."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

TRUST = 3.0  # tokens of a title at which its own embedding counts half
SPREAD = 0.02  # standard deviation of the random start


class TitleVectors(nn.Module):
    """vector_i = gate_i * embedding_i + W features_i, where gate_i = n_i / (n_i + TRUST) for n_i tokens in training.

    The last of the `size + 1` columns is the title's bias. In training each title loses its own embedding with
    probability `dropout`, in histories and as a candidate alike, so that W alone can stand for it: a title that
    nobody played has gate 0 and a useful vector from its first day. A title without content keeps its own embedding.
    Features are for learning: they are no part of the state, and `forget` lets go of them.
    `unit`: every vector is divided by its length (the bias stays), so that one that was seldom played, whose gate is
    nearly closed, may stand as high as any other.
    """

    counts: Tensor
    features: Tensor

    def __init__(
        self, counts: NDArray[np.float32], features: NDArray[np.float32], size: int, dropout: float, unit: bool = False
    ) -> None:
        super().__init__()
        self.dropout, self.unit = dropout, unit
        self.register_buffer("counts", torch.from_numpy(np.array(counts, np.float32)))
        self.register_buffer("features", torch.from_numpy(np.nan_to_num(features).astype(np.float32)), persistent=False)
        self.embeddings = nn.Parameter(torch.randn(len(counts), size + 1) * SPREAD)
        self.content = nn.Parameter(torch.randn(features.shape[1], size + 1) * SPREAD)
        with torch.no_grad():
            self.embeddings[:, size] = 0.0
            self.content[:, size] = 0.0

    def forward(self, titles: Tensor) -> Tensor:
        """(k, size + 1) vectors and biases of k titles."""
        gates = self.counts[titles] / (self.counts[titles] + TRUST)
        features = self.features[titles]
        if self.training and self.dropout:
            kept = torch.rand_like(gates) >= self.dropout
            gates = gates * (kept | ~features.any(dim=1))
        return self._scaled(gates[:, None] * self.embeddings.index_select(0, titles) + features @ self.content)

    def of_content(self, features: Tensor) -> Tensor:
        """(k, size + 1) vectors and biases of titles of which nothing but `features` (k, columns) is known."""
        return self._scaled(features @ self.content)

    def _scaled(self, vectors: Tensor) -> Tensor:
        if not self.unit:
            return vectors
        return torch.cat([functional.normalize(vectors[:, :-1], dim=1), vectors[:, -1:]], dim=1)

    def forget(self) -> None:
        """Let go of the features once no vector of these titles will be worked out again."""
        self.features = self.features[:0].clone()

    @torch.no_grad()
    def start_at(self, vectors: NDArray[np.float32]) -> None:
        """Start the first titles' embeddings at `vectors` (titles, size), brought to the spread of a random start."""
        scale = SPREAD / max(float(vectors.std()), 1e-12)
        self.embeddings[: len(vectors), : vectors.shape[1]] = torch.from_numpy(vectors * np.float32(scale))

    @torch.no_grad()
    def continue_from(self, older: TitleVectors) -> None:
        """Take over what was learned with the same features on fewer titles; newer ones start from content."""
        known = len(older.embeddings)
        self.embeddings[known:] = 0.0
        self.embeddings[:known] = older.embeddings
        self.content.copy_(older.content)

"""Windows: long histories cut to the length that a network reads, in batches of like length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matinee.maths.ragged import offsets_of
from matinee.models.deep.tokens import Tokens

LIKE_LENGTHS = 16  # batches whose windows are sorted by length together, so that little is padded
LENGTHS = 8  # windows are padded to a multiple of it: processors make a kernel for every shape that they meet
SEEN = 1_000  # latest tokens of a member that are excluded from the answer, as the house shows nothing twice


@dataclass(frozen=True)
class Batch:
    """Windows padded to the longest: `items` (windows, length), `history` (windows, length, fields).

    The taught rows: `at` (rows,) flat places of their states, `situation` (rows, fields) in which `targets` (rows,)
    were chosen. Row r had seen `seen[bounds[r]:bounds[r + 1]]` before.
    """

    items: Tensor
    history: Tensor
    at: Tensor
    situation: Tensor
    targets: Tensor
    bounds: Tensor
    seen: Tensor


@dataclass(frozen=True)
class Windows:
    """Everything a network is fitted on: tokens whose `items` are rows of the titles that were played.

    A state foretells the next token where that is a member's first like of a title. Members with more than `length`
    tokens give several windows, cut elsewhere in every epoch. Without `order` every epoch shuffles each history.
    """

    tokens: Tokens
    length: int
    batch: int
    order: bool
    device: torch.device

    @property
    def steps(self) -> int:
        """About how many batches an epoch has: the cuts of long histories are drawn."""
        return -(-len(self._cut(np.random.default_rng(0))) // self.batch)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """The batches of one epoch, in a new order each time."""
        tokens = self.tokens if self.order else _shuffled(self.tokens, rng)
        cuts = self._cut(rng)
        cuts = cuts[rng.permutation(len(cuts))]
        stretch = self.batch * LIKE_LENGTHS
        groups = []
        for start in range(0, len(cuts), stretch):
            alike = cuts[start : start + stretch]
            alike = alike[np.argsort(alike[:, 2] - alike[:, 1], kind="stable")]
            groups += [alike[at : at + self.batch] for at in range(0, len(alike), self.batch)]
        for k in rng.permutation(len(groups)):
            batch = self._assemble(tokens, groups[k])
            if len(batch.targets):
                yield batch

    def _cut(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """(windows, 3): first token of the member, first token of the window, last one (only a target)."""
        members = np.flatnonzero(self.tokens.lengths > 1)
        firsts, lasts = self.tokens.offsets[members], self.tokens.offsets[members + 1] - 1
        inputs = lasts - firsts
        tails = np.where(
            inputs > self.length, rng.integers((self.length + 1) // 2, self.length + 1, len(inputs)), inputs
        )
        counts = 1 + -(-(inputs - tails) // self.length)
        owner = np.repeat(np.arange(len(members)), counts)
        back = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        starts = lasts[owner] - tails[owner] - back * self.length
        ends = np.where(back > 0, starts + self.length, lasts[owner])
        return np.stack([firsts[owner], np.maximum(starts, firsts[owner]), ends], axis=1)

    def _assemble(self, tokens: Tokens, cuts: NDArray[np.int64]) -> Batch:
        firsts, starts, ends = cuts.T
        places = starts[:, None] + np.arange(min(self.length, -(-(ends - starts).max() // LENGTHS) * LENGTHS))
        inside = places < ends[:, None]
        places = np.where(inside, places, ends[:, None])
        taught = inside & tokens.taught[np.minimum(places + 1, len(tokens.items) - 1)]
        rows = places[taught]
        oldest = np.maximum(np.broadcast_to(firsts[:, None], places.shape)[taught], rows + 1 - SEEN)
        bounds = offsets_of(rows + 1 - oldest)
        seen = np.arange(bounds[-1]) + np.repeat(oldest - bounds[:-1], np.diff(bounds))
        return Batch(
            self._tensor(tokens.items[places]),
            self._tensor(tokens.history[places]),
            self._tensor(np.flatnonzero(taught)),
            self._tensor(tokens.situation[rows + 1]),
            self._tensor(tokens.items[rows + 1]),
            self._tensor(bounds),
            self._tensor(tokens.items[seen]),
        )

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array.astype(np.int64)).to(self.device)


def _shuffled(tokens: Tokens, rng: np.random.Generator) -> Tokens:
    """The same tokens, every member's in a new order."""
    owner = np.repeat(np.arange(len(tokens)), tokens.lengths)
    order = np.lexsort((rng.random(len(owner)), owner))
    return replace(
        tokens,
        items=tokens.items[order],
        history=tokens.history[order],
        situation=tokens.situation[order],
        taught=tokens.taught[order],
    )

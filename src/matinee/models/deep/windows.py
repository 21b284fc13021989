"""Windows: long histories cut to the length that a network reads, in batches of like length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from matinee.models.deep.losses import NOTHING, Seen
from matinee.models.deep.tokens import Tokens

LIKE_LENGTHS = 16  # batches whose windows are sorted by length together, so that little is padded
LENGTHS = 8  # windows are padded to a multiple of it: processors make a kernel for every shape that they meet
ROWS = 128  # for the same reason rows are padded to a multiple of it
SHORTEST = 8  # tokens of a history that is cut short, at most
SEEN = 1_000  # latest tokens before a window that are excluded from its answers, as the house shows nothing twice


class Cuts(NamedTuple):
    """The windows of a batch: `bounds` (3, windows) the first token of the member, the first of the window and the
    last, which is a target only; the `length` to which they are padded; `most`, the titles of `Seen` of a window.
    """

    bounds: Tensor
    length: int
    most: int


@dataclass(frozen=True)
class Batch:
    """Windows padded to the longest: `items` (windows, length), `history` (windows, length, fields).

    The taught rows: `at` (rows,) flat places of their states, `situation` (rows, fields) in which `targets` (rows,)
    were chosen, and what was `seen` before. A row whose target is `NOTHING` teaches nothing. `followed` (rows,) what
    came next, liked or not, `NOTHING` where nothing did; of rows that are not taught too where windows are `whole`.
    """

    items: Tensor
    history: Tensor
    at: Tensor
    situation: Tensor
    targets: Tensor
    seen: Seen
    followed: Tensor


class Windows:
    """Everything a network is fitted on: tokens whose `items` are rows of the titles that were played.

    A state predicts the next token where that is a member's first like of a title. Members with more than `length`
    tokens give several windows, cut elsewhere in every epoch. Without `order` every epoch shuffles each history.
    `recurring`: every place of a window is a row and every batch has as many windows, so that few shapes recur and
    the host need not know what is taught; else only the places that are taught. `short`: the share of the members of
    whom, in an epoch, a stretch of up to `SHORTEST` tokens is read too, as if it were the whole history.
    """

    def __init__(
        self,
        tokens: Tokens,
        length: int,
        batch: int,
        order: bool,
        device: torch.device,
        recurring: bool = False,
        short: float = 0.0,
        whole: bool = False,
    ) -> None:
        self.tokens, self.length, self.batch, self.order, self.recurring = tokens, length, batch, order, recurring
        self.short, self.whole = short, whole
        self.longest = int(tokens.lengths.max(initial=0))
        self._taught = np.append(0, np.cumsum(tokens.taught))
        self._there = tuple(torch.from_numpy(part).to(device, copy=not order) for part in _parts(tokens))

    @property
    def steps(self) -> int:
        """About how many batches an epoch has: the cuts of long histories are drawn."""
        return -(-len(self._cut(np.random.default_rng(0))) // self.batch)

    def batches(self, rng: np.random.Generator) -> Iterator[Cuts]:
        """The batches of one epoch, in a new order each time; `assemble` each before the next epoch."""
        if not self.order:
            tokens = _shuffled(self.tokens, rng)
            self._taught = np.append(0, np.cumsum(tokens.taught))
            for there, part in zip(self._there, _parts(tokens), strict=True):
                there.copy_(torch.from_numpy(part))
        cuts = self._cut(rng)
        cuts = cuts[rng.permutation(len(cuts))]
        stretch = self.batch * LIKE_LENGTHS
        groups = []
        for start in range(0, len(cuts), stretch):
            alike = cuts[start : start + stretch]
            alike = alike[np.argsort(alike[:, 2] - alike[:, 1], kind="stable")]
            groups += [alike[at : at + self.batch] for at in range(0, len(alike), self.batch)]
        for k in rng.permutation(len(groups)):
            _, starts, ends = groups[k].T
            if (self._taught[ends + 1] > self._taught[starts + 1]).any():
                yield self._padded(groups[k])

    def assemble(self, cuts: Cuts) -> Batch:
        """What a network reads of these windows, on the device; nothing waits for it where batches are `recurring`."""
        items, history, situation, taught = self._there
        firsts, starts, ends = cuts.bounds.to(items.device)
        last = len(items) - 1
        places = starts[:, None] + torch.arange(cuts.length, device=items.device)
        inside = places < ends[:, None]
        places = torch.where(inside, places, ends[:, None])
        told = (inside & taught[(places + 1).clamp_max(last)]).flatten()
        at, there = self._rows(inside.flatten() if self.whole else told)
        wanted = told[at] & there
        following = (places.flatten()[at] + 1).clamp_max(last)
        oldest = torch.maximum(firsts, starts + 1 - SEEN)
        owners = at // cuts.length
        seen = Seen(
            items[(oldest[:, None] + torch.arange(cuts.most, device=items.device)).clamp_max(last)].long(),
            owners,
            (((starts - oldest)[owners] + at % cuts.length + 1) * wanted).to(torch.int16),
        )
        follow = items[following].long()
        targets = torch.where(wanted, follow, NOTHING)
        followed = torch.where(there & inside.flatten()[at], follow, NOTHING)
        return Batch(
            items[places].long(), history[places].long(), at, situation[following].long(), targets, seen, followed
        )

    def _rows(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """The places that are rows, of a window's places (places,) those `chosen` or all, and which are not padding."""
        if self.recurring:
            return torch.arange(len(chosen), device=chosen.device), torch.ones_like(chosen)
        at = chosen.nonzero().flatten()
        more = -len(at) % ROWS
        return functional.pad(at, (0, more)), functional.pad(torch.ones_like(at, dtype=torch.bool), (0, more))

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
        whole = np.stack([firsts[owner], np.maximum(starts, firsts[owner]), ends], axis=1)
        return np.concatenate([whole, self._cut_short(firsts, lasts, rng)]) if self.short else whole

    def _cut_short(
        self, firsts: NDArray[np.int64], lasts: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """(windows, 3) stretches that begin anywhere, of the share `short` of the members with these tokens."""
        some = rng.random(len(firsts)) < self.short
        firsts, lasts = firsts[some], lasts[some]
        ends = rng.integers(firsts + 1, lasts + 1)
        starts = ends - rng.integers(1, min(SHORTEST, self.length) + 1, len(ends))
        return np.stack([firsts, np.maximum(starts, firsts), ends], axis=1)

    def _padded(self, cuts: NDArray[np.int64]) -> Cuts:
        """The windows with the shapes of their batch; a window of no token fills a batch of which few are left."""
        firsts, starts, ends = cuts.T
        length = min(self.length, -(-int((ends - starts).max()) // LENGTHS) * LENGTHS)
        most = (
            min(self.longest, SEEN + length)
            if self.recurring
            else int((ends - np.maximum(firsts, starts + 1 - SEEN)).max())
        )
        filled = np.pad(cuts.T, ((0, 0), (0, self.batch - len(cuts)))) if self.recurring else cuts.T
        return Cuts(torch.from_numpy(np.ascontiguousarray(filled)), length, most)


def _parts(tokens: Tokens) -> tuple[NDArray[np.generic], ...]:
    """What a device holds of tokens."""
    return tokens.items, tokens.history, tokens.situation, tokens.taught


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

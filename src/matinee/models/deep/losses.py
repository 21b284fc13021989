"""Losses over titles: the exact softmax in blocks, the sampled softmax with its correction, and gBCE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

NOTHING = -1  # the target of a row that teaches nothing
BLOCK = 1024  # rows of scores that exist at one time on a processor
CELLS = 2**27  # scores that exist at one time on another device
ALIGNED = 8  # sides of products are padded to a multiple of it, without which a CUDA device has slow kernels only
HIGH = 60.0  # highest score whose exponential is taken as it is: float32 ends at exp(88), and many of them are added
LOWEST = {torch.float32: np.float32(-np.inf), torch.bfloat16: np.int16(-128)}  # minus infinity, or its bits


@dataclass(frozen=True)
class Seen:
    """What rows exclude: row r had seen the first `known[r]` of `titles[owners[r]]`.

    `titles` (histories, most), oldest first; `owners` and `known` (rows,), the latter as small integers, for devices
    compare many of them. What follows the known titles is arbitrary.
    """

    titles: Tensor
    owners: Tensor
    known: Tensor

    def among(self, columns: Tensor, width: int) -> Tensor:
        """(histories, width) how many titles a history had seen before its first one of each column, at least `most`
        where it has none; `columns` (titles,) says in which column a title stands, `width` where in none.
        """
        most = self.titles.shape[1]
        places = torch.arange(most, dtype=torch.int32, device=columns.device).expand_as(self.titles)
        firsts = places.new_full((len(self.titles), width + 1), most)
        firsts.scatter_reduce_(1, columns[self.titles], places, "amin")
        return firsts[:, :width].to(self.known.dtype)


def softmax_loss(states: Tensor, vectors: Tensor, targets: Tensor, seen: Seen, weights: Tensor | None = None) -> Tensor:
    """Mean of -log softmax(states · vectors)[target], over all titles except those that a row has seen.

    `states` (rows, size); `vectors` (titles, size + 1), the last column being each title's bias; `targets` (rows,),
    which a row must not have seen; rows without a target do not count; `weights` (rows,) multiply each row's term, and
    have no gradient. Exact: scores and their gradient are worked out
    some rows at a time, so memory does not grow with rows x titles. Under autocast the products are taken in bfloat16
    and summed up in float32.
    """
    loss: Tensor = _Softmax.apply(states, vectors, targets, seen, weights)  # type: ignore[no-untyped-call]
    return loss


def sampled_softmax_loss(
    states: Tensor, vectors: Tensor, targets: Tensor, negatives: Tensor, log_chances: Tensor, excluded: Tensor
) -> Tensor:
    """Softmax of the target against drawn titles, each draw's score less the logarithm of its expected number of draws.

    `negatives` (drawn,) titles shared by all rows; `log_chances` (titles,) log(draws * q); `excluded` (rows, drawn) the
    draws that do not count for a row, see `excluding`. With that correction the
    draws estimate the full sum over all other titles (Bengio and Senécal 2008). The target is always there, so it
    stands uncorrected (Khrylchenko et al. 2025).
    """
    right, wrong = _scores(states, vectors, targets, negatives)
    wrong = (wrong - log_chances[negatives]).masked_fill(excluded, -torch.inf)
    return _mean(torch.logsumexp(torch.cat([right[:, None], wrong], dim=1), dim=1) - right, targets)


def gbce_loss(
    states: Tensor,
    vectors: Tensor,
    targets: Tensor,
    negatives: Tensor,
    titles: int,
    calibration: float,
    excluded: Tensor,
) -> Tensor:
    """-log σ(s_target)^β - sum over draws of log(1 - σ(s)), averaged over rows (gSASRec, Petrov and Macdonald 2023).

    α = drawn / (titles - 1) and β = α (t (1 - 1/α) + 1/α) with the calibration t in 0..1: t = 0 is plain binary
    cross-entropy, which is overconfident when few negatives are drawn; t = 1 makes σ(s) a probability. `excluded`
    (rows, drawn): draws that do not count for a row.
    """
    right, wrong = _scores(states, vectors, targets, negatives)
    share = min(1.0, len(negatives) / max(1, titles - 1))
    power = share * (calibration * (1 - 1 / share) + 1 / share)
    against = (functional.softplus(wrong) * ~excluded).sum(dim=1)
    return _mean(against - power * functional.logsigmoid(right), targets)


def excluding(targets: Tensor, negatives: Tensor, seen: Seen, titles: int) -> Tensor:
    """(rows, drawn) the draws that are a row's target, or that it had seen; both are titles below `titles`."""
    drawn, place = torch.unique(negatives, return_inverse=True)
    column = torch.full((titles,), len(drawn), device=negatives.device)
    column[drawn] = torch.arange(len(drawn), device=negatives.device)
    had_seen = seen.among(column, len(drawn))[seen.owners] < seen.known[:, None]
    return had_seen[:, place] | (negatives == targets[:, None])


def _scores(states: Tensor, vectors: Tensor, targets: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """(rows,) scores of the targets and (rows, drawn) of the negatives, in float32."""
    own, drawn = vectors[targets.clamp_min(0)], vectors[negatives]
    right = (states * own[:, :-1]).sum(dim=1) + own[:, -1]
    return right.float(), (states @ drawn[:, :-1].T).float() + drawn[:, -1].float()


def _mean(losses: Tensor, targets: Tensor) -> Tensor:
    """The mean over the rows with a target."""
    counts = targets != NOTHING
    return (losses * counts).sum() / counts.sum()


class _Softmax(torch.autograd.Function):
    """Gradients are made in the forward pass, while a block's probabilities are at hand."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, vectors: Tensor, targets: Tensor, seen: Seen, weights: Tensor | None
    ) -> Tensor:
        device = states.device.type
        half = torch.is_autocast_enabled(device)
        with torch.autocast(device, enabled=False):
            kind = torch.bfloat16 if half else torch.float32
            loss, by_state, by_vector = _in_blocks(states.to(kind), vectors, targets, seen, weights)
        ctx.save_for_backward(by_state.to(states.dtype), by_vector.to(vectors.dtype))
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        by_state, by_vector = ctx.saved_tensors
        return by_state * gradients[0], by_vector * gradients[0], None, None, None


def _in_blocks(
    states: Tensor, vectors: Tensor, targets: Tensor, seen: Seen, weights_of_rows: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The mean loss and its gradients by states and by vectors.

    A block of scores is written once and becomes exponentials in place. They are never divided by their sums: the
    short factors of the products that follow are. The greatest score of a row is subtracted only where scores could
    be too high for an exponential, and always on a device, where finding that out would make the host wait.
    """
    # One product gives scores with their biases: a column of ones meets the biases, which are the last column.
    rows, (titles, width), kind = len(states), vectors.shape, states.dtype
    there = states.device.type != "cpu"
    more, wider = -titles % ALIGNED, -width % ALIGNED
    counts = (targets != NOTHING)[:, None]
    pulls = counts if weights_of_rows is None else counts * weights_of_rows[:, None].float()
    own = vectors.index_select(0, targets.clamp_min(0))
    left = functional.pad(torch.cat([states, states.new_ones(rows, 1)], dim=1) * counts, (0, wider))
    right = functional.pad(vectors.to(kind), (0, wider, 0, more))
    weights, right = right[:, : width - 1].contiguous(), right.T.contiguous()
    by_state = torch.empty_like(states, dtype=torch.float32)
    by_vector = torch.zeros_like(right, dtype=torch.float32)
    sums, tops = by_state.new_empty(rows, 1), states.new_zeros(rows, 1)
    steep = there or _may_exceed(HIGH, states, weights, vectors[:, -1])
    firsts = seen.among(torch.arange(titles, device=states.device), titles + more) if there else None
    size = min(rows, max(1, CELLS // titles) if there else BLOCK)
    buffer = states.new_empty(size, titles + more)
    # by_state and by_vector gather sums of exp(score) times the other side; what divides them comes after.
    for start in range(0, rows, size):
        block = slice(start, start + size)
        scores = torch.mm(left[block], right, out=buffer[: rows - start])
        scores[:, titles:] = -torch.inf
        _exclude(scores, seen, block, firsts)
        if steep:
            tops[block] = scores.amax(dim=1, keepdim=True)
            scores -= tops[block]
        odds = scores.exp_()
        sums[block] = odds.sum(dim=1, keepdim=True)
        by_state[block] = odds @ weights
        by_vector += (left[block] * pulls[block] / sums[block]).T.to(kind, memory_format=torch.contiguous_format) @ odds
    right_scores = (states * own[:, :-1]).sum(dim=1, keepdim=True) + own[:, -1:]
    loss = _mean(((sums.log() + tops - right_scores) * pulls)[:, 0], targets)
    by_state = (by_state / sums - own[:, :-1]) * pulls
    left = left[:, :width].float() * pulls
    by_target = torch.ops.aten.embedding_dense_backward(left, targets.clamp_min(0), titles, -1, False)
    return loss, by_state / counts.sum(), (by_vector[:width, :titles].T - by_target) / counts.sum()


def _may_exceed(bound: float, states: Tensor, weights: Tensor, biases: Tensor) -> bool:
    """Whether a score might be higher, by the lengths of its vectors."""
    return bool(states.float().norm(dim=1).max() * weights.norm(dim=1).max() + biases.abs().max() > bound)


def _exclude(scores: Tensor, seen: Seen, block: slice, firsts: Tensor | None) -> None:
    """Set the scores of titles that the rows of this block had seen to minus infinity; `firsts`: see `Seen.among`."""
    owners, known = seen.owners[block], seen.known[block]
    if firsts is not None:
        scores.masked_fill_(firsts.index_select(0, owners) < known[:, None], -torch.inf)
        return
    lowest = LOWEST[scores.dtype]
    bits = scores if scores.dtype == torch.float32 else scores.view(torch.int16)
    _fill_seen(bits.numpy(), seen.titles.numpy(), owners.numpy(), known.numpy(), lowest)


@numba.njit(cache=True, nogil=True)
def _fill_seen(
    scores: NDArray[Any], titles: NDArray[np.int64], owners: NDArray[np.int64], known: NDArray[np.int64], value: Any
) -> None:
    for row in range(len(scores)):
        for j in range(known[row]):
            scores[row, titles[owners[row], j]] = value

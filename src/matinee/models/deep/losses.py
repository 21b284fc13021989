"""Losses over titles: the exact softmax in blocks, the sampled softmax with its correction, and gBCE."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 1024  # rows of scores that exist at one time
RECURRING = 128  # rows are padded to a multiple, so that processors need few kernels, which they make for each shape
HIGH = 60.0  # highest score whose exponential is taken as it is: float32 ends at exp(88), and many of them are added


def softmax_loss(states: Tensor, vectors: Tensor, targets: Tensor, bounds: Tensor, excluded: Tensor) -> Tensor:
    """Mean of -log softmax(states · vectors)[target], over all titles except those that a row excludes.

    `states` (rows, size); `vectors` (titles, size + 1), the last column being each title's bias; `targets` (rows,);
    row r excludes the titles `excluded[bounds[r]:bounds[r + 1]]`, which must not hold its target. Exact: scores and
    their gradient are worked out `BLOCK` rows at a time, so memory does not grow with rows x titles. Under autocast
    the products are taken in bfloat16 and summed up in float32.
    """
    loss: Tensor = _Softmax.apply(states, vectors, targets, bounds, excluded)  # type: ignore[no-untyped-call]
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
    return (torch.logsumexp(torch.cat([right[:, None], wrong], dim=1), dim=1) - right).mean()


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
    return (functional.softplus(wrong) * ~excluded).sum(dim=1).mean() - power * functional.logsigmoid(right).mean()


def excluding(targets: Tensor, negatives: Tensor, bounds: Tensor, seen: Tensor, titles: int) -> Tensor:
    """(rows, drawn) the draws that are a row's target, or that it had seen: `seen[bounds[r]:bounds[r + 1]]`.

    Both and `negatives` (drawn,) are titles below `titles`; a seen title that was not drawn costs one look.
    """
    drawn, place = torch.unique(negatives, return_inverse=True)
    column = torch.full((titles,), len(drawn), device=seen.device)
    column[drawn] = torch.arange(len(drawn), device=seen.device)
    owners = torch.repeat_interleave(torch.diff(bounds), output_size=len(seen))
    marked = torch.zeros(len(targets), len(drawn) + 1, dtype=torch.bool, device=seen.device)
    marked[owners, column[seen]] = True
    return marked[:, place] | (negatives == targets[:, None])


def _scores(states: Tensor, vectors: Tensor, targets: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """(rows,) scores of the targets and (rows, drawn) of the negatives, in float32."""
    own, drawn = vectors[targets], vectors[negatives]
    right = (states * own[:, :-1]).sum(dim=1) + own[:, -1]
    return right.float(), (states @ drawn[:, :-1].T).float() + drawn[:, -1].float()


class _Softmax(torch.autograd.Function):
    """Gradients are made in the forward pass, while a block's probabilities are at hand."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, vectors: Tensor, targets: Tensor, bounds: Tensor, excluded: Tensor) -> Tensor:
        device = states.device.type
        half = torch.is_autocast_enabled(device)
        with torch.autocast(device, enabled=False):
            kind = torch.bfloat16 if half else torch.float32
            loss, by_state, by_vector = _in_blocks(states.to(kind), vectors, targets, bounds, excluded)
        ctx.save_for_backward(by_state.to(states.dtype), by_vector.to(vectors.dtype))
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        by_state, by_vector = ctx.saved_tensors
        return by_state * gradients[0], by_vector * gradients[0], None, None, None


def _in_blocks(
    states: Tensor, vectors: Tensor, targets: Tensor, bounds: Tensor, excluded: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The mean loss and its gradients by states and by vectors.

    A block is written once, by a product to which the biases belong as a column, and becomes exponentials in place.
    What turns these into probabilities divides the short factors of the next products instead of the block. The
    greatest score of a row is looked for only where scores can be too high for an exponential.
    """
    rows, titles, kind = len(states), len(vectors), states.dtype
    weights, own = vectors[:, :-1].to(kind), vectors[targets]
    left = functional.pad(torch.cat([states, states.new_ones(rows, 1)], dim=1), (0, 0, 0, -rows % RECURRING))
    right = vectors.to(kind).T.contiguous()
    by_state = torch.empty_like(left[:, :-1], dtype=torch.float32)
    by_vector = torch.zeros_like(right, dtype=torch.float32)
    sums, tops = torch.empty_like(left[:, -1:], dtype=torch.float32), torch.zeros_like(left[:, -1:])
    owners = torch.repeat_interleave(torch.diff(bounds), output_size=len(excluded))
    edges = [*bounds[:-1:BLOCK].tolist(), len(excluded)]
    steep = bool(states.float().norm(dim=1).max() * weights.norm(dim=1).max() + vectors[:, -1].abs().max() > HIGH)
    buffer = states.new_empty(min(BLOCK, len(left)), titles)
    for k, start in enumerate(range(0, rows, BLOCK)):
        block, unwanted = slice(start, start + BLOCK), slice(edges[k], edges[k + 1])
        scores = torch.mm(left[block], right, out=buffer[: len(left) - start])
        scores.view(-1).index_fill_(0, (owners[unwanted] - start) * titles + excluded[unwanted], -torch.inf)
        if steep:
            tops[block] = scores.amax(dim=1, keepdim=True)
            scores -= tops[block]
        odds = scores.exp_()
        sums[block] = odds.sum(dim=1, keepdim=True)
        by_state[block] = odds @ weights
        by_vector += (left[block] / sums[block]).T.to(kind, memory_format=torch.contiguous_format) @ odds
    right_scores = (states * own[:, :-1]).sum(dim=1, keepdim=True) + own[:, -1:]
    loss = (sums[:rows].log() + tops[:rows] - right_scores).mean()
    by_state = by_state[:rows] / sums[:rows] - own[:, :-1]
    by_vector = by_vector.T.contiguous().index_add_(0, targets, left[:rows].float(), alpha=-1)
    return loss, by_state / rows, by_vector / rows

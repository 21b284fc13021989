"""Fitting a match network: from some of a member's likes, predict the others that fell into the same situation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matinee.decision import Progress
from matinee.errors import BadRequest
from matinee.maths.ragged import gather, narrowed, owners_of
from matinee.models.deep.fitting import Training, device_of, fit_network
from matinee.models.deep.match_network import Asked, Learner
from matinee.models.deep.propensity_head import PropensityHead
from matinee.models.deep.tokens import Codes, Tokens

NEVER = -1e4  # score of a title that is no candidate, small enough for bfloat16


@dataclass(frozen=True)
class Examples:
    """One for each member and situation: all of the member's titles, some of which fell into it.

    Example e belongs to the member whose titles are `offsets[members[e]]:offsets[members[e] + 1]` of `items`, `liked`
    and `groups`; those whose group is e happened in `situations[e]`.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    liked: NDArray[np.bool_]
    groups: NDArray[np.int64]
    members: NDArray[np.int64]
    situations: Codes

    def __len__(self) -> int:
        return len(self.members)


@dataclass(frozen=True)
class Batch:
    """`asked`: what is known; `titles` (k,): the candidates; scores at (`rows`, `targets`) are the hidden likes', those
    at (`known_rows`, `known`) the known likes', which are no candidates; (`hidden_rows`, `hidden`) are all that is
    hidden, liked or not.
    """

    asked: Asked
    titles: Tensor
    rows: Tensor
    targets: Tensor
    known_rows: Tensor
    known: Tensor
    hidden_rows: Tensor
    hidden: Tensor


def examples_of(tokens: Tokens, whole: bool = False) -> Examples:
    """Group the likes of `tokens`, or with `whole` all of them, by member and situation."""
    used = tokens.taught | whole
    offsets = narrowed(tokens.offsets, used)
    items, situations = tokens.items[used], tokens.situation[used]
    owners = owners_of(offsets)
    keys = np.column_stack([owners, situations])
    found, groups = np.unique(keys, axis=0, return_inverse=True)
    liked = tokens.taught[used]
    return Examples(offsets, items, liked, groups.reshape(-1), found[:, 0], found[:, 1:].astype(np.int16))


def fit_match(
    learner: Learner,
    examples: Examples,
    training: Training,
    candidates: int,
    unknown: float,
    rng: np.random.Generator,
    progress: Progress,
) -> None:
    """Minimise, in place, -log softmax of the hidden likes over titles not known to be liked.

    Each like is hidden with a chance that is drawn anew for each example, so that short and long histories are both
    learned; codes of a situation are forgotten with chance `unknown`. Only titles with a like are candidates: where
    nobody had a choice, nothing is learned. At most `candidates` are drawn for a batch; the preferences of a softmax
    are the same on every subset, so hidden likes among them are enough (McFadden 1978). A propensity head needs all of
    them: a chance among few is none among all.
    """
    device, liked = device_of(learner), np.unique(examples.items[examples.liked])
    if learner.head is not None and len(liked) > candidates:
        raise BadRequest(f"a propensity head needs all of {len(liked):,} titles as candidates; raise candidates")

    def batches(rng: np.random.Generator) -> Iterator[Batch]:
        order = rng.permutation(len(examples))
        for start in range(0, len(order), training.batch):
            titles = liked if len(liked) <= candidates else np.sort(rng.choice(liked, candidates, replace=False))
            yield _batch(examples, order[start : start + training.batch], titles, unknown, rng, device)

    steps = -(-len(examples) // training.batch)
    fit_network(learner, training, batches, steps, lambda batch: match_loss(learner, batch), rng, progress)


def match_loss(learner: Learner, batch: Batch) -> Tensor:
    """Mean over the hidden likes of -log softmax(scores)[like], known likes left out."""
    titles, places = torch.unique(batch.asked.items, return_inverse=True)
    answers = learner.network.answers(learner.histories(titles), replace(batch.asked, items=places))
    scores = learner.network.scores(answers, learner.candidates(batch.titles))
    scores = scores.float().index_put((batch.known_rows, batch.known), scores.new_tensor(NEVER).float())
    missed = torch.logsumexp(scores, dim=1)[batch.rows] - scores[batch.rows, batch.targets]
    if learner.head is not None and len(batch.hidden):
        return _corrected(learner.head, answers, missed, batch)
    return missed.sum() / max(1, len(batch.rows))


def _corrected(head: PropensityHead, answers: Tensor, missed: Tensor, batch: Batch) -> Tensor:
    """The mean of weighted likes `missed` (rows,), and the head's own loss on all that was hidden."""
    weights = head.weights(-missed.detach(), answers[batch.rows], batch.titles, batch.targets)
    own = head.loss(answers[batch.hidden_rows], batch.titles, batch.hidden)
    return (weights * missed).sum() / max(1, len(batch.rows)) + own


def asked_of(offsets: NDArray[np.int64], items: NDArray[np.int32], situations: Codes, device: torch.device) -> Asked:
    """Requests with these likes (ragged) in these situations (batch, fields)."""
    lengths = np.diff(offsets)
    weights = np.repeat(1 / np.sqrt(np.maximum(1, lengths)), lengths).astype(np.float32)
    whole = (torch.from_numpy(part.astype(np.int64)).to(device) for part in (offsets, items, situations))
    offsets_there, items_there, situations_there = whole
    return Asked(offsets_there, items_there, torch.from_numpy(weights).to(device), situations_there)


def _batch(
    examples: Examples,
    chosen: NDArray[np.int64],
    titles: NDArray[np.int32],
    unknown: float,
    rng: np.random.Generator,
    device: torch.device,
) -> Batch:
    members = examples.members[chosen]
    starts, places = gather(examples.offsets, members)
    rows = owners_of(starts)
    hidden, liked = rng.random(len(places)) < rng.random(len(chosen))[rows], examples.liked[places]
    situations = np.where(rng.random((len(chosen), examples.situations.shape[1])) < unknown, 0, 1)
    asked = asked_of(
        narrowed(starts, liked & ~hidden),
        examples.items[places[liked & ~hidden]],
        (examples.situations[chosen] * situations).astype(np.int16),
        device,
    )
    column = np.full(examples.items.max(initial=0) + 1, -1)
    column[titles] = np.arange(len(titles))
    columns = column[examples.items[places]]
    fell = hidden & (columns >= 0) & (examples.groups[places] == chosen[rows])
    known = ~hidden & liked & (columns >= 0)
    sides = (side[mask] for mask in (fell & liked, known, fell) for side in (rows, columns))
    parts = (titles, *sides)
    return Batch(asked, *(torch.from_numpy(part.astype(np.int64)).to(device) for part in parts))

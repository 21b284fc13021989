"""Fitting the sequence network: which loss over which titles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from matinee.decision import Progress
from matinee.errors import BadRequest
from matinee.models.deep.fitting import Training, device_of, fit_network
from matinee.models.deep.losses import NOTHING, excluding, gbce_loss, sampled_softmax_loss, softmax_loss
from matinee.models.deep.propensity_head import PropensityHead, log_chances
from matinee.models.deep.replay import Replayed
from matinee.models.deep.sequence_config import Loss, SequenceConfig
from matinee.models.deep.sequence_network import SequenceNetwork
from matinee.models.deep.tokens import Tokens
from matinee.models.deep.windows import Batch, Cuts, Windows


def fit_sequence_network(
    network: SequenceNetwork,
    tokens: Tokens,
    config: SequenceConfig,
    training: Training,
    rng: np.random.Generator,
    progress: Progress,
    enough: Callable[[int], bool] = lambda epoch: False,
) -> None:
    """Train in place, until `enough` says so after an epoch. Titles without a token take no part: nothing says that
    they were not wanted.
    """
    played, items = np.unique(tokens.items, return_inverse=True)
    device = device_of(network)
    exact = config.loss is Loss.SOFTMAX and len(played) <= config.exact_up_to
    if config.head is not None and not exact:
        raise BadRequest(f"a propensity head needs the exact softmax of {len(played):,} titles; raise exact_up_to")
    recurring = exact and device.type == "cuda"
    windows = Windows(
        replace(tokens, items=items.astype(np.int32)),
        config.length,
        training.batch,
        config.reading.order,
        device,
        recurring,
        config.short,
        whole=config.head is not None,
    )
    titles = torch.from_numpy(played.astype(np.int64)).to(device)

    def loss(cuts: Cuts) -> Tensor:
        batch = windows.assemble(cuts)
        if exact:
            vectors = network.titles(titles)
            rows = _rows(network, vectors, batch)
            if network.head is not None:
                return _corrected(network.head, rows, vectors, titles, batch)
            return softmax_loss(rows, vectors, batch.targets, batch.seen)
        return _sampled(network, titles, batch, config)

    record = Replayed if recurring else None
    fit_network(network, training, windows.batches, windows.steps, loss, rng, progress, record, enough)


def _rows(network: SequenceNetwork, vectors: Tensor, batch: Batch) -> Tensor:
    """(rows, size) the answers at the taught places of a batch."""
    states = network.states(vectors, batch.items, batch.history).flatten(0, 1)
    answers: Tensor = network.request(states.index_select(0, batch.at), batch.situation)
    return answers


def _corrected(head: PropensityHead, rows: Tensor, vectors: Tensor, titles: Tensor, batch: Batch) -> Tensor:
    """The softmax of weighted likes, and the head's own loss on every title of the trajectory."""
    log_pi = log_chances(rows, vectors, batch.targets)
    weights = head.weights(log_pi, rows, titles, batch.targets)
    policy = softmax_loss(rows, vectors, batch.targets, batch.seen, weights)
    return policy + head.loss(rows, titles, batch.followed)


def _sampled(network: SequenceNetwork, titles: Tensor, batch: Batch, config: SequenceConfig) -> Tensor:
    """The loss against drawn titles: by their share of tokens for the softmax, all alike for gBCE."""
    counts = network.titles.counts[titles]
    weights = counts if config.loss is Loss.SOFTMAX else torch.ones_like(counts)
    drawn = torch.multinomial(weights, config.negatives, replacement=True)
    wanted = batch.targets.clamp_min(0)
    used, places = torch.unique(torch.cat([batch.items.flatten(), wanted, drawn]), return_inverse=True)
    vectors = network.titles(titles[used])
    items, targets, negatives = places.split([batch.items.numel(), len(wanted), len(drawn)])
    targets = torch.where(batch.targets == NOTHING, NOTHING, targets)
    states = _rows(network, vectors, replace(batch, items=items.view_as(batch.items)))
    excluded = excluding(batch.targets, drawn, batch.seen, len(titles))
    if config.loss is Loss.GBCE:
        return gbce_loss(states, vectors, targets, negatives, len(titles), config.calibration, excluded)
    log_chances = torch.log(config.negatives * weights[used] / weights.sum())
    return sampled_softmax_loss(states, vectors, targets, negatives, log_chances, excluded)

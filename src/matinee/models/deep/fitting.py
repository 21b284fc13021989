"""Fitting a network: one loop, with one schedule, for every model that learns by gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from matinee.decision import Progress
from matinee.errors import BadRequest

Batch = TypeVar("Batch")
Step = Callable[[Batch], None]
BETAS = (0.9, 0.98)  # AdamW's memory of gradients and of their squares
NORM = 5.0  # longest gradient taken in one step


@dataclass(frozen=True, slots=True)
class Training:
    """`rate`: the highest learning rate, reached after a share `warmup` of all steps; from there it falls towards zero
    along half a cosine. `decay`: AdamW's weight decay. `half`: compute in bfloat16 where that is safe and the device
    multiplies it itself, see `multiplies_halves`.
    """

    epochs: int = 30
    batch: int = 128
    rate: float = 2e-3
    warmup: float = 0.05
    decay: float = 0.0
    half: bool = False

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or not self.rate > 0:
            raise BadRequest(f"training needs epochs, batch and rate above 0, got {self}")
        if not (0 <= self.warmup < 1 and self.decay >= 0):
            raise BadRequest(f"training needs warmup in 0..1 and decay of at least 0, got {self}")


def fit_network(
    network: nn.Module,
    training: Training,
    batches: Callable[[np.random.Generator], Iterator[Batch]],
    steps: int,
    loss: Callable[[Batch], Tensor],
    rng: np.random.Generator,
    progress: Progress,
    record: Callable[[Step[Batch]], Step[Batch]] | None = None,
    enough: Callable[[int], bool] = lambda epoch: False,
) -> None:
    """Minimise `loss` in place; afterwards `network` is in evaluation mode and holds the last weights.

    `batches(rng)` yields the batches of one epoch, about `steps`, in a new order each time; `loss` is a scalar;
    `record` makes of a step one that a CUDA device replays, see `Replayed`; after each epoch `enough`, told its number,
    says whether to stop, and finds the network in evaluation mode. Only matrices decay. AdamW (Loshchilov and
    Hutter 2019, arXiv 1711.05101) under a cosine schedule with warm-up, read in the middle of each step, so that every
    step counts.
    """
    device, total = device_of(network), max(1, steps * training.epochs)
    half = training.half and multiplies_halves(device)
    matrices, vectors = ([p for p in network.parameters() if (p.dim() > 1) is matrix] for matrix in (True, False))
    groups = [{"params": matrices, "weight_decay": training.decay}, {"params": vectors, "weight_decay": 0.0}]
    rate = training.rate if record is None else torch.tensor(training.rate, device=device)
    optimizer = torch.optim.AdamW(groups, rate, BETAS, fused=True, capturable=record is not None)

    def step(batch: Batch) -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            value = loss(batch)
        torch.autograd.backward(value)
        nn.utils.clip_grad_norm_(network.parameters(), NORM)
        optimizer.step()

    run = step if record is None else record(step)
    network.train()
    done = 0
    with seeded(rng):
        for epoch in range(training.epochs):
            progress(f"epoch {epoch + 1} of {training.epochs}", epoch / training.epochs)
            for batch in batches(rng):
                _set_rate(optimizer, training.rate * _cosine((done + 0.5) / total, training.warmup))
                run(batch)
                done += 1
            network.eval()
            if enough(epoch + 1):
                break
            network.train()
    network.eval()


@contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """Inside, torch's own randomness (dropout, initial weights) follows from `rng`; outside, it is as it was.

    Torch has one generator a process: only one network may be fitted in a process at a time, or results do not follow
    from `rng`.
    """
    with torch.random.fork_rng():
        torch.manual_seed(int(rng.integers(2**63)))
        yield


def best_device() -> torch.device:
    """A CUDA device where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def multiplies_halves(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16. A processor without them emulates it, up to 80 times slower
    than float32 (measured: 0.9 against 74 GFLOP/s a core of an AVX2 machine).
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def device_of(network: nn.Module) -> torch.device:
    """Where the network's weights lie."""
    return next(network.parameters()).device


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate, in place where a recorded step reads it from the device."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def _cosine(done: float, warmup: float) -> float:
    done = min(1.0, done)
    if done < warmup:
        return done / warmup
    return float(0.5 * (1 + np.cos(np.pi * (done - warmup) / (1 - warmup))))

"""A training step of the transformer: plain and gated blocks, float32 and bfloat16; and RecTools' SASRec beside it.

    python benchmarks/bench_transformer.py [--peer PYTHON]

PYTHON is the interpreter of another environment, in which `rectools[torch]==0.19.0` is installed; it wants older
packages than this project, so it lives apart. Both train on the same histories with the same size, blocks, history,
batch, dropout and full softmax. `run()` returns machine, device, members, titles, batch, threads, mean_length,
results (one entry a variant: name, seconds_a_step, steps, tokens_a_second, floor_seconds, of_floor), on a CUDA device
cpu_ratio, how many times the tokens a second that the first variant takes on two threads of the processor, and with a
peer: peer_seconds_a_step, peer_version, ratio_of, the first variant, and ratio, how many times the tokens a second of
RecTools it takes. Where the device has no instructions for bfloat16 its variants are left out, for they would be
float32.

The floor is the longer of two times: the multiplications of a step, counted as a processor is asked for them, at the
speed of one large product; and the scores of the softmax, written and read once forward and once backward, at the
speed of a copy. Both speeds are measured on the same device in the same run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from machine import machine
from peers import measured_by
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.deep.fitting import best_device, multiplies_halves
from matinee.models.deep.sequence_fitting import fit_sequence_network
from matinee.models.deep.sequence_network import SequenceNetwork
from matinee.models.deep.title_vectors import TitleVectors
from matinee.models.deep.tokens import Tokens, tokens_of
from matinee.models.sequence import SequenceConfig, Training

LENGTH, BATCH, TITLES = 200, 128, 3_706
EPOCHS = {"cpu": 3, "cuda": 8}  # all but two warm up: kernels are made, or recorded, for the shapes that are met
TIMED = 2
FEW = 8 * BATCH  # members whose histories are enough to time the processor beside a faster device
SIDE = 4_096  # of the matrices by which the device's speed is measured
CONFIG = SequenceConfig(size=64, layers=2, heads=1, gated=False, length=LENGTH, dropout=0.1)
VARIANTS = {
    "plain, bfloat16": (False, True),
    "plain, float32": (False, False),
    "gated, bfloat16": (True, True),
    "gated, float32": (True, False),
}


def run(
    progress: Callable[[str, float], None] | None = None,
    members: int = 6_040,
    variants: Sequence[str] = tuple(VARIANTS),
    peer: str | None = None,
) -> dict[str, Any]:
    """Time two epochs after others to warm up, as RecTools is timed; see the top of this file for the keys."""
    progress = progress or (lambda what, done: None)
    lists = histories(members)
    results = []
    able = [name for name in variants if multiplies_halves(best_device()) or not VARIANTS[name][1]]
    if not able:
        raise BadRequest(
            f"{list(variants)} need instructions for bfloat16, which {best_device()} lacks; name float32 ones"
        )
    for name in able:
        progress(name, len(results) / (len(variants) + 1))
        results.append({"name": name, **measure(lists, *VARIANTS[name], best_device())})
    found = {
        "machine": machine(),
        "device": str(best_device()),
        "members": members,
        "titles": TITLES,
        "batch": BATCH,
        "threads": torch.get_num_threads(),
        "mean_length": float(np.mean([len(one) for one in lists])),
        "results": results,
    }
    if best_device().type == "cuda":
        found["cpu_ratio"] = results[0]["tokens_a_second"] / on_two_threads(lists, able[0])
    if peer is None:
        return found
    progress("RecTools", 0.9)
    sizes = [str(n) for n in (LENGTH, BATCH, torch.get_num_threads())]
    other = measured_by(peer, "rectools_peer.py", lambda path: save(path, lists), *sizes)
    theirs = sum(map(len, lists)) / other["peer_seconds_an_epoch"]
    return found | other | {"ratio_of": able[0], "ratio": results[0]["tokens_a_second"] / theirs}


def histories(members: int, seed: int = 0) -> list[list[int]]:
    """Lists of at most `LENGTH` + 1 different titles, 108 in the mean as in MovieLens 1M, of Zipf-like popularity."""
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.lognormal(4.55, 0.75, members), 18, LENGTH + 1).astype(int)
    weights = np.arange(1, TITLES + 1) ** -0.7
    weights /= weights.sum()
    return [rng.choice(TITLES, length, replace=False, p=weights).tolist() for length in lengths]


def save(path: Path, lists: list[list[int]]) -> None:
    """Write the lists end to end, with their lengths."""
    np.savez(path, lengths=[len(one) for one in lists], items=np.concatenate(lists))


def on_two_threads(lists: list[list[int]], variant: str) -> float:
    """Tokens a second of a variant on two threads of the processor."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        gated, half = VARIANTS[variant]
        cpu = torch.device("cpu")
        seconds, tokens = epochs(lists[:FEW], gated, half and multiplies_halves(cpu), cpu)
        return len(tokens.items) / seconds
    finally:
        torch.set_num_threads(threads)


def measure(lists: list[list[int]], gated: bool, half: bool, device: torch.device) -> dict[str, Any]:
    """Seconds of a step and tokens a second of the last epochs, and the floor of a step."""
    seconds, tokens = epochs(lists, gated, half, device)
    some = lists[: 4 * BATCH]
    with FlopCounterMode(display=False) as counter:
        _, counted = epochs(some, gated, False, torch.device("cpu"), warm=0, timed=1)
    steps = -(-len(lists) // BATCH)
    multiplied = counter.get_total_flops() * len(tokens.items) / len(counted.items) / steps
    scores = 4 * (len(tokens.items) - len(lists)) / steps * len(np.unique(tokens.items)) * (2 if half else 4)
    products, copied = speeds(device, torch.bfloat16 if half else torch.float32)
    floor = max(multiplied / products, scores / copied)
    return {
        "seconds_a_step": seconds / steps,
        "steps": steps,
        "tokens_a_second": len(tokens.items) / seconds,
        "floor_seconds": floor,
        "of_floor": seconds / steps / floor,
    }


def epochs(
    lists: list[list[int]], gated: bool, half: bool, device: torch.device, warm: int | None = None, timed: int = TIMED
) -> tuple[float, Tokens]:
    """Mean seconds of the last `timed` epochs of one training, and what it reads."""
    config = replace(CONFIG, gated=gated)
    tokens = tokens_of(Histories.of_items(lists), TITLES, config.reading)
    counts = np.bincount(tokens.items, minlength=TITLES).astype(np.float32)
    torch.manual_seed(0)
    titles = TitleVectors(counts, np.zeros((TITLES, 0), np.float32), config.size, 0.0)
    network = SequenceNetwork(config, titles).to(device)
    training = Training(EPOCHS[device.type] if warm is None else warm + timed, BATCH, rate=1e-3, half=half)
    starts: list[float] = []

    def begin(what: str = "", done: float = 1.0) -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        starts.append(perf_counter())

    fit_sequence_network(network, tokens, config, training, np.random.default_rng(0), begin)
    begin()
    return (starts[-1] - starts[-1 - timed]) / timed, tokens


def speeds(device: torch.device, dtype: torch.dtype) -> tuple[float, float]:
    """Operations a second of a large product, and bytes a second that a copy reads or writes; the best of five each."""
    matrix = torch.rand(SIDE, SIDE, device=device).to(dtype)
    other = torch.empty_like(matrix)

    def best(work: Callable[[], object]) -> float:
        times = []
        for _ in range(6):
            started = perf_counter()
            work()
            float(other[0, 0])  # waits for the device
            times.append(perf_counter() - started)
        return min(times[1:])

    product = best(lambda: torch.mm(matrix, matrix, out=other))
    return 2 * SIDE**3 / product, 2 * matrix.nbytes / best(lambda: other.copy_(matrix))


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    table = Table(title=f"Transformer, {result['titles']:,} titles, batch {result['batch']} ({result['machine']})")
    for name in ("variant", "seconds a step", "of the floor", "tokens a second"):
        table.add_column(name, justify="left" if name == "variant" else "right")
    for row in result["results"]:
        figures = f"{row['seconds_a_step']:.4f}", f"{row['of_floor']:.1f}", f"{row['tokens_a_second']:,.0f}"
        table.add_row(row["name"], *figures)
    if "cpu_ratio" in result:
        console.print(f"{result['device']}: {result['cpu_ratio']:.1f} times the throughput of two threads")
    if "ratio" in result:
        table.add_row(f"RecTools {result['peer_version']}", f"{result['peer_seconds_a_step']:.3f}", "", "")
        table.caption = f"{result['ratio_of']}: {result['ratio']:.2f} times the throughput of RecTools"
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="the Python interpreter of an environment with rectools[torch]")
    parser.add_argument("--members", type=int, default=6_040)
    asked, out = parser.parse_args(), Console()
    show(run(lambda what, done: out.print(f"[dim]{what}[/dim]"), asked.members, peer=asked.peer), out)

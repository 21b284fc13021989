"""One request to the sequence model with the last play included: how long its answer takes on one core.

    python benchmarks/bench_sequence_serving.py

`run()` returns machine, titles, history, requests and results: one entry for each form with p50_ms and p99_ms.
`score` is the whole of `Sequence.score` (codes, network, prior, all titles), `explain` the reasons of 40 titles;
`eager`, `compiled` and `onnx` are the network alone, from codes to scores. ONNX Runtime is measured where `onnxscript`
and `onnxruntime` are installed; they are no part of the project. Compiling takes a minute and a C++ compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from time import perf_counter
from typing import Any

import numpy as np
import torch
from machine import machine
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from matinee.decision import Requests
from matinee.history import Histories
from matinee.models.deep.tokens import HISTORY, SITUATION
from matinee.models.sequence import Sequence, SequenceConfig, Training
from matinee.testing.worlds import make_catalog, make_data, make_events

Inputs = tuple[Tensor, ...]


class Forward(nn.Module):
    """From codes to scores, for one request."""

    def __init__(self, scorer: Sequence) -> None:
        super().__init__()
        fitted = scorer.state
        self.network = fitted.network
        self.register_buffer("vectors", fitted.vectors)

    def forward(self, items: Tensor, history: Tensor, situation: Tensor) -> Tensor:
        """(1, titles)."""
        last = torch.full((len(items),), items.shape[1] - 1)
        answer = self.network.request(self.network.states_at(self.vectors, items, history, last), situation)
        return answer @ self.vectors[:, :-1].T + self.vectors[:, -1]


def run(
    progress: Callable[[str, float], None] | None = None,
    titles: int = 10_000,
    history: int = 200,
    requests: int = 500,
    compiled: bool = True,
) -> dict[str, Any]:
    """Fit a small model and time its forms in turn; see the top of this file for the keys."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return timed(progress or (lambda what, done: None), titles, history, requests, compiled)
    finally:
        torch.set_num_threads(threads)


def timed(
    progress: Callable[[str, float], None], titles: int, history: int, requests: int, compiled: bool
) -> dict[str, Any]:
    """What `run` gives, on as many threads as are set."""
    progress("fitting", 0.0)
    scorer = fitted(titles)
    rng = np.random.default_rng(1)
    asked = [
        Requests.of_histories(Histories.of_items([rng.integers(0, titles, history).tolist()])) for _ in range(requests)
    ]
    some = rng.integers(0, titles, (1, 40)).astype(np.int32)
    forward = Forward(scorer).eval()
    inputs = [codes(rng, titles, history) for _ in range(requests)]
    forms: dict[str, tuple[Callable[..., Any], list[Any]]] = {
        "score": (scorer.score, [(one,) for one in asked]),
        "explain": (lambda one: scorer.explain(one, some), [(one,) for one in asked[: requests // 5]]),
        "eager": (forward, inputs),
    }
    if compiled:
        forms["compiled"] = torch.compile(forward), inputs
    if find_spec("onnxruntime") and find_spec("onnxscript"):
        forms["onnx"] = (onnx(forward, inputs[0]), inputs)
    results = []
    for at, (name, (answer, calls)) in enumerate(forms.items()):
        progress(name, (at + 1) / (len(forms) + 1))
        results.append({"form": name, **times(answer, calls)})
    return {"machine": machine(), "titles": titles, "history": history, "requests": requests, "results": results}


def fitted(titles: int) -> Sequence:
    """The default model after one epoch; how well it knows does not change how long it takes."""
    rng = np.random.default_rng(0)
    data = make_data(make_events([rng.integers(0, titles, 60).tolist() for _ in range(200)]), make_catalog(titles))
    return Sequence(SequenceConfig(training=Training(epochs=1, batch=32))).fit(data, rng)


def codes(rng: np.random.Generator, titles: int, history: int) -> Inputs:
    """Arguments of `Forward` for one request."""
    items = torch.from_numpy(rng.integers(0, titles, (1, history)))
    read, situation = torch.ones(1, history, len(HISTORY)), torch.ones(1, len(SITUATION))
    return items, read.long(), situation.long()


def onnx(forward: Forward, example: Inputs) -> Callable[..., Any]:
    """The same network under ONNX Runtime, on one thread."""
    import onnxruntime

    file, names = BytesIO(), ["items", "history", "situation"]
    with torch.no_grad():
        program = torch.onnx.export(forward, example, input_names=names, dynamo=True, verbose=False)
    program.save(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.getvalue(), options)
    return lambda *inputs: session.run(None, dict(zip(names, (one.numpy() for one in inputs), strict=True)))


@torch.no_grad()
def times(answer: Callable[..., Any], calls: list[Any]) -> dict[str, float]:
    """Milliseconds of a call, after some to warm up."""
    for one in calls[:10]:
        answer(*one)
    taken = []
    for one in calls:
        started = perf_counter()
        answer(*one)
        taken.append(1000 * (perf_counter() - started))
    return {"p50_ms": float(np.percentile(taken, 50)), "p99_ms": float(np.percentile(taken, 99))}


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    table = Table(title=f"One request, {result['titles']:,} titles, history {result['history']} ({result['machine']})")
    for name in ("form", "p50 ms", "p99 ms"):
        table.add_column(name, justify="left" if name == "form" else "right")
    for row in result["results"]:
        table.add_row(row["form"], f"{row['p50_ms']:.2f}", f"{row['p99_ms']:.2f}")
    console.print(table)


if __name__ == "__main__":
    out = Console()
    show(run(lambda what, done: out.print(f"[dim]{what}[/dim]")), out)

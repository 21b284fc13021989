"""Durable events over HTTP in batches of 100.

    python benchmarks/bench_ingest.py

The server is `matinee serve` on MovieLens 100K, the load generator runs beside it. `run()` returns machine; batches,
batch_size, connections; events_per_second (acknowledged, so on disk); p50_ms and p99_ms of a batch; errors (batches not
answered with 200); missing (acknowledged events that the log does not hold afterwards: 0).
"""

from __future__ import annotations

from typing import Any

from machine import machine
from rich.console import Console
from rich.table import Table
from served import Progress, load, server

from matinee.data.log import EventLog

SIZE = 100
CONNECTIONS = 8
NEVER = 2**62


def run(progress: Progress | None = None, batches: int = 1_000) -> dict[str, Any]:
    """Measure; see the top of this file for the keys."""
    progress = progress or (lambda what, done: None)
    with server(progress) as (port, _, log_path, _):
        load(port=port, what="events", count=20, connections=CONNECTIONS, size=SIZE)
        before = _stored(log_path)
        progress("sending events", 0.2)
        report = load(port=port, what="events", count=batches, connections=CONNECTIONS, size=SIZE)
        progress("counting what is stored", 0.9)
        stored = _stored(log_path) - before
    acknowledged = report["statuses"].get("200", 0) * SIZE
    return {
        "machine": machine(),
        "batches": batches,
        "batch_size": SIZE,
        "connections": CONNECTIONS,
        "events_per_second": acknowledged / report["seconds"],
        "p50_ms": report["p50_ms"],
        "p99_ms": report["p99_ms"],
        "errors": batches - report["statuses"].get("200", 0),
        "missing": acknowledged - stored,
    }


def _stored(path: Any) -> int:
    with EventLog(path) as log:
        return log.read(NEVER, kinds=["impression"]).height


if __name__ == "__main__":
    table = Table(title="Durable events over HTTP", title_justify="left", show_header=False)
    for key, value in run(lambda what, done: print(f"{done:4.0%} {what}", flush=True)).items():
        table.add_row(key, f"{value:,.4g}" if isinstance(value, float) else str(value))
    Console().print(table)

"""Home pages over HTTP with durable logging: what one process holds, what it does at twice that, and its memory.

    python benchmarks/bench_serve.py
    python benchmarks/bench_serve.py BEFORE NOW   # two source trees, taking turns at pages alone
    python benchmarks/bench_serve.py --billboard  # a Thompson billboard alone: one a request, and a batch a request

The server is `matinee serve` on MovieLens 100K with the log in a temporary folder; the load generator runs beside it.
`run()` returns machine; first_page_seconds (from starting the process to the first page, artifacts
fitted); pages, connections, pages_per_second, p50_ms, p99_ms, errors (closed loop, full pages of 12 rows of 20 with
reasons); overload_offered and overload_answered (pages a second, open loop at twice pages_per_second),
overload_shed_share (answered 503 with Retry-After), overload_p99_ms (of the answered), overload_errors (anything but
200 and 503); memory_requests, memory_start_mb and memory_end_mb (resident, after a tenth and after all of them).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from served import Progress, load, processor_seconds, resident, server, server_of

CONNECTIONS = 8
OVERLOAD_SECONDS = 15


def run(progress: Progress | None = None, pages: int = 4_000, memory_requests: int = 100_000) -> dict[str, Any]:
    """Measure; see the top of this file for the keys."""
    progress = progress or (lambda what, done: None)
    with server(progress) as (port, process_id, _, first_page_seconds):
        load(port=port, what="home", count=1_000, connections=CONNECTIONS)
        progress("as many pages as it holds", 0.05)
        held = load(port=port, what="home", count=pages, connections=CONNECTIONS)
        rate = held["statuses"].get("200", 0) / held["seconds"]
        progress("twice as many as it holds", 0.1)
        flood = load(port=port, what="home", count=int(2 * rate * OVERLOAD_SECONDS), connections=256, rate=2 * rate)
        progress("watching memory", 0.2)
        memory = _memory(port, process_id, memory_requests)
    return {
        "machine": machine(),
        "first_page_seconds": first_page_seconds,
        "pages": pages,
        "connections": CONNECTIONS,
        "pages_per_second": rate,
        "p50_ms": held["p50_ms"],
        "p99_ms": held["p99_ms"],
        "errors": _unexpected(held, "200"),
        **_overload(flood, 2 * rate),
        **memory,
    }


def _overload(flood: dict[str, Any], offered: float) -> dict[str, Any]:
    answered, shed = flood["statuses"].get("200", 0), flood["statuses"].get("503", 0)
    return {
        "overload_offered": offered,
        "overload_answered": answered / flood["seconds"],
        "overload_shed_share": shed / max(answered + shed, 1),
        "overload_p99_ms": flood["p99_ms"],
        "overload_errors": _unexpected(flood, "200", "503"),
    }


def _memory(port: int, process_id: int, requests: int) -> dict[str, Any]:
    """Resident memory after a tenth of `requests` pages, when every member is in memory, and after all."""
    load(port=port, what="home", count=requests // 10, connections=CONNECTIONS)
    start = resident(process_id)
    load(port=port, what="home", count=requests - requests // 10, connections=CONNECTIONS)
    return {"memory_requests": requests, "memory_start_mb": start, "memory_end_mb": resident(process_id)}


def _unexpected(report: dict[str, Any], *expected: str) -> int:
    """Answers of other statuses, and requests that were not answered."""
    odd = sum(count for status, count in report["statuses"].items() if status not in expected)
    return odd + sum(report["errors"].values())


def billboards(progress: Progress) -> dict[str, Any]:
    """Decisions of one title by a Thompson billboard over HTTP, each durable before it is answered, by the number asked
    for at once. `processor_ms` is the server's a decision, `billboards_per_second` what was answered.
    """
    with server(progress, "thompson") as (port, process_id, *_):
        singles = _asked(port, process_id, {"what": "billboard", "count": 1_000, "connections": CONNECTIONS}, 1)
        found = {"1": singles}
        for size, count in ((100, 60), (1_000, 20)):
            spec = {"what": "billboards", "count": count, "connections": 2, "size": size}
            found[str(size)] = _asked(port, process_id, spec, size)
    return {f"{key}_at_{size}": value for size, one in found.items() for key, value in one.items()}


def _asked(port: int, process_id: int, spec: dict[str, Any], size: int) -> dict[str, float]:
    """What the server does with this load, each request of `size` decisions, after a third as much to warm up."""
    load(port=port, **{**spec, "count": spec["count"] // 3})
    start = processor_seconds(process_id)
    held = load(port=port, **spec)
    used, answered = processor_seconds(process_id) - start, held["statuses"].get("200", 0) * size
    return {
        "billboards_per_second": answered / held["seconds"],
        "processor_ms": used * 1e3 / max(answered, 1),
        "p50_ms": held["p50_ms"],
        "errors": _unexpected(held, "200"),
    }


def compare(before: Path, now: Path, rounds: int = 6, pages: int = 400) -> NDArray[np.float64]:
    """(rounds, 2, 2) of `before` and `now`: pages a second, and milliseconds of processor time that the server took for
    one. Both serve all the while, and take turns at going first.
    """
    found = np.empty((rounds, 2, 2))
    with server_of(before) as one, server_of(now) as other:
        for served in (one, other):
            _held(*served, pages)
        for turn in range(rounds):
            for which in (0, 1) if turn % 2 == 0 else (1, 0):
                found[turn, which] = _held(*(one, other)[which], pages)
    return found


def _held(port: int, process_id: int, pages: int) -> tuple[float, float]:
    start = processor_seconds(process_id)
    held = load(port=port, what="home", count=pages, connections=CONNECTIONS)
    used = processor_seconds(process_id) - start
    assert not _unexpected(held, "200", "503"), f"not every page was answered or refused: {held}"
    return held["statuses"]["200"] / held["seconds"], used * 1e3 / held["statuses"]["200"]


def _compared(table: Table, before: Path, now: Path) -> None:
    found = compare(before, now)
    for name, values in zip(("pages a second", "processor ms a page"), np.moveaxis(found, 2, 0), strict=True):
        ratios = values[:, 1] / values[:, 0]
        table.add_row(f"{name}, before; now", "{:.3g}; {:.3g}".format(*np.median(values, axis=0)))
        spread = f"{np.median(ratios):.2f}, {ratios.min():.2f} to {ratios.max():.2f}"
        table.add_row("now / before: median, least to most", spread)


if __name__ == "__main__":
    table = Table(title="Home pages over HTTP", title_justify="left", show_header=False)
    if sys.argv[1:] == ["--billboard"]:
        for key, value in billboards(lambda what, done: None).items():
            table.add_row(key, f"{value:,.4g}" if isinstance(value, float) else str(value))
    elif sys.argv[1:]:
        _compared(table, *(Path(one).resolve() for one in sys.argv[1:3]))
    else:
        for key, value in run(lambda what, done: print(f"{done:4.0%} {what}", flush=True)).items():
            table.add_row(key, f"{value:,.4g}" if isinstance(value, float) else str(value))
    Console().print(table)

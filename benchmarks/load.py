"""A load generator in a process of its own: closed loop (as fast as answers come) or open loop (at a given rate).

    python benchmarks/load.py '{"port": 8000, "what": "home", "count": 1000, "connections": 8}'
    python benchmarks/load.py '{"port": 8000, "what": "home", "count": 1000, "connections": 500, "rate": 400}'

Prints one JSON object: answers by status, transport errors, seconds, and percentiles of the 200s' milliseconds.
With a rate, latency counts from the moment the request was due, so a late start is not forgiven.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import orjson
import uvloop

MEMBERS = 900  # user ids 1..MEMBERS take turns


@dataclass
class Tally:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)


class Connection:
    """One keep-alive connection that speaks just enough HTTP."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes) -> int:
        """Send a body; returns the status once the whole answer is read."""
        if self._streams is None or self._streams[0].at_eof():  # never opened, or closed by the server while idle
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in answer else 0
        if length:
            await reader.readexactly(length)
        else:
            while (size := int((await reader.readline()).strip() or b"0", 16)) > 0:
                await reader.readexactly(size + 2)
            await reader.readline()
        return int(answer[9:12])

    def drop(self) -> None:
        """Forget a connection that broke."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


def body(what: str, n: int, size: int) -> tuple[str, bytes]:
    """Path and body of request `n`."""
    if what == "home":
        return "/v1/home", orjson.dumps({"user_id": str(n % MEMBERS + 1), "context": {"device": "web"}})
    if what == "billboard":
        asked = {"user_id": str(n % MEMBERS + 1), "layout": {"rows": 1, "columns": 1}, "explain": False}
        return "/v1/home", orjson.dumps(asked)
    if what == "billboards":
        members = [{"user_id": str((n * size + k) % MEMBERS + 1)} for k in range(size)]
        return "/v1/billboards", orjson.dumps({"members": members, "explain": False})
    stamp = time.time_ns()
    events = [
        {
            "event_id": f"{stamp}:{n}:{k}",
            "user_id": str((n * size + k) % MEMBERS + 1),
            "kind": "impression",
            "item_id": str(k % 200 + 1),
            "row": k // 20,
            "column": k % 20,
        }
        for k in range(size)
    ]
    return "/v1/events", orjson.dumps({"events": events})


async def ask(connection: Connection, what: str, n: int, size: int, due: float, tally: Tally) -> None:
    """One request, counted."""
    path, payload = body(what, n, size)
    try:
        status = await asyncio.wait_for(connection.post(path, payload), 30)
    except Exception as error:
        connection.drop()
        tally.errors[type(error).__name__] += 1
        return
    tally.statuses[status] += 1
    if status == 200:
        tally.latencies.append((time.perf_counter() - due) * 1e3)


async def closed(port: int, what: str, count: int, connections: int, size: int) -> Tally:
    """`connections` clients that each send the next request when the last was answered."""
    tally, numbers = Tally(), iter(range(count))

    async def client() -> None:
        connection = Connection(port)
        for n in numbers:
            await ask(connection, what, n, size, time.perf_counter(), tally)

    await asyncio.gather(*(client() for _ in range(connections)))
    return tally


async def opened(port: int, what: str, count: int, connections: int, size: int, rate: float) -> Tally:
    """Requests at `rate` a second whether or not earlier ones were answered, over at most `connections` connections."""
    tally, free = Tally(), asyncio.LifoQueue[Connection]()
    for _ in range(connections):
        free.put_nowait(Connection(port))
    start, running = time.perf_counter(), []

    async def one(n: int, due: float) -> None:
        connection = await free.get()
        await ask(connection, what, n, size, due, tally)
        free.put_nowait(connection)

    for n in range(count):
        due = start + n / rate
        await asyncio.sleep(due - time.perf_counter())
        running.append(asyncio.create_task(one(n, due)))
    await asyncio.gather(*running)
    return tally


def main(spec: dict[str, object]) -> None:
    """Run one load and print what came back."""
    loop = opened if "rate" in spec else closed
    started = time.perf_counter()
    tally = uvloop.run(loop(**{"size": 100, **spec}))
    seconds = time.perf_counter() - started
    percentiles = np.percentile(tally.latencies, [50, 99]).tolist() if tally.latencies else [None, None]
    report = {
        "statuses": {str(status): count for status, count in tally.statuses.items()},
        "errors": dict(tally.errors),
        "seconds": seconds,
        "p50_ms": percentiles[0],
        "p99_ms": percentiles[1],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

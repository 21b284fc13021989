"""Attacks on the doors of a running service, on loopback only, within minutes: what each does to good requests.

    python benchmarks/attack.py

Prints one row an attack: good requests that were answered, their median and 95th percentile in milliseconds.
"""

from __future__ import annotations

import http.client
import json
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

FAKE = Path(__file__).parents[1] / "tests" / "service"
KEY = "attack-0123456789"
GOOD = 60  # good requests during each attack
PATIENCE = 5.0  # seconds that a good request may take
PAGE = json.dumps({"user_id": "ada", "explain": False}).encode()
Attack = Callable[[int, ExitStack], None]


def main() -> None:
    """Attack a service with keys, then one without, and print the table."""
    attacks: dict[str, tuple[bool, Attack]] = {
        "nothing": (True, lambda port, stack: None),
        "32 half-sent bodies without a key": (True, half_sent(32, "x: y")),
        "4 bodies of 1.8 MB without a key, again and again": (True, flood(4, large_body())),
        "1,100 half-sent heads": (True, half_heads(1_100)),
        "100 connections asking for /docs": (True, flood(100, get("/docs"))),
        "nothing, open": (False, lambda port, stack: None),
        "32 half-sent bodies, open": (False, half_sent(32, "x: y")),
        "100 connections asking for /metrics, open": (False, flood(100, get("/metrics"))),
    }
    print(f"{'attack':<52} {'answered':>9} {'p50 ms':>8} {'p95 ms':>8}")
    for name, (keyed, attack) in attacks.items():
        with server(keyed) as port, ExitStack() as stack:
            attack(port, stack)
            time.sleep(0.3)
            row(name, good_requests(port))
    print(f"{'DELETE with Host: evil.example, open':<52} {status(False, 'evil.example'):>9}")


def row(name: str, times: list[float]) -> None:
    """One line of the table."""
    cuts = statistics.quantiles(times, n=20) if len(times) > 1 else [float("nan")] * 19
    print(f"{name:<52} {len(times):>4}/{GOOD:<4} {cuts[9] * 1e3:>8.1f} {cuts[18] * 1e3:>8.1f}", flush=True)


def good_requests(port: int) -> list[float]:
    """Seconds of each home page that came, asked one after the other on connections of their own."""
    times = []
    until = time.monotonic() + 30
    for _ in range(GOOD):
        started = time.perf_counter()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request("POST", "/v1/home", PAGE, {"content-type": "application/json", "x-api-key": KEY})
            if connection.getresponse().status == 200:
                times.append(time.perf_counter() - started)
            connection.close()
        except OSError:
            pass
        if time.monotonic() > until:
            break
    return times


def half_sent(count: int, header: str) -> Attack:
    """Sockets that send a head and one byte of the body."""
    head = f"POST /v1/home HTTP/1.1\r\nhost: 127.0.0.1\r\n{header}\r\ncontent-length: 1000\r\n\r\n{{".encode()
    return lambda port, stack: _hold(port, stack, count, head)


def half_heads(count: int) -> Attack:
    """Sockets that send the beginning of a head."""
    return lambda port, stack: _hold(port, stack, count, b"GET /v1/profiles HTTP/1.1\r\nhost: 127")


def get(path: str) -> bytes:
    """A request without a body."""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()


def large_body() -> bytes:
    """A batch of events of 1.8 MB."""
    event = {"event_id": "e", "user_id": "u", "kind": "open", "item_id": "t1", "query": "x" * 900}
    body = json.dumps({"events": [event] * 1_000})[:1_800_000].ljust(1_800_000).encode()
    head = "POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def flood(connections: int, sent: bytes) -> Attack:
    """Threads that send the same again and again until the end."""

    def attack(port: int, stack: ExitStack) -> None:
        stop = threading.Event()
        threads = [threading.Thread(target=_pour, args=(port, sent, stop), daemon=True) for _ in range(connections)]
        for thread in threads:
            thread.start()
        stack.callback(stop.set)

    return attack


def _pour(port: int, sent: bytes, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
                sock.sendall(sent)
                while sock.recv(65_536):
                    pass
        except OSError:
            time.sleep(0.01)


def _hold(port: int, stack: ExitStack, count: int, sent: bytes) -> None:
    for _ in range(count):
        sock = stack.enter_context(socket.socket())
        sock.settimeout(0.5)
        try:
            sock.connect(("127.0.0.1", port))
            sock.sendall(sent)
        except OSError:
            return


def status(keyed: bool, host: str) -> int:
    """What a deletion under another name is answered."""
    with server(keyed) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("DELETE", "/v1/profiles/ada", headers={"host": host})
        return connection.getresponse().status


@contextmanager
def server(keyed: bool) -> Iterator[int]:
    """A service over fake policies in a process of its own with 1,024 files."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = [sys.executable, "serve_fake.py", str(Path(folder) / "log.db"), str(port), "400"]
        process = subprocess.Popen([*command, *([KEY] if keyed else [])], cwd=FAKE, stderr=subprocess.DEVNULL)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (1_024, 1_024))
        try:
            _await(port, process)
            yield port
        finally:
            process.kill()
            process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server ended before it served")


if __name__ == "__main__":
    main()

"""The doors on a real socket: who sends half of something, or much without a key, takes nothing from the others."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from matinee.service import connections
from matinee.service import run as serving
from matinee.service.app import create_app
from matinee.service.keys import Keys

KEY = "writer-0123456789"
KEYED = {"keys": Keys.of(write=[KEY])}
HOME = {"user_id": "ada", "explain": False, "layout": {"rows": 3, "columns": 4}}
PATIENCE = 30.0  # seconds that a test waits for what comes at once on a quiet machine


@pytest.fixture
def listening(deploy, monkeypatch) -> Iterator[Callable[..., int]]:
    """Serves on a real socket and gives its port."""
    servers: list[serving._Server] = []
    started = serving._Server.startup

    async def startup(self, sockets=None):
        servers.append(self)
        await started(self, sockets)

    monkeypatch.setattr(serving._Server, "startup", startup)
    with ExitStack() as stack:

        def start(**fields) -> int:
            ready = threading.Event()
            app, sock = create_app(deploy(**fields)), stack.enter_context(serving.listen("127.0.0.1", 0))
            thread = threading.Thread(target=serving.run, args=(app, sock, lambda url: ready.set()))
            thread.start()
            stack.callback(thread.join, PATIENCE)
            stack.callback(lambda: [setattr(server, "should_exit", True) for server in servers])
            assert ready.wait(PATIENCE)
            return sock.getsockname()[1]

        yield start


@pytest.fixture
def calls() -> Iterator[Callable[..., socket.socket]]:
    """Opens sockets that have sent something, and closes them at the end."""
    with ExitStack() as stack:

        def open_one(port: int, sent: bytes) -> socket.socket:
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            sock.sendall(sent)
            return sock

        yield open_one


def half(path: str = "/v1/home", length: int = 100) -> bytes:
    """The head of a request, and the first byte of its body."""
    return f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{{".encode()


def pages(port: int, count: int = 20) -> list[int]:
    """Statuses of good requests, one after the other."""
    with httpx.Client(base_url=f"http://localhost:{port}", headers={"x-api-key": KEY}, timeout=PATIENCE) as client:
        return [client.post("/v1/home", json=HOME).status_code for _ in range(count)]


def cut(sock: socket.socket, part: bytes) -> bool:
    """Whether a connection ends while the same part is sent over and over."""
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            sock.sendall(part)
            time.sleep(0.01)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("fields", [KEYED, {}], ids=["keys", "open"])
def test_half_sent_bodies_stop_nobody(listening, calls, fields):
    port = listening(max_in_flight=4, max_waiting=8, **fields)
    held = [calls(port, half()) for _ in range(32)]
    assert pages(port) == [200] * 20
    if fields:
        assert all(sock.recv(100).startswith(b"HTTP/1.1 401") for sock in held)


def test_a_large_body_without_a_key_is_answered_before_it_is_sent(listening, calls):
    port = listening(**KEYED)
    sock = calls(port, half("/v1/events", 1_800_000))
    assert sock.recv(100).startswith(b"HTTP/1.1 401")


def test_a_body_gives_way_to_newer_ones_of_its_address(listening, calls):
    port = listening(max_waiting=8)  # two of one address
    first, second, third = (calls(port, half()) for _ in range(3))
    assert first.recv(100).startswith(b"HTTP/1.1 408")
    rest = b'"user_id": "ada"}' + b" " * 82
    for sock in (second, third):
        sock.sendall(rest)
    assert third.recv(100).startswith(b"HTTP/1.1 422")  # no content type


def test_half_sent_heads_and_silent_connections_are_closed(listening, calls, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    port = listening()
    for sent in (b"", b"G", b"\r\n", b"GET / HTTP/1.1\r\nhost: local"):
        assert calls(port, sent).recv(100) == b""


def test_an_unread_body_after_the_answer_keeps_no_connection(listening, calls, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    port = listening(**KEYED)
    sock = calls(port, half())
    assert sock.recv(65_536).startswith(b"HTTP/1.1 401")
    assert cut(sock, b" ")


def test_a_head_without_end_is_cut(listening, calls):
    sock = calls(listening(), b"GET / HTTP/1.1\r\n")
    assert cut(sock, f"x: {'x' * 10_000}\r\n".encode())


def test_more_connections_than_allowed_push_out_the_idle_ones(listening, calls, monkeypatch):
    monkeypatch.setattr(connections, "most_connections", lambda: 20)
    port = listening()
    held = [calls(port, b"GET / HT") for _ in range(60)]
    assert pages(port, 5) == [200] * 5
    assert held[0].recv(100) == b""


def test_the_process_keeps_files_for_itself():
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert connections.most_connections() <= max(files - connections.SPARE_FILES, 16)


def test_an_answer_that_nobody_reads_gives_its_place_back(listening, calls, monkeypatch):
    monkeypatch.setattr(connections, "READ_SECONDS", 0.3)
    port = listening(max_in_flight=2)
    asked = b"GET /docs HTTP/1.1\r\nhost: localhost\r\n\r\n"
    held = [calls(port, asked * 500) for _ in range(3)]  # far more than a socket's buffers hold
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if httpx.get(f"http://localhost:{port}/docs", timeout=PATIENCE).status_code == 200:
            return
        time.sleep(0.05)
    raise AssertionError(f"{len(held)} readers that do not read still hold their places")

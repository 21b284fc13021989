"""Serving: the port is taken first or refused in words; `ready` hears an address that answers."""

from __future__ import annotations

import socket
import threading
from urllib.request import urlopen

import pytest
from fastapi import FastAPI

from matinee.errors import BadRequest
from matinee.service import run as serving


def test_a_port_in_use_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BadRequest, match=f"cannot listen on 127.0.0.1:{port} .*--port"):
            serving.listen("127.0.0.1", port)


def test_a_host_that_is_not_here_is_refused():
    with pytest.raises(BadRequest, match=r"cannot listen on 192\.0\.2\.1:0"):  # an address of documentation, RFC 5737
        serving.listen("192.0.2.1", 0)


def test_port_0_is_any_free_port():
    with serving.listen("127.0.0.1", 0) as one, serving.listen("127.0.0.1", 0) as two:
        assert 0 != one.getsockname()[1] != two.getsockname()[1] != 0


def test_ready_hears_an_address_that_answers(monkeypatch):
    servers, urls, ready = [], [], threading.Event()
    started = serving._Server.startup

    async def startup(self, sockets=None):
        servers.append(self)
        await started(self, sockets)

    def tell(url):
        urls.append(url)
        ready.set()

    monkeypatch.setattr(serving._Server, "startup", startup)
    app = FastAPI()
    app.get("/")(lambda: "here")
    with serving.listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        thread = threading.Thread(target=serving.run, args=(app, sock, tell))
        thread.start()
        assert ready.wait(10)
        assert urls == [f"http://127.0.0.1:{port}/"]
        with urlopen(urls[0], timeout=5) as answer:
            assert answer.read() == b'"here"'
        servers[0].should_exit = True
        thread.join(10)
        assert not thread.is_alive()
    with serving.listen("127.0.0.1", port):  # the port is free again
        pass

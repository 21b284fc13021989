"""A service over the fake policies and a real log, and a client that speaks HTTP to it in process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from patience import patience
from service_fakes import GenrePolicy, small_catalog
from starlette.testclient import TestClient

from matinee.data.log import EventLog
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.service.visitors import Visitors


@pytest.fixture
def log(tmp_path) -> Iterator[EventLog]:
    with EventLog(tmp_path / "log.db") as opened:
        yield opened


@pytest.fixture
def deploy(log) -> Callable[..., Deployment]:
    """Makes a deployment of the fake policies; fields can be set by name. Nothing is late because others compute."""

    def make(**fields: Any) -> Deployment:
        catalog = fields.pop("catalog", None) or small_catalog()
        policy = GenrePolicy(catalog)
        policies = {"home": [("genres", policy)], "similar": [("genres", policy)]}
        fields.setdefault("deadline", 5.0 * patience())
        fields.setdefault("visitors", Visitors(limit=None))
        return Deployment(log, catalog, {**policies, **fields.pop("policies", {})}, **fields)

    return make


@pytest.fixture
def serve(deploy) -> Iterator[Callable[..., TestClient]]:
    """Starts a service and returns its client."""
    with ExitStack() as stack:

        def start(**fields: Any) -> TestClient:
            app = create_app(deploy(**fields))
            return stack.enter_context(TestClient(app, "http://localhost", raise_server_exceptions=False))

        yield start


@pytest.fixture
def client(serve) -> TestClient:
    return serve()

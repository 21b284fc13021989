"""A service over the fake policies and a real log, and a client that speaks HTTP to it in process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from patience import patience
from service_fakes import GenrePolicy, growing, small_catalog
from starlette.testclient import TestClient

from matinee.data.log import EventLog
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.service.keys import Keys
from matinee.service.visitors import Visitors


@pytest.fixture
def log(tmp_path) -> Iterator[EventLog]:
    with EventLog(tmp_path / "log.db") as opened:
        yield opened


@pytest.fixture
def deploy(log) -> Callable[..., Deployment]:
    """Makes a deployment of the fake policies; fields can be set by name."""
    return partial(deployment, log)


def deployment(log: EventLog, **fields: Any) -> Deployment:
    """A deployment of the fake policies, save for what `fields` say. Nothing is late because others compute."""
    catalog = fields.pop("catalog", None) or small_catalog()
    policy = GenrePolicy(catalog)
    policies = {"home": [("genres", policy)], "similar": [("genres", policy)]}
    fields.setdefault("deadline", 5.0 * patience())
    fields.setdefault("visitors", Visitors(limit=None))
    return Deployment(log, catalog, {**policies, **fields.pop("policies", {})}, **fields)


@pytest.fixture
def serve(deploy) -> Iterator[Callable[..., TestClient]]:
    """Starts a service and returns its client."""
    with ExitStack() as stack:
        yield lambda **fields: stack.enter_context(client_of(deploy(**fields)))


def client_of(made: Deployment) -> TestClient:
    """Its client; the service starts where this is entered."""
    return TestClient(create_app(made), "http://localhost", raise_server_exceptions=False)


@pytest.fixture
def client(serve) -> TestClient:
    return serve()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory) -> Iterator[TestClient]:
    """One service for many calls of a file that are refused, or that each leave what no other asks for."""
    grow = growing(small_catalog())
    with (
        EventLog(tmp_path_factory.mktemp("refusing") / "log.db") as log,
        client_of(deployment(log, grow=grow)) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def keyed(tmp_path_factory) -> Iterator[TestClient]:
    """Likewise, with a key."""
    keys = Keys.of(write=["writer-0123456789"])
    with EventLog(tmp_path_factory.mktemp("keyed") / "log.db") as log, client_of(deployment(log, keys=keys)) as client:
        yield client

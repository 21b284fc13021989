"""A real browser in front of the real system: `matinee demo` in a process of its own, driven by Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from find_chromium import chromium
from patience import patience

REPOSITORY = Path(__file__).parents[2]
START = 240  # quiet seconds that the demo may take to train and serve
TEST = 300  # quiet seconds that a test may take
WAIT = 15_000  # quiet milliseconds that a page may take for anything
AWAY = "Failed to load resource: net::ERR_INTERNET_DISCONNECTED"  # what Chromium says of a network that tests cut


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the page have the time that this machine needs now."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.timeout(TEST * patience()))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium starts on this machine; `make browser` installs it or says how")
    from playwright.sync_api import sync_playwright

    arguments = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="session")
def running_demo(browser, tmp_path_factory) -> Iterator[str]:
    """The address of a demo that was trained for this run."""
    workspace = tmp_path_factory.mktemp("demo") / "workspace"
    command = [sys.executable, "-c", "from matinee.cli import main; main()", "demo", "--no-deep", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--workspace", str(workspace)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    clock = threading.Timer(START * patience(), process.kill)
    clock.start()
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Home page: "):
            break
    clock.cancel()
    assert "Home page: " in "".join(said[-1:]), "the demo did not start:\n" + "".join(said[-30:])
    threading.Thread(target=process.stdout.read, daemon=True).start()
    yield said[-1].split()[-1].rstrip("/")
    process.terminate()
    process.wait(20 * patience())


@pytest.fixture
def api(running_demo) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running_demo, timeout=5 * patience()) as client:
        yield client


@pytest.fixture
def visit(browser, running_demo) -> Iterator[Callable[..., Any]]:
    """Opens a page of the demo."""
    with visiting(browser, running_demo) as open_page:
        yield open_page


@contextmanager
def visiting(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens pages in fresh browser profiles; a script error or a request to elsewhere fails the test."""
    contexts, complaints = [], []

    def open_page(path: str, width: int = 1280, height: int = 800, **settings: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT * patience())
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if complains(said) else None)
        page.on("request", lambda asked: None if asked.url.startswith(address) else complaints.append(asked.url))
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def complains(said: Any) -> bool:
    """Whether a message of the console tells of something wrong; a network that a test cut is none."""
    return said.type in ("error", "warning") and said.text != AWAY


@pytest.fixture
def fresh(api) -> str:
    """A member who has done nothing yet."""
    user = f"fresh-{uuid.uuid4().hex[:8]}"
    api.put(f"/v1/profiles/{user}", json={"name": "Ada"}).raise_for_status()
    return user

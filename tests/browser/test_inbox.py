"""The inbox on the home page: what a member was written to about opens its title, and a no holds at once."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from patience import patience
from steps import close, listen

pytestmark = pytest.mark.browser
FAKE = Path(__file__).parents[1] / "service" / "serve_fake.py"


@pytest.fixture
def api(browser, tmp_path) -> Iterator[httpx.Client]:
    """A service of plain policies that writes to everybody who wants it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(FAKE), str(tmp_path / "log.db"), str(port)])
    transport = httpx.HTTPTransport(retries=0)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=60) as client:
        _until_ready(client, process)
        yield client
    process.terminate()
    process.wait(30)


def _until_ready(client: httpx.Client, process: subprocess.Popen) -> None:

    end = time.monotonic() + 120 * patience()
    while time.monotonic() < end and process.poll() is None:
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the service did not start")


def _open_in_time(page: Any, address: str) -> None:
    """Open a page once it is decided in time: a busy machine compiles the first ones too slowly, and answers 503."""
    end = time.monotonic() + 120 * patience()
    while page.goto(address).status == 503 and time.monotonic() < end:
        time.sleep(0.1)


@pytest.fixture
def page(browser, api) -> Iterator[Any]:
    """The home page of a member who was just written to."""
    api.put("/v1/profiles/ada", json={"name": "Ada", "messages": True, "maturity_limit": 12}).raise_for_status()
    sent = api.post("/v1/outreach", json={"user_id": "ada", "context": {"hour": 18}}).json()
    assert sent["message"]
    shown = browser.new_page()
    shown.set_default_timeout(15_000 * patience())
    _open_in_time(shown, f"{api.base_url}/home?user=ada")
    yield shown
    shown.close()


def test_a_message_opens_its_title_by_the_keyboard_and_tells_where_it_came_from(page):
    said = page.get_by_role("region", name="Messages for you").get_by_role("button").first
    assert said.inner_text().startswith("We think you would like")
    events = listen(page)
    said.focus()
    page.keyboard.press("Enter")
    page.locator("#details[open]").wait_for()
    opened = next(one for one in events if one["kind"] == "open")
    assert (opened["source"], opened["row"], opened["column"]) == ("outreach", 0, 0)
    assert opened["decision_id"]
    close(page)


def test_no_more_messages_holds_at_once_and_can_be_undone(page, api):
    page.get_by_role("button", name="No more messages").click()
    page.get_by_role("button", name="Undo").wait_for()
    profile = api.get("/v1/profiles/ada").json()
    assert profile["messages"] is False
    assert (profile["name"], profile["maturity_limit"]) == ("Ada", 12), "what else was set stays"
    assert page.locator("#messages").is_hidden()
    page.get_by_role("button", name="Undo").click()
    page.locator("#messages").wait_for()
    assert api.get("/v1/profiles/ada").json()["messages"] is True

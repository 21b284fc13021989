"""Two services on one log: what one of them is told holds for the next page of the other."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest
from service_fakes import Changed, GenrePolicy, small_catalog

from matinee.data.log import EventLog
from matinee.profile import Profile
from matinee.service.app import create_app


@pytest.fixture
def other(log, serve, deploy, tmp_path):
    """A second handle of the same log, as another process has it."""
    with EventLog(tmp_path / "log.db") as opened:
        yield opened


def shown(client, user: str = "ada") -> list[str]:
    page = client.post("/v1/home", json={"user_id": user}).json()
    return [item["item_id"] for row in page["rows"] for item in row["items"]]


def like(n: int, user: str = "ada") -> dict:
    return {"event_id": f"e{n}", "user_id": user, "kind": "thumbs_up", "item_id": f"t{n}", "timestamp": 10**15 + n}


def test_a_limit_set_elsewhere_holds_for_the_next_page(serve, other):
    client = serve()
    assert any(int(one[1:]) % 6 for one in shown(client)), "nobody has limited ada yet"
    other.put_profile(Profile("ada", kids=True))
    slots = shown(client)
    assert slots
    assert [one for one in slots if int(one[1:]) % 6] == []
    found = client.get("/v1/titles", params={"prefix": "story", "user_id": "ada", "n": 100}).json()["titles"]
    assert [one for one in found if int(one["item_id"][1:]) % 6] == []


def test_events_and_a_deletion_elsewhere_count_for_the_next_page(serve, other):
    client = serve()
    first_row = client.post("/v1/home", json={"user_id": "ada"}).json()["rows"][1]["title"]
    assert first_row != "Western"
    other.append_events([like(0), like(10)])
    assert client.post("/v1/home", json={"user_id": "ada"}).json()["rows"][1]["title"] == "Western"
    other.delete_member("ada")
    page = client.post("/v1/home", json={"user_id": "ada"}).json()
    assert page["rows"][1]["title"] == first_row
    assert client.get("/v1/profiles/ada").status_code == 404


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_limit_set_while_a_page_is_made_holds_for_that_page(deploy, other, log, elsewhere):
    begun, go, catalog = threading.Event(), threading.Event(), small_catalog()

    def wait(requests):
        if requests.user_ids[0] == "ada" and not begun.is_set():
            begun.set()
            go.wait(60)

    slow = Changed(GenrePolicy(catalog), before=wait)

    async def scenario():
        app = create_app(deploy(policies={"home": [("slow", slow)]}, deadline=60))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
            under_way = asyncio.create_task(client.post("/v1/home", json={"user_id": "ada"}))
            await asyncio.to_thread(begun.wait, 60)
            if elsewhere:
                await asyncio.to_thread(other.put_profile, Profile("ada", kids=True))
            else:
                assert (await client.put("/v1/profiles/ada", json={"kids": True})).status_code == 200
            go.set()
            return (await under_way).json()

    page = asyncio.run(scenario())
    slots = [item["item_id"] for row in page["rows"] for item in row["items"]]
    assert slots
    assert [one for one in slots if int(one[1:]) % 6] == []
    assert [one for batch in log.decisions.read(2**62) for one in batch.ids] == [page["decision_id"]]

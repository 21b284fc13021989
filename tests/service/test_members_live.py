"""Live members: memory equals the log whatever comes in between, and a deletion leaves nothing."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx
import numpy as np
from service_fakes import small_catalog

from matinee.data.histories import histories_of
from matinee.events import Kind
from matinee.history import Histories
from matinee.profile import Profile
from matinee.service.app import create_app
from matinee.service.members import Action, Member, Members

NEVER = 2**62


def same(one: Histories, other: Histories) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("items", "kinds", "values", "times")
    )


def test_memory_equals_what_the_log_says_after_events_in_any_order(client, log):
    rng = np.random.default_rng(7)
    members, catalog = client.app.state.service.members, small_catalog()
    client.post("/v1/home", json={"user_id": "ada"})
    now = int(time.time()) - 10_000
    for n in range(40):
        batch = [
            {
                "event_id": f"{n}:{k}",
                "user_id": "ada",
                "kind": str(rng.choice(["play", "thumbs_up", "dismiss", "impression"])),
                "item_id": f"t{rng.integers(60)}",
                "value": float(rng.random()),
                "timestamp": int(now + rng.integers(9_000)),
            }
            for k in range(3)
        ]
        client.post("/v1/events", json={"events": batch})
    live = members._kept["ada"].history
    fresh = histories_of(log.read(NEVER, user_ids=["ada"]), ["ada"], catalog, NEVER)
    order = np.lexsort((live.items, live.kinds, live.times))
    truth = np.lexsort((fresh.items, fresh.kinds, fresh.times))
    assert len(live.items) == 120
    assert same(
        *(
            Histories(h.offsets, h.items[o], h.kinds[o], h.values[o], h.times[o])
            for h, o in ((live, order), (fresh, truth))
        )
    )
    assert (np.diff(live.times) >= 0).all()


def test_what_is_taken_back_leaves_memory_at_once(client, log):
    client.post("/v1/home", json={"user_id": "ada"})
    for n, kind in enumerate(("thumbs_up", "list_add", "thumbs_clear")):
        event = {"event_id": str(n), "user_id": "ada", "kind": kind, "item_id": "t7"}
        assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
    client.post("/v1/home", json={"user_id": "ada"})
    live = client.app.state.service.members._kept["ada"].history
    assert live.kinds.tolist() == [Kind.LIST_ADD]
    assert not len(live.tastes.items)


def test_events_without_a_time_keep_the_order_sent_when_the_member_is_read_again(client):
    members = client.app.state.service.members
    sent = [("zz", "list_add"), ("aa", "list_remove"), ("mm", "list_add"), ("bb", "list_remove")]
    events = [{"event_id": name, "user_id": "ada", "kind": kind, "item_id": "t1"} for name, kind in sent]
    client.post("/v1/home", json={"user_id": "ada"})
    client.post("/v1/events", json={"events": events})
    live = members._kept["ada"].history
    members.forget("ada")
    client.post("/v1/home", json={"user_id": "ada"})
    assert live.kinds.tolist() == [Kind.LIST_ADD, Kind.LIST_REMOVE] * 2
    assert same(live, members._kept["ada"].history)


def test_an_event_of_a_clock_that_runs_ahead_counts_for_the_next_page(client, log):
    ahead = time.time() + 300
    event = {"event_id": "1", "user_id": "ada", "kind": "thumbs_up", "item_id": "t0", "timestamp": ahead}
    assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1
    page = client.post("/v1/home", json={"user_id": "ada"}).json()
    assert page["rows"][1]["title"] == "Western"
    assert log.read(NEVER)["timestamp"][0].timestamp() <= time.time() < ahead


def test_all_that_was_acknowledged_is_known_now_whatever_time_it_bears():
    history = Histories(np.array([0, 3]), *(np.arange(3, dtype=t) for t in (np.int32, np.int8, np.float32, np.int64)))
    for now, times in ((2, [0, 1, 1]), (3, [0, 1, 2]), (9, [0, 1, 2])):
        known = history.by(now)
        assert known.items.tolist() == [0, 1, 2]
        assert known.times.tolist() == times, "and none of it at or after now"


def blank(user_ids):
    return [Member(Profile(user_id), Histories.empty(1)) for user_id in user_ids]


def test_a_member_loaded_while_an_event_was_on_its_way_is_not_kept():
    started, go = threading.Event(), threading.Event()

    def load(user_ids):
        started.set()
        go.wait(5)
        return blank(user_ids)

    async def scenario():
        members = Members(load, 10)
        loading = asyncio.create_task(members.get("ada"))
        await asyncio.to_thread(started.wait, 5)
        async with members.visiting(["ada"], writes=True):
            members.extend([Action("ada", 1, 4, 1.0, 5)])
        go.set()
        await loading
        kept = len(members)
        await members.get("ada")
        return kept, len(members)

    assert asyncio.run(scenario()) == (0, 1)


def test_a_member_forgotten_while_being_loaded_is_loaded_once_more():
    names, started, go = iter(["old", "new"]), threading.Event(), threading.Event()

    def load(user_ids):
        name = next(names)
        started.set()
        go.wait(60)
        return [Member(Profile(user_id, name=name), Histories.empty(1)) for user_id in user_ids]

    async def scenario():
        members = Members(load, 10)
        loading = asyncio.create_task(members.get("ada"))
        await asyncio.to_thread(started.wait, 60)
        members.forget_all()
        go.set()
        return (await loading).profile.name, (await members.get("ada")).profile.name, len(members)

    assert asyncio.run(scenario()) == ("new", "new", 1)


def test_only_the_most_recent_members_stay_in_memory():
    async def scenario():
        members = Members(blank, 3)
        for user_id in "abcadae":
            await members.get(user_id)
        return list(members._kept)

    assert asyncio.run(scenario()) == ["d", "a", "e"]


def test_a_deletion_waits_for_those_inside_and_lets_nobody_in():
    async def scenario():
        members, story = Members(blank, 3), []

        async def visit(name, seconds):
            async with members.visiting(["ada"]):
                story.append(f"{name} in")
                await asyncio.sleep(seconds)
                story.append(f"{name} out")

        async def delete():
            async with members.deleting("ada"):
                story.append("deleting")
                await asyncio.sleep(0.02)
                story.append("deleted")

        first = asyncio.create_task(visit("first", 0.05))
        await asyncio.sleep(0.01)
        deletion = asyncio.create_task(delete())
        await asyncio.sleep(0.01)
        second = asyncio.create_task(visit("second", 0))
        await asyncio.gather(first, deletion, second)
        return story

    assert asyncio.run(scenario()) == ["first in", "first out", "deleting", "deleted", "second in", "second out"]


def test_deleting_a_member_leaves_no_trace_in_answers_memory_or_files(client, log, tmp_path):
    secret = "zebra-7f3a9"
    client.put(f"/v1/profiles/{secret}", json={"name": "Ada"})
    page = client.post("/v1/home", json={"user_id": secret}).json()
    events = [{"event_id": f"{n}", "user_id": secret, "kind": "thumbs_up", "item_id": "t0"} for n in range(5)]
    client.post("/v1/events", json={"events": [*events, {**events[0], "event_id": "other", "user_id": "bob"}]})
    answer = client.delete(f"/v1/profiles/{secret}").json()
    assert answer["removed"]["events"] == 5
    assert client.get(f"/v1/decisions/{page['decision_id']}").status_code == 404
    assert client.get(f"/v1/profiles/{secret}").status_code == 404
    assert log.read(NEVER)["user_id"].to_list() == ["bob"]
    assert secret not in client.app.state.service.members._kept
    holding = [path.name for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert holding == []
    assert client.delete(f"/v1/profiles/{secret}").json()["removed"]["events"] == 0


def test_events_and_pages_racing_with_a_deletion_end_in_a_state_that_log_and_memory_agree_on(deploy, log):
    async def scenario():
        app = create_app(deploy(max_in_flight=1_000))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:

            async def like(n):
                body = {"event_id": f"e{n}", "user_id": "ada", "kind": "thumbs_up", "item_id": f"t{n}"}
                return await client.post("/v1/events", json={"events": [body]})

            async def look():
                return await client.post("/v1/home", json={"user_id": "ada", "layout": {"rows": 2, "columns": 2}})

            calls = [call for n in range(20) for call in (like(n), look())]
            calls.insert(20, client.delete("/v1/profiles/ada"))
            answers = await asyncio.gather(*calls)
            member = await app.state.service.members.get("ada")
            return [answer.status_code for answer in answers], member

    codes, member = asyncio.run(scenario())
    assert set(codes) == {200}
    stored = log.read(NEVER, user_ids=["ada"])
    assert sorted(f"t{item}" for item in member.history.items) == sorted(stored["item_id"])
    decisions = [one for batch in log.decisions.read(NEVER) for one in batch.ids]
    assert len(decisions) <= 20

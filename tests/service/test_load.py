"""Under load: shedding instead of queueing, and policies swapped or rolled back without dropping a request."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace

import httpx
import numpy as np
import pytest
from service_fakes import Changed, GenrePolicy, small_catalog, with_log_probs, with_titles

from matinee.service.app import create_app


def over_http(deployment, scenario):
    """Run `scenario(client)` against the application, in one event loop."""

    async def run():
        transport = httpx.ASGITransport(app=create_app(deployment))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await scenario(client)

    return asyncio.run(run())


async def home(client, user="ada"):
    return await client.post("/v1/home", json={"user_id": user, "explain": False, "layout": {"rows": 3, "columns": 4}})


def test_too_many_requests_are_shed_with_a_time_to_come_back(deploy):
    slow = Changed(GenrePolicy(small_catalog()), before=lambda requests: time.sleep(0.05))

    async def scenario(client):
        answers = await asyncio.gather(*(home(client, f"m{n}") for n in range(40)))
        after = await home(client)
        health = await client.get("/health/live")
        return answers, after, health, (await client.get("/metrics")).text

    answers, after, health, metrics = over_http(deploy(policies={"home": [("slow", slow)]}, max_in_flight=8), scenario)
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {200: 8, 503: 32}
    assert {answer.headers["retry-after"] for answer in answers if answer.status_code == 503} == {"1"}
    assert after.status_code == health.status_code == 200
    assert "matinee_shed_total 32.0" in metrics


def test_a_body_that_does_not_arrive_takes_no_place(deploy):
    async def drip():
        yield b'{"user_id": '
        await asyncio.sleep(30)
        yield b'"ada"}'

    async def scenario(client):
        slow = [asyncio.create_task(client.post("/v1/home", content=drip())) for _ in range(3)]
        await asyncio.sleep(0.05)
        during = await home(client)
        return await asyncio.gather(*slow), during, await home(client)

    started = time.perf_counter()
    slow, during, after = over_http(deploy(max_in_flight=3, body_seconds=0.2), scenario)
    assert time.perf_counter() - started < 20
    assert [answer.status_code for answer in slow] == [408] * 3
    assert slow[0].json()["error"] == "refused"
    assert slow[0].headers["connection"] == "close"
    assert (during.status_code, after.status_code) == (200, 200)


def test_a_deadline_for_bodies_is_none_for_answers(deploy):
    slow = Changed(GenrePolicy(small_catalog()), before=lambda requests: time.sleep(0.3))
    page = over_http(deploy(policies={"home": [("slow", slow)]}, body_seconds=0.1), home)
    assert page.status_code == 200


@pytest.mark.parametrize("path", ["*", "v1"])
def test_a_target_that_is_no_path_is_answered_like_any_unknown_one(deploy, path):
    said = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        said.append(message)

    scope = {"type": "http", "method": "OPTIONS", "path": path, "query_string": b"", "root_path": ""}
    scope["headers"] = [(b"host", b"localhost")]
    asyncio.run(create_app(deploy())(scope, receive, send))
    assert said[0]["status"] == 404


def test_ladders_are_swapped_under_load_without_dropping_a_request(deploy):
    catalog = small_catalog()
    new = GenrePolicy(catalog, "newer")
    built = []

    def build():
        built.append(1)
        return catalog, {"home": [("newer", new)], "similar": [("newer", new)]}

    async def scenario(client):
        asked = [asyncio.create_task(home(client, f"m{n % 7}")) for n in range(20)]
        await asyncio.sleep(0)
        reloads = [asyncio.create_task(client.post("/v1/artifacts/reload")) for _ in range(3)]
        while not all(one.done() for one in reloads):
            asked.append(asyncio.create_task(home(client, "ada")))
            await asyncio.sleep(0.005)
        asked += [asyncio.create_task(home(client)) for _ in range(10)]
        return await asyncio.gather(*asked), [one.result() for one in reloads]

    pages, reloads = over_http(deploy(reload=build, max_in_flight=5_000, catalog=catalog), scenario)
    assert [one.json() for one in reloads] == [{"policies": {"home": ["newer"], "similar": ["newer"]}}] * 3
    assert Counter(page.status_code for page in pages) == {200: len(pages)}
    assert {page.json()["policy_id"] for page in pages[-10:]} == {"newer"}
    assert len(built) == 3


def test_a_ladder_that_fails_its_check_is_rolled_back_and_the_old_one_serves_on(deploy):
    catalog = small_catalog()
    good = GenrePolicy(catalog)

    def broken(requests):
        raise ValueError("the artifact is empty")

    def unrated(made):
        child = made.requests.user_ids[0] == "probe-child"
        return with_titles(made, np.ones_like if child else np.asarray)

    def with_scores(made):
        return replace(made, choices=replace(made.choices, scores=np.full_like(made.choices.scores, np.nan)))

    def with_nothing(made):
        nothing = made.choices.take(np.empty(0, np.int64))
        return replace(made, choices=replace(nothing, offsets=np.zeros(2, np.int64)))

    bad = {
        "finite": Changed(good, after=with_scores),
        "raised ValueError": Changed(good, before=broken),
        "shows nothing": Changed(good, after=with_nothing),
        "same choice": Changed(good, after=lambda made: with_log_probs(made, made.choices.log_probs - 0.01)),
        "ineligible": Changed(good, after=unrated),
    }
    queue = list(bad.values())

    def build():
        policy = queue.pop(0)
        return catalog, {"home": [("bad", policy)], "similar": [("good", good)]}

    async def scenario(client):
        asked, refused = [], []
        for _ in range(len(bad)):
            asked += [asyncio.create_task(home(client, f"m{n}")) for n in range(5)]
            refused.append(await client.post("/v1/artifacts/reload"))
        return await asyncio.gather(*asked), refused

    pages, refused = over_http(deploy(reload=build, max_in_flight=1_000, catalog=catalog), scenario)
    assert [answer.status_code for answer in refused] == [409] * len(bad)
    for answer, reason in zip(refused, bad, strict=True):
        assert reason in answer.json()["message"]
        assert "home/bad" in answer.json()["message"]
    assert {(page.status_code, page.json()["policy_id"]) for page in pages} == {(200, "genres")}


def test_a_build_that_fails_is_refused_too(serve):
    def build():
        raise OSError("no such artifact")

    answer = serve(reload=build).post("/v1/artifacts/reload")
    assert answer.status_code == 409
    assert "no such artifact" in answer.json()["message"]
    assert serve().post("/v1/artifacts/reload").status_code == 400


def test_policies_are_checked_with_requests_of_the_very_types_that_members_send(serve):
    """A policy that compiles for other types would compile again while the first member waits."""
    seen = []

    def types(requests):
        past = requests.histories
        arrays = (requests.times, past.offsets, past.items, past.kinds, past.values, past.times)
        return [(one.dtype, one.flags.writeable, one.flags.c_contiguous) for one in arrays]

    catalog = small_catalog()
    policy = Changed(GenrePolicy(catalog), before=lambda requests: seen.append((len(requests), types(requests))))
    client = serve(policies={"home": [("genres", policy)]}, catalog=catalog)
    checked = list(seen)
    seen.clear()
    assert len(checked) == 3
    client.post("/v1/home", json={"user_id": "ada"})
    event = {"event_id": "1", "user_id": "ada", "kind": "thumbs_up", "item_id": "t1"}
    client.post("/v1/events", json={"events": [event]})
    client.post("/v1/home", json={"user_id": "ada"})
    client.app.state.service.members.forget("ada")
    client.post("/v1/home", json={"user_id": "ada"})
    assert len(seen) == 3
    assert all(one in checked for one in seen)

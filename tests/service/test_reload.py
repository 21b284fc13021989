"""Reload swaps catalogue and policies together: what was re-rated, expired or added counts from the next request on."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import httpx
import polars as pl
from service_fakes import Changed, GenrePolicy, small_catalog

from matinee.catalog import Catalog
from matinee.service.app import create_app


def shown(page: dict) -> set[str]:
    return {item["item_id"] for row in page["rows"] for item in row["items"]}


def home(client, user: str = "kid") -> set[str]:
    return shown(client.post("/v1/home", json={"user_id": user}).json())


def built(catalog: Catalog):
    """What a deployment's `reload` gives: the catalogue and policies for it."""
    policy = GenrePolicy(catalog, "newer")
    return catalog, {"home": [("newer", policy)], "similar": [("newer", policy)]}


def changed(**columns: pl.Expr) -> Catalog:
    return Catalog.from_frame(small_catalog().titles.with_columns(**columns))


def test_titles_that_were_re_rated_or_have_expired_are_gone_after_a_reload(serve):
    yesterday = datetime.now(UTC) - timedelta(days=1)
    is_t6, is_t12 = pl.col("item_id") == "t6", pl.col("item_id") == "t12"
    new = changed(
        maturity=pl.when(is_t6).then(18).otherwise("maturity"),
        available_until=pl.when(is_t12).then(yesterday).otherwise("available_until"),
    )
    client = serve(reload=lambda: built(new))
    client.put("/v1/profiles/kid", json={"kids": True})
    before = home(client)
    assert {"t6", "t12"} < before
    assert client.post("/v1/artifacts/reload").status_code == 200
    assert home(client) == before - {"t6", "t12"}
    found = client.get("/v1/titles", params={"prefix": "sto", "user_id": "kid", "n": 100}).json()["titles"]
    assert {one["item_id"] for one in found} == before - {"t6", "t12"}


def test_what_came_with_a_reload_is_known_everywhere(serve):
    client = serve(reload=lambda: built(small_catalog(61)))
    like = {"event_id": "1", "user_id": "ada", "kind": "thumbs_up", "item_id": "t60"}
    assert client.post("/v1/events", json={"events": [like]}).json()["rejected"] == 1
    client.post("/v1/home", json={"user_id": "ada"})
    client.post("/v1/artifacts/reload")
    assert client.post("/v1/events", json={"events": [like]}).json()["accepted"] == 1
    assert "t60" in home(client, "ada")
    assert client.get("/posters/t60.svg").status_code == 200
    assert client.put("/v1/profiles/ada", json={"blocked_titles": ["t60"]}).status_code == 200
    assert "t60" not in home(client, "ada")


def test_a_catalogue_whose_titles_have_moved_is_refused_and_the_old_pair_serves_on(serve):
    offered = [
        Catalog.from_frame(small_catalog().titles.reverse()),
        Catalog.from_frame(small_catalog().titles.head(59)),
    ]
    client = serve(reload=lambda: built(offered.pop()))
    for word in ("59 now", "is 't59' now"):
        refused = client.post("/v1/artifacts/reload")
        assert refused.status_code == 409
        assert word in refused.json()["message"]
    assert client.post("/v1/home", json={"user_id": "ada"}).json()["policy_id"] == "genres"


def test_a_page_under_way_ends_on_the_pair_on_which_it_began(deploy):
    begun, go, old = threading.Event(), threading.Event(), small_catalog()

    def wait(requests):
        if requests.user_ids[0] == "ada":
            begun.set()
            go.wait(60)

    slow = Changed(GenrePolicy(old, "old"), before=wait)
    renamed = changed(title=pl.lit("renamed"), maturity=pl.lit(18))

    async def scenario():
        app = create_app(deploy(policies={"home": [("old", slow)]}, reload=lambda: built(renamed), deadline=60))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
            under_way = asyncio.create_task(client.post("/v1/home", json={"user_id": "ada"}))
            await asyncio.to_thread(begun.wait, 60)
            assert (await client.post("/v1/artifacts/reload")).status_code == 200
            go.set()
            return (await under_way).json(), (await client.post("/v1/home", json={"user_id": "bob"})).json()

    first, next_one = asyncio.run(scenario())
    names = [{item["title"] for row in page["rows"] for item in row["items"]} for page in (first, next_one)]
    assert first["policy_id"] == "old"
    assert "renamed" not in names[0]
    assert names[1] == {"renamed"}

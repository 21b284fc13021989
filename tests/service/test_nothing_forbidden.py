"""Every text and image that leaves the service names or pictures only titles that whoever asks may see."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from service_fakes import suggestions_of

from matinee.catalog import Catalog
from matinee.service.visitors import Visitors

N, GENRES, COUNTRIES = 40, ["Western", "Comedy", "Drama"], ["DK", "US"]
NAME = re.compile(r"Film-(\d+)-")


def random_catalog(rng: np.random.Generator) -> Catalog:
    """Titles of every rating, window and country; each name says its index."""
    day, now = timedelta(days=1), datetime.now(UTC)
    return Catalog.from_frame(
        pl.DataFrame(
            {
                "item_id": [f"id{i}" for i in range(N)],
                "title": [f"Film-{i}- ({1950 + i})" for i in range(N)],
                "genres": [[GENRES[k]] for k in rng.integers(0, 3, N)],
                "maturity": [[None, 0, 6, 12, 18][k] for k in rng.integers(0, 5, N)],
                "countries": [[[], [], ["DK"], ["US"]][k] for k in rng.integers(0, 4, N)],
                "available_from": [[None, None, now - day, now + day][k] for k in rng.integers(0, 4, N)],
                "available_until": [[None, None, now + day, now - day][k] for k in rng.integers(0, 4, N)],
                "closed": (rng.random(N) < 0.1).tolist(),
            }
        )
    )


def random_profile(rng: np.random.Generator) -> dict:
    return {
        "kids": bool(rng.random() < 0.4),
        "maturity_limit": [None, 6, 12][rng.integers(0, 3)],
        "country": [None, *COUNTRIES][rng.integers(0, 3)],
        "blocked_titles": [f"id{i}" for i in rng.integers(0, N, 2)],
        "blocked_genres": [GENRES[0]] if rng.random() < 0.3 else [],
    }


def may_see(title: dict, profile: dict) -> bool:
    """The rules in words, for one title and one profile now; shares no code with the service."""
    now = datetime.now(UTC)
    limits = [one for one in (profile.get("maturity_limit"), 7 if profile.get("kids") else None) if one is not None]
    return not (
        title["closed"]
        or (limits and (title["maturity"] is None or title["maturity"] > min(limits)))
        or (title["available_from"] and title["available_from"] > now)
        or (title["available_until"] and title["available_until"] <= now)
        or (title["countries"] and profile.get("country") not in title["countries"])
        or title["item_id"] in profile.get("blocked_titles", ())
        or set(title["genres"]) & set(profile.get("blocked_genres", ()))
    )


def texts_for(client, user: str) -> list[str]:
    """What the service says to a member, wherever it speaks of titles."""
    page = client.post("/v1/home", json={"user_id": user, "exploration": 1.0})
    many = client.post("/v1/billboards", json={"members": [{"user_id": user}], "exploration": 1.0})
    asked = [page, many, client.get(f"/v1/decisions/{page.json()['decision_id']}")]
    asked += [client.get(f"/{path}?user={user}") for path in ("home", "list", "start")]
    asked += [client.get(f"/v1/state?user_id={user}")]
    asked += [client.get(f"/v1/titles?prefix=film&user_id={user}&n=100")]
    asked += [client.post("/v1/similar", json={"user_id": user, "item_id": f"id{i}", "n": 10}) for i in range(0, N, 5)]
    for answer in ("more_like", "lighter", "heavier", "not_now", "skip"):
        last = asked[-1].json().get("decision_id") if answer != "more_like" else None
        after = {"after": last, "answer": answer} if last else {}
        asked += [client.post("/v1/play_something", json={"user_id": user, "exploration": 1.0, **after})]
    assert {answer.status_code for answer in asked} == {200}
    return [answer.text for answer in asked]


@pytest.mark.parametrize("seed", range(3))
def test_no_text_or_image_shows_what_its_reader_may_not_see(serve, seed):
    rng = np.random.default_rng(seed)
    catalog = random_catalog(rng)
    policies = {"play_something": [("plain", suggestions_of(catalog))]}
    client, titles = serve(catalog=catalog, policies=policies, visitors=Visitors(12)), catalog.titles.to_dicts()
    profiles = {f"m{k}": random_profile(rng) for k in range(4)}
    for user, profile in profiles.items():
        assert client.put(f"/v1/profiles/{user}", json=profile).status_code == 200
    profiles |= {"visitor:v": {"maturity_limit": 12}, "visitor:kids:v": {"maturity_limit": 12, "kids": True}}
    for user in profiles:
        likes = [{"event_id": f"{i}", "user_id": user, "kind": "thumbs_up", "item_id": f"id{i}"} for i in range(N)]
        assert client.post("/v1/events", json={"events": likes}).json()["accepted"] == N
    named = 0
    for user, profile in profiles.items():
        allowed = {i for i in range(N) if may_see(titles[i], profile)}
        for text in texts_for(client, user):
            seen = {int(one) for one in NAME.findall(text)}
            assert seen <= allowed, text[:300]
            named += len(seen)
        unblocked = {i for i in range(N) if may_see(titles[i], {**profile, "blocked_titles": []})}
        hidden = client.get("/v1/hidden", params={"user_id": user}).text + client.get(f"/tastes?user={user}").text
        assert {int(one) for one in NAME.findall(hidden)} <= unblocked, "it names what others keep from them"
        pictured = {i for i in range(N) if client.get(f"/posters/id{i}.svg?user={user}").status_code == 200}
        assert pictured == allowed
    assert named > 30, "the walk met no titles"
    anybody = {i for i in range(N) if client.get(f"/posters/id{i}.svg").status_code == 200}
    assert anybody == {i for i in range(N) if may_see(titles[i], {})}
    for card in re.findall(r'(?s)<li class="someone" data-user="(m\d)">(.*?)</li>', client.get("/").text):
        assert all(may_see(titles[int(one)], profiles[card[0]]) for one in NAME.findall(card[1]))
    assert NAME.findall(client.get("/docs").text) == []

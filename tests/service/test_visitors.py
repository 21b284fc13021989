"""Visitors: their session shapes the next answer under the same guarantees, apart from members, and is forgotten."""

from __future__ import annotations

import asyncio

import polars as pl
import pytest

from matinee.catalog import Catalog
from matinee.errors import BadRequest
from matinee.events import END_OF_TIME, clean
from matinee.experiment.allocate import accounts_of
from matinee.profile import Profile
from matinee.service.leaving import Leaving
from matinee.service.visitors import Visitors
from matinee.testing import make_events
from matinee.workspace import Workspace

ID, KID = "visitor:2f6d", "visitor:kids:9a1c"
HOUR = 3_600


def like(client, user, *items):
    events = [{"event_id": one, "user_id": user, "kind": "thumbs_up", "item_id": one} for one in items]
    assert client.post("/v1/events", json={"events": events}).json()["accepted"] == len(items)


def titles(page):
    return {item["item_id"] for row in page["rows"] for item in row["items"]}


def test_the_session_of_a_visitor_shapes_the_very_next_answer_and_is_logged_with_its_probability(client, log):
    first = client.post("/v1/home", json={"user_id": ID}).json()
    like(client, ID, "t12", "t22")
    second = client.post("/v1/home", json={"user_id": ID}).json()
    assert first["rows"][1]["about"] != second["rows"][1]["about"] == ["Sci-Fi"]
    made = log.decisions.get(second["decision_id"])
    assert float(made.log_probs[0]) == pytest.approx(second["log_prob"])
    assert made.requests.user_ids.to_list() == [ID]


@pytest.mark.parametrize("user", [ID, KID, None])
def test_a_visitor_is_shown_what_the_service_says_whatever_they_ask_for(serve, user):
    """Titles 0, 6, 12 ... are rated 6, the rest are not: age 5 leaves none, 12 those, and no limit all."""
    asked = {"user_id": user, "exploration": 1.0}
    bare, rated = serve(visitors=Visitors(5)), serve(visitors=Visitors(12))
    assert titles(bare.post("/v1/home", json=asked).json()) == set()
    if user:
        wide = {"maturity_limit": 18, "kids": False, "messages": True}
        assert rated.put(f"/v1/profiles/{user}", json=wide).status_code == 200
    shown = titles(rated.post("/v1/home", json=asked).json())
    assert shown
    assert {int(one[1:]) % 6 for one in shown} == {0}
    ages = {int(one[1:]) % 6 for one in titles(serve(visitors=Visitors(None)).post("/v1/home", json=asked).json())}
    assert ages == (set(range(6)) if user is None else {0}), "they asked for 18, and then what is unrated stays away"


def test_a_visitor_may_hide_a_genre_and_be_more_careful_but_gets_no_messages():
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": ["a"], "maturity": [3]}))
    stored = Profile(ID, maturity_limit=7, blocked_genres=("Horror",), messages=True)
    made = Visitors(12).profile(ID, stored, catalog)
    assert (made.limit, made.blocked_genres, made.messages) == (7, ("Horror",), False)
    assert Visitors(12).profile(KID, None, catalog).limit == 7
    unrated = Catalog.from_frame(pl.DataFrame({"item_id": ["a"]}))
    assert (Visitors(12).limit_for(catalog), Visitors(12).limit_for(unrated)) == (12, None)
    assert "Titles for age 12 and below" in Visitors(12).words(catalog)
    assert "Titles of all ages" in Visitors(12).words(unrated)


def test_what_visitors_do_is_apart_from_members(client, log):
    like(client, ID, "t12")
    like(client, "ada", "t6")
    for user in (ID, "ada"):
        client.post("/v1/home", json={"user_id": user})
        client.put(f"/v1/profiles/{user}", json={"name": "Looking"})
    assert log.read(END_OF_TIME)["user_id"].to_list() == ["ada"]
    assert log.read(END_OF_TIME, user_ids=[ID])["item_id"].to_list() == ["t12"]
    assert [one for batch in log.decisions.read(END_OF_TIME) for one in batch.requests.user_ids] == ["ada"]
    assert [one.user_id for one in log.profiles("look")] == ["ada"]
    assert [one.user_id for one in log.recent_profiles()] == ["ada"]
    assert client.get("/v1/profiles?prefix=visitor").json() == {"profiles": []}
    own = log.decisions.of_member(ID)[0].requests
    assert accounts_of(own).to_list() == [""], "visitors are in no experiment"


def test_who_has_gone_is_forgotten_and_who_is_here_stays(serve, log):
    now = [1_700_000_000.0]
    client = serve(visitors=Visitors(hours=2.0), clock=lambda: now[0])
    leaving = Leaving(client.app.state.service)
    like(client, ID, "t12")
    client.put(f"/v1/profiles/{ID}", json={})
    client.put("/v1/profiles/visitor:wish", json={"blocked_genres": ["Horror"]})
    like(client, "ada", "t6")
    assert asyncio.run(leaving.forget()) == []
    now[0] += 1.9 * HOUR
    client.post("/v1/home", json={"user_id": KID})
    assert asyncio.run(leaving.forget()) == []
    now[0] += 0.2 * HOUR
    assert sorted(asyncio.run(leaving.forget())) == [ID, "visitor:wish"]
    assert log.read(END_OF_TIME, user_ids=[ID]).is_empty()
    assert log.profile("visitor:wish") is None
    assert list(log.visitors()) == [KID]
    now[0] += 2.1 * HOUR
    assert asyncio.run(leaving.forget()) == [KID]
    assert log.decisions.of_member(KID) == []
    assert log.read(END_OF_TIME)["user_id"].to_list() == ["ada"]
    assert client.get("/v1/state", params={"user_id": ID}).json()["titles"] == []


def test_an_import_brings_no_visitors():
    frame = make_events([[1], [2]]).with_columns(pl.Series("user_id", ["ada", ID]))
    kept, rejected = clean(frame)
    assert kept["user_id"].to_list() == ["ada"]
    assert rejected.counts == {"of a visitor, whose ids are never imported": 1}


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"limit": 100}, {"hours": 0.0}])
def test_visitors_that_cannot_be_are_refused(wrong):
    with pytest.raises(BadRequest, match=r"visitors (have|are)"):
        Visitors(**wrong)


def test_a_workspace_keeps_the_limit_of_visitors(tmp_path):
    place = Workspace(tmp_path)
    assert place.visitor_limit == ""
    for limit in ("16", "none"):
        place.set_visitor_limit(limit)
        assert place.visitor_limit == limit
    with pytest.raises(BadRequest, match="'many'; give an age"):
        place.set_visitor_limit("many")


def test_the_lobby_says_what_holds_for_visitors_and_their_pages_say_who_they_are(serve):
    client = serve(visitors=Visitors(12, 3.0))
    assert "Titles for age 12 and below" in client.get("/").text
    page = client.get(f"/tastes?user={ID}").text
    assert "forgotten 3 hours after you have gone" in page
    assert "Visitor, switch member" in page

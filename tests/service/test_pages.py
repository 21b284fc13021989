"""The server-rendered pages: escaping, headers, and that nothing comes from elsewhere."""

from __future__ import annotations

import re

import polars as pl
import pytest

from matinee.catalog import Catalog

HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def hostile(serve):
    frame = pl.DataFrame(
        {
            "item_id": ["a/b?c", 'q"uote', "plain"],
            "title": [HOSTILE, HOSTILE + "2", HOSTILE + "3"],
            "genres": [["Western"], ["<b>bold</b>"], ["Western"]],
            "maturity": [0, 0, 0],
            "image_url": ["javascript:alert(1)", "https://images.example/x.jpg", None],
        }
    )
    return serve(catalog=Catalog.from_frame(frame))


def test_hostile_titles_genres_and_names_stay_text(hostile):
    hostile.put("/v1/profiles/ada", json={"name": HOSTILE})
    hostile.post(
        "/v1/events", json={"events": [{"event_id": "1", "user_id": "ada", "kind": "thumbs_up", "item_id": "plain"}]}
    )
    for path in ("/", "/home?user=ada", "/home?user=ada&part=1", "/home?user=%3Cscript%3E"):
        page = hostile.get(path).text
        assert "<img src=x" not in page, path
        assert "<b>bold" not in page, path
        assert "javascript:" not in re.sub(r"<script type=\"application/json\".*?</script>", "", page, flags=re.S)


def test_art_of_titles_with_awkward_ids_is_found(hostile):
    page = hostile.get("/home?user=ada").text
    for address in set(re.findall(r'src="(/posters/[^"]+)"', page)):
        answer = hostile.get(address.replace("&amp;", "&"))
        assert answer.status_code == 200, address
        assert answer.headers["content-type"] == "image/svg+xml"


def test_every_answer_carries_a_strict_policy(client):
    for path in ("/", "/home?user=ada", "/docs", "/health/live", "/posters/t1.svg", "/static/home.js", "/nowhere"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_pages_hold_no_inline_script_or_style_and_load_nothing_from_elsewhere(client):
    for path in ("/", "/home?user=ada", "/docs"):
        page = client.get(path).text
        scripts = re.findall(r"<script([^>]*)>", page)
        assert all('src="/static/' in one or 'type="application/json"' in one for one in scripts)
        assert not re.search(r"\son\w+=|\sstyle=|<style", page)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_the_first_page_names_what_example_members_liked(client):
    client.put("/v1/profiles/ada", json={"name": "Ada"})
    client.post(
        "/v1/events", json={"events": [{"event_id": "1", "user_id": "ada", "kind": "thumbs_up", "item_id": "t7"}]}
    )
    page = client.get("/").text
    assert "Ada" in page
    assert "liked Action Story 7 (1957)" in page


def test_a_profile_that_may_see_nothing_is_told_so(serve):
    frame = pl.DataFrame({"item_id": ["a"], "title": ["A"], "genres": [["Drama"]]})
    client = serve(catalog=Catalog.from_frame(frame))
    client.put("/v1/profiles/kid", json={"kids": True})
    assert "nothing that this profile may see" in client.get("/home?user=kid").text


@pytest.mark.parametrize("asked", ["user=", f"user={'x' * 1_001}", f"user=a&device={'x' * 1_200}", "", "user=a&hour=x"])
def test_a_wrong_address_of_a_page_is_refused_in_words(client, asked):
    answer = client.get(f"/home?{asked}")
    assert answer.status_code == 422
    assert answer.json()["error"] == "invalid"


def test_devices_are_recognised_by_their_agent(client):
    for agent, device in (("Mozilla Mobile", "phone"), ("SmartTV", "tv"), ("Desktop", "web")):
        assert f"device-{device}" in client.get("/home?user=a", headers={"user-agent": agent}).text

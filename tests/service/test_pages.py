"""The server-rendered pages: escaping, headers, and that nothing comes from elsewhere."""

from __future__ import annotations

import re

import polars as pl
import pytest
from jinja2 import Environment
from pydantic import TypeAdapter

from matinee.catalog import Catalog
from matinee.service.problems import overloaded
from matinee.service.requests import EventIn, EventsIn, HomeIn, ProfileIn, SimilarIn
from matinee.service.web.pages import templates
from matinee.service.web.reference import bodies

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


BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("address", "status", "heading"),
    [
        ("/nowhere", 404, "There is nothing here"),
        ("/home", 422, "This address is not complete"),
        ("/home?user=", 422, "This address is not complete"),
        (f"/{HOSTILE}", 404, "There is nothing here"),
    ],
)
def test_people_get_errors_as_pages_and_programs_as_json(client, address, status, heading):
    page = client.get(address, headers=BROWSER)
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert int(page.headers["content-length"]) == len(page.content)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert heading in page.text
    assert "<img" not in page.text
    told = client.get(address)
    assert told.status_code == status
    assert told.json()["message"]


def test_calls_of_the_interface_answer_json_whoever_asks(client):
    answer = client.get("/v1/profiles/nobody", headers=BROWSER)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_a_page_that_is_shed_says_so_to_people(client, monkeypatch):
    async def shed(*_):
        raise overloaded("32 requests are being answered already")

    monkeypatch.setattr(client.app.state.service, "decide", shed)
    page = client.get("/home?user=ada", headers=BROWSER)
    assert page.status_code == 503
    assert "Matinee has too much to do" in page.text
    assert page.headers["retry-after"] == "1"


def test_the_members_to_whom_something_happened_last_come_first(client):
    for user in ("ada", "bob", "cid"):
        client.put(f"/v1/profiles/{user}", json={"name": user.title()})
    seen = {"event_id": "1", "user_id": "ada", "kind": "open", "item_id": "t7"}
    client.post("/v1/events", json={"events": [seen]})
    assert re.findall(r'data-user="(\w+)"', client.get("/").text) == ["ada", "cid", "bob"]
    assert re.findall(r'data-user="(\w+)"', client.get("/?find=bo&part=1").text) == ["bob"]


def test_the_reference_shows_every_body_with_fields_limits_and_an_example(client):
    page = client.get("/docs").text
    for name in client.get("/openapi.json").json()["components"]["schemas"]:
        section = page.split(f'<h2 id="{name}">')[1].split("</section>")[0]
        assert "<pre>" in section, name
    events = page.split('<h2 id="EventIn">')[1].split("</section>")[0]
    assert "at least 1 characters, at most 1,000 characters" in events
    assert "share watched, or stars as a share" in events


@pytest.mark.parametrize("model", [EventIn, EventsIn, HomeIn, ProfileIn, SimilarIn], ids=lambda model: model.__name__)
def test_the_examples_of_bodies_are_accepted(client, model):
    shown = bodies(client.app.openapi())[model.__name__]["example"]
    model.model_validate_json(shown)


@pytest.mark.parametrize("asked", ["user=", f"user={'x' * 1_001}", f"user=a&device={'x' * 1_200}", "", "user=a&hour=x"])
def test_a_wrong_address_of_a_page_is_refused_in_words(client, asked):
    answer = client.get(f"/home?{asked}")
    assert answer.status_code == 422
    assert answer.json()["error"] == "invalid"


def test_devices_are_recognised_by_their_agent(client):
    for agent, device in (("Mozilla Mobile", "phone"), ("SmartTV", "tv"), ("Desktop", "web")):
        assert f"device-{device}" in client.get("/home?user=a", headers={"user-agent": agent}).text


def test_the_first_pages_after_a_start_find_every_template_and_route_made(serve, monkeypatch):
    templates.cache_clear()
    client = serve()
    for what, made in ((Environment, "compile"), (TypeAdapter, "__init__")):
        monkeypatch.setattr(what, made, lambda *_, **__: pytest.fail("made while a member waits"))
    for path in ("/", "/home?user=ada", "/tastes?user=ada", "/list?user=ada", "/studio", "/nowhere"):
        assert client.get(path).status_code == (404 if path == "/nowhere" else 200), path
    assert client.post("/v1/home", json={"user_id": "ada"}).status_code == 200

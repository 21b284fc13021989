"""An open service answers its own machine, under its own names, and no page of another site."""

from __future__ import annotations

import pytest

from matinee.service.keys import Keys

FOREIGN = {"sec-fetch-site": "cross-site"}
KEYED = Keys.of(write=["writer-0123456789"])


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:9", "[::1]:8000"])
def test_names_of_this_machine_are_answered(refusing, host):
    assert refusing.get("/v1/profiles", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_another_name_is_refused_whatever_is_asked(refusing, host):
    refusing.put("/v1/profiles/ada", json={})
    for verb, path in (("DELETE", "/v1/profiles/ada"), ("GET", "/v1/profiles"), ("GET", "/"), ("GET", "/docs")):
        answer = refusing.request(verb, path, headers={"host": host})
        assert answer.status_code == 421
        assert "localhost" in answer.json()["remedy"]
    assert refusing.get("/v1/profiles/ada").status_code == 200


@pytest.mark.parametrize("headers", [FOREIGN, {"origin": "https://evil.example"}, {"origin": "null"}])
def test_a_page_of_another_site_can_change_and_read_nothing(refusing, headers):
    refusing.put("/v1/profiles/ada", json={})
    for verb, path in (("DELETE", "/v1/profiles/ada"), ("GET", "/v1/profiles"), ("POST", "/v1/home"), ("POST", "/")):
        assert refusing.request(verb, path, headers=headers).status_code == 403
    assert refusing.get("/v1/profiles/ada").status_code == 200


def test_a_person_may_follow_a_link_from_elsewhere_but_no_site_may_embed_a_page(client):
    assert client.get("/home?user=ada", headers={**FOREIGN, "sec-fetch-mode": "navigate"}).status_code == 200
    assert client.get("/home?user=ada", headers={**FOREIGN, "sec-fetch-mode": "no-cors"}).status_code == 403


def test_the_services_own_page_may_ask(client):
    own = {"sec-fetch-site": "same-origin", "origin": "http://localhost", "host": "localhost"}
    assert client.put("/v1/profiles/ada", json={}, headers=own).status_code == 200


def test_a_service_with_keys_is_called_by_any_name(serve):
    headers = {"x-api-key": "writer-0123456789", "host": "films.example", **FOREIGN}
    assert serve(keys=KEYED).get("/v1/profiles", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/v1/profiles/", "/v1/home/", "/static", "/docs/", "/health/live/", "/nowhere/"])
def test_nothing_is_answered_with_a_redirect(refusing, keyed, path):
    for client in (refusing, keyed):
        answer = client.get(path, headers={"x-api-key": "writer-0123456789"}, follow_redirects=False)
        assert answer.status_code in (404, 405)
        assert "location" not in answer.headers

"""Keys and roles: who may read, who may write, and that a keyed service shows no open pages."""

from __future__ import annotations

import pytest

from matinee.service.keys import Keys

READER, WRITER = "reader-0123456789", "writer-0123456789"
KEYS = {"keys": Keys.of([READER], [WRITER])}
EVENTS = {"events": [{"event_id": "1", "user_id": "ada", "kind": "open", "item_id": "t1"}]}
READS = [("POST", "/v1/home", {"user_id": "ada"}), ("GET", "/v1/titles?prefix=w", None), ("GET", "/v1/profiles", None)]
WRITES = [("POST", "/v1/events", EVENTS), ("PUT", "/v1/profiles/ada", {}), ("DELETE", "/v1/profiles/ada", None)]
TITLES = {"titles": [{"item_id": "t1"}]}
WRITES_ONLY = [*WRITES, ("POST", "/v1/artifacts/reload", None), ("POST", "/v1/titles", TITLES)]


def ask(client, call, key):
    verb, path, body = call
    headers = {} if key is None else {"X-API-Key": key}
    return client.request(verb, path, json=body, headers=headers).status_code


@pytest.mark.parametrize("call", READS + WRITES_ONLY)
def test_without_a_valid_key_nothing_is_answered(serve, call):
    client = serve(**KEYS)
    assert [ask(client, call, key) for key in (None, "", "guess", READER + " ")] == [401] * 4


def test_a_read_key_reads_and_a_write_key_does_both(serve):
    client = serve(**KEYS)
    assert [ask(client, call, READER) for call in READS] == [200] * 3
    assert [ask(client, call, WRITER) for call in READS + WRITES] == [200] * 6
    assert [ask(client, call, READER) for call in WRITES_ONLY] == [403] * 5


def test_a_service_with_keys_shows_no_member_page_but_its_health_and_api(serve):
    client = serve(**KEYS)
    assert [client.get(path).status_code for path in ("/", "/home?user=ada", "/posters/t1.svg")] == [404] * 3
    assert [client.get(path).status_code for path in ("/health/live", "/metrics", "/docs")] == [200] * 3

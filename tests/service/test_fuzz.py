"""Every string of every endpoint, replaced by what breaks programs: no answer of 5xx, and every status documented."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

EVENT = {"event_id": "e", "user_id": "ada", "kind": "open", "item_id": "t1", "timestamp": "2024-01-01T00:00:00Z"}
EVENT |= {"decision_id": "d", "query": "q", "country": "DK", "device": "web", "language": "da"}
CONTEXT = {"country": "DK", "device": "web", "language": "da"}
HOME = {"user_id": "ada", "context": CONTEXT, "exclude": ["t1"]}
PROFILE = {"account_id": "a", "name": "Ada", "languages": ["da"], "country": "DK"}
PROFILE |= {"blocked_titles": ["t1"], "blocked_genres": ["Horror"]}
TITLE = {"item_id": "t1", "title": "T", "genres": ["Western"], "people": ["P"], "tags": ["t"], "text": "A story."}
TITLE |= {"languages": ["en"], "countries": ["DK"], "released": "1966-12-23", "image_url": "https://pictures/1"}
BODIES = {
    ("POST", "/v1/home"): HOME,
    ("POST", "/v1/homes"): {"homes": [HOME]},
    ("POST", "/v1/billboards"): {"members": [{"user_id": "ada", "context": CONTEXT, "exclude": ["t1"]}]},
    ("POST", "/v1/similar"): {"item_id": "t1", "user_id": "ada", "context": CONTEXT, "exclude": ["t1"]},
    ("POST", "/v1/events"): {"events": [EVENT]},
    ("PUT", "/v1/profiles/{user_id}"): PROFILE,
    ("POST", "/v1/titles"): {"titles": [TITLE]},
}


def nested(depth: int) -> Any:
    """Lists in lists."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


POISONS = {
    "surrogate": "clip\ud83d",
    "both halves": "\ud83d\ude00",
    "nul": "a\x00b",
    "newline": "\n",
    "empty": "",
    "long": "x" * 100_000,
    "number": 1e308,
    "beyond": 10**400,
    "nested": nested(500),
    "true": True,
    "null": None,
    "object": {"\ud83d": 1, "": {}},
    "sql": "'; DROP TABLE events; --",
    "markup": "</script><img src=x onerror=alert(1)>",
    "direction": "\u202e\ufeff\U000e0001",
}


def poisoned(value: Any, poison: Any) -> Iterator[Any]:
    """The value again and again, one string in it replaced each time, and one unknown field added to each object."""
    if isinstance(value, str):
        yield poison
    elif isinstance(value, list):
        for k, one in enumerate(value):
            yield from ([*value[:k], new, *value[k + 1 :]] for new in poisoned(one, poison))
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from ({**value, name: new} for new in poisoned(one, poison))
        if isinstance(poison, str):
            yield {**value, poison: 1}


def documented(schema: dict[str, Any], verb: str, path: str) -> set[int]:
    return {int(code) for code in schema["paths"][path][verb.lower()]["responses"]}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_no_string_of_a_body_breaks_anything(refusing, poison):
    schema = refusing.get("/openapi.json").json()
    for (verb, path), body in BODIES.items():
        for broken in poisoned(copy.deepcopy(body), poison):
            answer = send(refusing, verb, path.replace("{user_id}", "ada"), json.dumps(broken))
            assert answer.status_code < 500, (path, broken)
            assert answer.status_code in documented(schema, verb, path), (path, broken)


@pytest.mark.parametrize("poison", [one for one in POISONS.values() if isinstance(one, str) and len(one) < 10_000])
def test_no_string_of_an_address_breaks_anything(refusing, poison):
    schema = refusing.get("/openapi.json").json()
    text = quote(poison.encode("utf-8", "surrogatepass"), safe="")
    for path, verbs in schema["paths"].items():
        for verb, about in verbs.items():
            asked = [one["name"] for one in about.get("parameters", ()) if one["in"] == "query"]
            query = "&".join(f"{name}={text}" for name in asked)
            address = path.replace("{user_id}", text).replace("{decision_id}", text).replace("{item_id}", text)
            answer = send(refusing, verb.upper(), f"{address}?{query}", "{}")
            assert answer.status_code < 500, (verb, address)
            missing = not text and "{" in path  # another address
            assert missing or answer.status_code in documented(schema, verb, path), (verb, address, answer.text)


@pytest.mark.parametrize(
    "body", ["[" * 100_000, "1" * 100_000, "{" * 50_000, '{"user_id": 1e999}', '"\\ud83d"', "nul", ""]
)
def test_no_body_breaks_anything(refusing, body):
    schema = refusing.get("/openapi.json").json()
    for verb, path in BODIES:
        answer = send(refusing, verb, path.replace("{user_id}", "ada"), body)
        assert answer.status_code in (400, 422)
        assert answer.status_code in documented(schema, verb, path)
        assert answer.json()["remedy"]


def send(client, verb, path, body):
    return client.request(verb, path, content=body.encode(), headers={"content-type": "application/json"})

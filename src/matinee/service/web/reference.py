"""The API in words, out of its own schema: every body with its fields, their limits, and an example."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from matinee.service.requests import UNPRINTED

Schema = dict[str, Any]

SAMPLES: dict[str, Any] = {
    "user_id": "ada", "account_id": "home-7", "name": "Ada", "item_id": "1201", "decision_id": "7d1f0c",
    "event_id": "c0ffee", "title": "The Good, the Bad and the Ugly", "year": 1966, "genres": ["Western"],
    "kind": "play", "value": 0.4, "row": 2, "column": 0, "query": "good ug", "country": "DK", "device": "tv",
    "language": "da", "languages": ["da", "en"], "hour": 20, "weekday": 4, "timestamp": "2026-01-31T20:15:00Z",
    "score": 0.61, "log_prob": -1.9, "key": -1, "exploration": 0.2, "exclude": ["603"], "blocked_titles": [],
    "blocked_genres": ["Horror"], "maturity_limit": 12, "reason": "Because of High Noon, in your history",
    "filter": 'genre = "Drama" and year >= 1990', "factor": 2, "share": 0.2,
    "image_url": None, "fallback": None, "thumb": "up", "watched": 0.6,
}  # fmt: skip
LIMITS = (
    ("minimum", "at least {:,}"),
    ("maximum", "at most {:,}"),
    ("exclusiveMaximum", "below {:,}"),
    ("minLength", "at least {:,} characters"),
    ("maxLength", "at most {:,} characters"),
    ("minItems", "at least {:,} of them"),
    ("maxItems", "at most {:,} of them"),
    ("pattern", "like {}"),
)
IN_WORDS = {f"^[^{UNPRINTED}]*$": "no control characters", "^[A-Z]{2}$": "two capital letters"}


def bodies(schema: Schema) -> dict[str, Schema]:
    """Every named body of an OpenAPI schema: its words, its fields (name, type, limits, about) and an example."""
    known: dict[str, Schema] = dict(schema.get("components", {}).get("schemas", {}))
    for body in list(known.values()):
        known |= {inner["title"]: inner for inner in _inlined(body) if "title" in inner}
    return {
        name: {
            "about": body.get("description", ""),
            "fields": [_field(field, about, body) for field, about in body.get("properties", {}).items()],
            "example": json.dumps(example(body, known), indent=1, ensure_ascii=False),
        }
        for name, body in sorted(known.items())
    }


def example(schema: Schema, known: dict[str, Schema], name: str = "") -> Any:
    """A value that fits a schema; fields of familiar names have familiar values."""
    if name in SAMPLES:
        return SAMPLES[name]
    if "$ref" in schema:
        return example(known[_named(schema)], known)
    if "anyOf" in schema:
        return example(next(one for one in schema["anyOf"] if one.get("type") != "null"), known, name)
    if "properties" in schema:
        return {field: example(about, known, field) for field, about in schema["properties"].items()}
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    return _plain(schema, known)


def _plain(schema: Schema, known: dict[str, Schema]) -> Any:
    if schema.get("type") == "array":
        return [example(schema.get("items", {}), known)]
    if schema.get("type") == "object":
        return {}
    return {"integer": schema.get("minimum", 1), "number": 0.5, "boolean": True}.get(schema.get("type", ""), "…")


def _inlined(schema: Schema) -> Iterator[Schema]:
    """The bodies that stand inside others without a name of their own."""
    for about in schema.get("properties", {}).values():
        inner = about.get("items", {})
        if "properties" in inner:
            yield inner


def _field(name: str, about: Schema, body: Schema) -> dict[str, str]:
    return {
        "name": name,
        "type": _type(about),
        "limits": ", ".join(["needed"] * (name in body.get("required", ())) + list(limits(about))),
        "about": about.get("description", ""),
    }


def limits(about: Schema) -> Iterator[str]:
    """What a value must keep to, and what holds when it is left out."""
    for one in (about, *about.get("anyOf", ()), about.get("items", {})):
        for key, words in LIMITS:
            if key in one:
                yield IN_WORDS.get(str(one[key])) or words.format(one[key])
    if about.get("default") is not None:
        yield f"{json.dumps(about['default'])} when left out"


def _named(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _type(about: Schema) -> str:
    if "$ref" in about:
        return _named(about)
    if "anyOf" in about:
        return " or ".join(_type(one) for one in about["anyOf"])
    if about.get("type") == "array":
        return f"list of {_type(about.get('items', {}))}"
    if "properties" in about:
        return str(about.get("title", "object"))
    if "enum" in about:
        return " | ".join(map(str, about["enum"]))
    return str(about.get("format") or about.get("type") or "any")

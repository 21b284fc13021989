"""The OpenAPI schema is true: cases generated from it by schemathesis, with every check that it has, find no fault.

Set CASES for more of them: `CASES=20000 python -m pytest tests/service/test_schema.py -s` says how many there were.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from service_fakes import GenrePolicy, growing, small_catalog

from matinee.data.log import EventLog
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.service.keys import Keys

CASES = int(os.environ.get("CASES", "200"))
CALLS = 18  # of the schema, about: cases are shared by them, three times
KEY = "writer-0123456789"
LOCAL = {"host": "localhost", "x-api-key": KEY}
NAMES = {"blocked_titles": ["t7"], "blocked_genres": ["Horror"], "less_genres": ["Drama"]}  # what the world knows
NAMES |= {"languages": ["da"], "country": "DK", "time_zone": "Europe/Copenhagen"}
DATES = ("released", "available_from", "available_until")
QUIET = settings(
    max_examples=max(CASES // CALLS // 3, 5),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
counted: Counter[int] = Counter()


@contextmanager
def serving(folder, keys):
    """The schema of a real service."""
    catalog = small_catalog()
    policies = {surface: [("genres", GenrePolicy(catalog))] for surface in ("home", "similar")}
    with EventLog(folder / "log.db") as log:
        app = create_app(
            Deployment(log, catalog, policies, keys=keys, deadline=60.0, reload=lambda: policies, grow=growing(catalog))
        )
        app.state.service.unready = ""
        yield schemathesis.openapi.from_asgi("/openapi.json", app, headers=LOCAL)


@pytest.mark.parametrize(
    ("keys", "mode"),
    [
        (Keys(), GenerationMode.POSITIVE),
        (Keys(), GenerationMode.NEGATIVE),
        (Keys.of(["reader-0123456789"], [KEY]), GenerationMode.POSITIVE),
    ],
    ids=["open and fit", "open and unfit", "keyed and fit"],
)
def test_no_generated_call_finds_a_fault(tmp_path, keys, mode):
    counted.clear()
    with serving(tmp_path, keys) as schema:
        for operation in schema.get_all_operations():
            check(operation.ok(), mode)
    print(f"{counted.total():,} cases, answers {dict(sorted(counted.items()))}")


def usual(title):
    """The title with dates of centuries that have titles, in languages that the catalogue knows."""
    known = {**dict.fromkeys(DATES, "1966-12-23"), "languages": NAMES["languages"]}
    return {name: known.get(name, value) if value else value for name, value in title.items()}


def readable(body):
    """The body with filters that can be read, and shares that leave room for each other."""
    for asked in body.get("homes", [body]):
        if asked.get("filter"):
            asked["filter"] = 'genre = "Drama" or not year > 1990'
        for one in [*asked.get("boosts", []), *asked.get("promotions", [])]:
            one |= {"filter": 'genre = "Horror"', **({"share": 1 / 8} if "share" in one else {})}


def check(operation, mode):
    """Ask one call of the schema what fits it, or what does not, and look at the answers."""

    @QUIET
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        if mode is GenerationMode.POSITIVE and operation.method == "put":
            told = [name for name, value in case.body.items() if value not in (None, [])]
            case.body |= {name: NAMES[name] for name in told if name in NAMES}
        if mode is GenerationMode.POSITIVE and operation.path.endswith("/titles") and operation.method == "post":
            case.body["titles"] = [usual(title) for title in case.body["titles"]]
        if mode is GenerationMode.POSITIVE and operation.method == "post" and isinstance(case.body, dict):
            readable(case.body)
        answer = case.call(headers=LOCAL)
        counted[answer.status_code] += 1
        case.validate_response(answer, headers=LOCAL)

    with suppress(Unsatisfiable):  # whatever is sent to this call fits it
        ask()

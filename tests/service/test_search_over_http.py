"""Search over HTTP: what was typed reaches the policy and the log; nothing typed is a question too."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from service_fakes import GenrePolicy, small_catalog

from matinee.data.log import EventLog
from matinee.service.app import create_app
from matinee.service.deployment import Deployment


@pytest.fixture
def log(tmp_path):
    with EventLog(tmp_path / "log.sqlite") as log:
        yield log


def client(log, *surfaces: str) -> TestClient:
    catalog = small_catalog()
    policies = {surface: [("genres", GenrePolicy(catalog))] for surface in ("home", "similar", *surfaces)}
    return TestClient(create_app(Deployment(log, catalog, policies)), base_url="http://127.0.0.1")


@pytest.mark.parametrize("query", ["star w", "", "用心棒", "“quoted” & <b>"])
def test_a_query_is_a_decision_with_what_was_typed(log, query):
    with client(log, "search") as asked:
        page = asked.post("/v1/search", json={"user_id": "ada", "query": query, "rows": 3, "n": 4}).json()
    record = log.decisions.record(page["decision_id"])
    assert (record["surface"], record["query"], record["user_id"]) == ("search", query, "ada")
    assert (record["layout"]["rows"], record["layout"]["columns"], record["layout"]["billboard"]) == (3, 4, False)
    assert page["surface"] == "search"
    assert all(len(row["items"]) <= 4 for row in page["rows"])


@pytest.mark.parametrize("body", [{"query": "x" * 10_000}, {"query": 3}, {"n": 0}, {"rows": 99}, {"seeds": 1}])
def test_a_body_that_is_none_is_refused(log, body):
    with client(log, "search") as asked:
        assert asked.post("/v1/search", json=body).status_code == 422


def test_a_service_without_a_policy_for_search_says_so(log):
    with client(log) as asked:
        answer = asked.post("/v1/search", json={"query": "star"})
    assert answer.status_code == 404
    assert "nothing serves 'search'" in answer.text

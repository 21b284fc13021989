"""The fall-back: late, raising and leaking policies are passed over, counted and named; threads stay bounded."""

from __future__ import annotations

import threading
import time

import numpy as np
from service_fakes import Changed, GenrePolicy, small_catalog, with_titles


def fallback(*steps):
    return {"home": list(steps)}


def broken(requests):
    raise RuntimeError("no factors for you")


def home(client):
    return client.post("/v1/home", json={"user_id": "ada"})


def test_a_policy_that_raises_is_passed_over_and_the_answer_says_so(serve, log):
    simple = GenrePolicy(small_catalog())
    client = serve(policies=fallback(("best", Changed(simple, before=broken)), ("simple", simple)))
    page = home(client).json()
    assert page["rows"]
    assert page["fallback"] == {"step": "simple", "missed": [{"step": "best", "reason": "failed: raised RuntimeError"}]}
    assert log.decisions.record(page["decision_id"])["fallback"] == "simple"
    assert 'matinee_fallback_total{reason="failed",step="best",surface="home"} 1.0' in client.get("/metrics").text


def test_a_late_policy_is_passed_over_within_the_deadline_and_its_threads_stay_bounded(serve):
    simple, release = GenrePolicy(small_catalog()), threading.Event()
    slow = Changed(simple, before=lambda requests: None if "probe" in requests.user_ids[0] else release.wait(30))
    client = serve(policies=fallback(("slow", slow), ("simple", simple)), deadline=0.2, threads=2)
    before = threading.active_count()
    spent = []
    for _ in range(6):
        started = time.perf_counter()
        page = home(client).json()
        spent.append(time.perf_counter() - started)
        assert page["fallback"]["step"] == "simple"
        assert page["fallback"]["missed"][0]["reason"].startswith("late")
    assert max(spent[:2]) < 1.0
    assert max(spent[2:]) < 0.15, "with every thread held, the step must count as late at once"
    assert threading.active_count() - before <= 2 + 2 + 2  # slow's, simple's, and the thread pool of the loop
    release.set()
    time.sleep(0.1)
    assert home(client).json()["fallback"] is None


def test_a_page_that_breaks_a_guarantee_is_never_sent(serve):
    catalog = small_catalog()
    leak = Changed(GenrePolicy(catalog), after=lambda made: with_titles(made, np.ones_like))
    client = serve(policies=fallback(("leaky", leak), ("simple", GenrePolicy(catalog))))
    client.put("/v1/profiles/ada", json={"kids": True})
    page = home(client).json()
    assert page["fallback"]["missed"][0]["reason"] == "failed: raised AssertionError"
    assert all(int(item["item_id"][1:]) % 6 == 0 for row in page["rows"] for item in row["items"])


def test_when_no_policy_answers_the_service_says_when_to_come_back(serve):
    client = serve(policies=fallback(("only", Changed(GenrePolicy(small_catalog()), before=broken))))
    answer = home(client)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["error"] == "overloaded"
    assert "Traceback" not in answer.text
    assert client.get("/health/ready").status_code == 503
    assert "only" in client.get("/health/ready").json()["message"]

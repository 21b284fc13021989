"""Budgets: what is too large or too slow is refused with its figures; what fits is not."""

import time

import numpy as np
import pytest

from matinee.errors import ArtifactRefused, BadRequest
from matinee.models.artifacts.budget import LENGTH, Budget, request_milliseconds


class Slow:
    def __init__(self, seconds):
        self.seconds, self.asked = seconds, []

    def score(self, requests):
        self.asked.append(requests)
        time.sleep(self.seconds)
        return np.zeros((len(requests), 500), np.float32)


def test_a_slow_scorer_is_refused_with_its_figures():
    with pytest.raises(
        ArtifactRefused, match=r"home/slow takes \d+(\.\d+)? ms a request, the least of \d+, and 5 are allowed"
    ):
        Budget(milliseconds=5.0).require_speed("home/slow", Slow(0.02), 500)
    Budget(milliseconds=5_000.0).require_speed("home/slow", Slow(0.0), 500)


def test_the_clock_sees_a_long_history_of_one_member():
    scorer = Slow(0.01)
    assert min(request_milliseconds(scorer, 500, 10.0)) >= 10
    assert {len(requests) for requests in scorer.asked} == {1}
    assert {len(requests.histories.items) for requests in scorer.asked} == {LENGTH}
    assert min(request_milliseconds(Slow(0.0), 1, 1_000.0)) >= 0


def test_a_busy_machine_throws_no_model_away():
    """Requests of 60 ms while others take the processor, one in between that has it for itself."""
    scorer = Slow(0.06)

    def score(requests, asked=scorer.score):
        scorer.seconds = 0.002 if len(scorer.asked) == 7 else 0.06
        return asked(requests)

    scorer.score = score
    Budget(milliseconds=25.0).require_speed("sequence", scorer, 500)
    assert len(scorer.asked) == 8


def test_nobody_waits_for_a_model_that_computes_far_too_long():
    """5 ms of the processor each time, where 1 ms is allowed: four requests say it, not a second of them."""
    scorer = Slow(0.0)

    def score(requests, asked=scorer.score):
        until = time.thread_time() + 0.005
        while time.thread_time() < until:
            pass
        return asked(requests)

    scorer.score = score
    with pytest.raises(ArtifactRefused, match=r"takes \d+(\.\d+)? ms a request, the least of 3, and 1 are allowed"):
        Budget(milliseconds=1.0).require_speed("home/slow", scorer, 500)
    assert len(scorer.asked) == 4


def test_the_first_request_warms_up_and_one_that_is_quick_is_enough():
    scorer = Slow(0.0)
    Budget(milliseconds=1_000.0).require_speed("quick", scorer, 500)
    assert len(scorer.asked) == 2


def test_a_large_artifact_is_refused_with_its_figures(tmp_path):
    (tmp_path / "scorer").mkdir()
    (tmp_path / "scorer" / "map.npy").write_bytes(b"x" * 1_500)
    (tmp_path / "manifest.json").write_bytes(b"x" * 500)
    Budget(bytes=2_000).require_size(tmp_path)
    with pytest.raises(ArtifactRefused, match="2,000 bytes and 1,999 are allowed"):
        Budget(bytes=1_999).require_size(tmp_path)


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(BadRequest, match="above 0"):
        Budget(milliseconds=0.0)

"""More like this: nearest first, guarantees kept, the seed never among them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from pages import NOW, Linear, world

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.maths.calibration import Platt
from matinee.page import Layout, RowKind
from matinee.profile import Profile
from matinee.surfaces.neighborhood import Neighborhood
from matinee.surfaces.similar import SimilarPolicy
from matinee.testing import check_policy

ROW = Layout(rows=1, columns=8, visible=4, billboard=False)
WEIGHTS = np.random.default_rng(3).normal(size=(60, 60))


def policy() -> SimilarPolicy:
    return SimilarPolicy("similar", "fixed", world(60), Linear(WEIGHTS, np.zeros(60)), Platt(1.0, -2.0))


def asking(seeds: list[int], **fields) -> Requests:
    return Requests.of_histories(
        Histories.empty(len(seeds)), NOW, layout=ROW, about=np.array(seeds, np.int32), surface="similar", **fields
    )


@pytest.mark.parametrize("exploration", [0.0, 0.5])
def test_conformance(exploration):
    check_policy(policy, world(60), asking([3, 5, 59], exploration=exploration))


def test_nearest_first():
    page = policy().decide(asking([7]), np.random.default_rng(0)).page()
    row = WEIGHTS[7].copy()
    row[7] = -np.inf
    assert page.items[0, 0].tolist() == np.argsort(-row)[:8].tolist()
    assert page.name(0, 0) == (RowKind.SIMILAR, ("t7",))
    assert (page.evidence == 7).all()


def test_blocked_titles_are_left_out():
    row = WEIGHTS[7].copy()
    row[7] = -np.inf
    first = int(np.argmax(row))
    asked = asking([7], profiles=(Profile("m", blocked_titles=(f"t{first}",)),))
    page = policy().decide(asked, np.random.default_rng(0)).page()
    assert first not in page.items
    assert 7 not in page.items


def test_a_request_without_a_seed_is_refused():
    with pytest.raises(BadRequest, match="about"):
        policy().decide(replace(asking([1]), about=None), np.random.default_rng(0))


def test_neighbors_are_remembered_up_to_a_bound():
    class Counting(Linear):
        asked = 0

        def score(self, requests):
            Counting.asked += len(requests)
            return super().score(requests)

    near = Neighborhood(Counting(WEIGHTS, np.zeros(60)), k=5, capacity=10)
    first = near.nearest(np.arange(8, dtype=np.int32))
    assert (near.nearest(np.arange(8, dtype=np.int32)) == first).all()
    assert Counting.asked == 8
    near.nearest(np.arange(20, 40, dtype=np.int32))
    near.nearest(np.array([0], np.int32))
    assert Counting.asked == 8 + 20 + 1
    assert (near.nearest(np.array([-1], np.int32)) == -1).all()


def test_a_title_that_takes_long_to_score_holds_up_no_other():
    begun, go = Event(), Event()

    class Slow(Linear):
        def score(self, requests):
            if 7 in requests.histories.items:
                begun.set()
                assert go.wait(60)
            return super().score(requests)

    near, cold = Neighborhood(Slow(WEIGHTS, np.zeros(60)), k=5), np.array([7], np.int32)
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(near.nearest, cold) for _ in range(2)]
        assert begun.wait(60)
        other = threads.submit(near.nearest, np.array([1, 2], np.int32)).result(60)
        assert not any(one.done() for one in asked)
        go.set()
        same = [one.result(60) for one in asked]
    assert other.shape == (2, 5)
    assert (same[0] == same[1]).all()

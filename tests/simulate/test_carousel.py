"""The carousel domain: its values by brute force and by drawing, and the benchmark on it."""

from __future__ import annotations

import sys
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from matinee.simulate.carousel import Carousel, CarouselConfig

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SMALL = CarouselConfig(lists=6, slots=4, visible=2, members=50, asking=30, segments=3, size=2, popularity=-1.0)


@pytest.fixture(scope="module")
def world() -> Carousel:
    return Carousel.drawn(SMALL, np.random.default_rng(0))


def test_the_best_carousel_is_the_best_of_all_orders(world):
    orders = np.array(list(permutations(range(6), 4)), np.int32)
    for member in range(5):
        values = world.best[member] - world.regret(np.full(len(orders), member), orders)
        assert values.max() == pytest.approx(world.best[member])
    np.testing.assert_allclose(world.looks, [1, 1, 0.7, 0.49])


def test_plays_are_as_many_as_the_value_says(world):
    """100,000 carousels of one member: 5 standard errors of a sum of four, at most .03."""
    members, lists = np.zeros(100_000, np.int64), np.tile(np.array([3, 1, 0, 5], np.int32), (100_000, 1))
    played = world.played(members, lists, np.random.default_rng(1))
    expected = world.chances(members[:1], lists[:1])[0] * world.looks
    np.testing.assert_allclose(played.mean(axis=0), expected, atol=0.008)
    assert world.best[0] - world.regret(members[:1], lists[:1])[0] == pytest.approx(expected.sum())


def test_the_benchmark_compares_its_rules_in_a_small_world(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("bench_carousel", None)
    import bench_carousel

    monkeypatch.setattr(bench_carousel, "PAGE", tmp_path / "carousel.html")
    config = CarouselConfig(lists=40, members=400, asking=200, segments=4, size=3, popularity=-2.5)
    found = bench_carousel.run(config=config, days=10)
    regret = {name: one["regret"][0] for name, one in found.items() if isinstance(one, dict) and "regret" in one}
    assert set(regret) == set(bench_carousel.rules(Carousel.drawn(config, np.random.default_rng(0))))
    assert regret["pessimistic prior"] < 0.8 * regret["random"]
    assert found["pessimistic prior"]["ratio"] == [1.0, 1.0, 1.0]
    assert len(found["random"]["days"]) == 1
    assert {"patience 0.5", "patience 0.85"} <= set(found)
    page = (tmp_path / "carousel.html").read_text()
    assert "<svg" in page
    assert page.count("<table>") == 2

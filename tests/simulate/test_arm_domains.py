"""Domains of a few arms: what a course adds up to, phases, and the benchmark of choosers on them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from matinee.policies.independent import GaussianBelief, IndependentConfig
from matinee.simulate.arms import ArmDomain, OfMeans, course

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
UNIFORM = OfMeans(IndependentConfig(GaussianBelief(), floor=1.0))


def test_choosing_by_chance_loses_the_mean_gap_in_every_phase():
    """Gaps 0 and 1 in two phases, swapped: half of 400 decisions; 5 standard errors over 200 learners, some 3.6."""
    domain = ArmDomain(np.array([[0.0, 1.0], [1.0, 0.0]]))
    found = course(domain, UNIFORM, 400, 200, np.random.default_rng(0), each=10)
    assert found.regret[:, -1].mean() == pytest.approx(200, abs=3.6)
    assert (np.diff(found.regret, axis=1) >= 0).all()
    assert found.times[[0, -1]].tolist() == [10, 400]
    assert (found.counts.sum(axis=1) == 400).all()
    np.testing.assert_allclose((found.sums / found.counts).mean(axis=0), 0.5, atol=0.05)


def test_even_noise_stays_within_its_bounds():
    rewards = ArmDomain(np.array([3.0]), 0.5, even=True).rewards(
        np.zeros(1_000, np.int64), 0.0, np.random.default_rng(0)
    )
    assert 2.5 <= rewards.min() < 2.6 < 3.4 < rewards.max() <= 3.5


def test_the_benchmark_tells_all_that_it_says_and_writes_its_page(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("bench_regret", None)
    import bench_regret

    small = {"LEARNERS": 4, "HORIZON": 80, "LONG": 100, "INTERVALS": 20, "PAGE": tmp_path / "regret.html"}
    for name, value in small.items():
        monkeypatch.setattr(bench_regret, name, value)
    found = bench_regret.run()
    assert set(found["ten arms, gap 1"]) == set(bench_regret.RULES)
    assert len(found["coverage"]) == 3
    assert set(found["drift"]) == set(bench_regret.FORGETFUL)
    assert (tmp_path / "regret.html").read_text().count("<svg") == len(bench_regret.DOMAINS) + 1

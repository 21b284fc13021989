"""The benchmark of correction on a small world: its page, its numbers, and that correction gains."""

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bench_debias

    yield bench_debias
    sys.modules.pop("bench_debias", None)


def test_a_small_run_writes_its_page_and_correction_gains(bench, monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "MEMBERS", 250)
    monkeypatch.setattr(bench, "TITLES", 150)
    monkeypatch.setattr(bench, "ASKED", 50)
    monkeypatch.setattr(bench, "CAPS", (2.0, 50.0))
    monkeypatch.setattr(bench, "STRENGTHS", {"A policy <that> pushes": 1.1})
    monkeypatch.setattr(bench, "REPORT", tmp_path / "var" / "debias.html")
    monkeypatch.setattr(bench, "small_world", lambda make=bench.small_world: make(members=250))
    result = bench.run()
    told = result.pop("pages")
    assert told["decisions"]["correlation"] > 0.98 > told["counts"]["correlation"]
    assert told["truth"]["deviation"] == 0.0
    (found,) = (value for value in result.values() if isinstance(value, dict))
    gains = {(one["model"], one["cap"]): one["relative"][0] for one in found["rows"]}
    assert len(gains) == 8
    assert max(gains.values()) > 0.05
    assert gains["EASE, doubly-robust", 2.0] > gains["EASE, doubly-robust", 50.0]  # variance
    assert all(np.isfinite([*one["relative"], *one["biased"], one["effective"]]).all() for one in found["rows"])
    page = (tmp_path / "var" / "debias.html").read_text("utf-8")
    assert "A policy &lt;that&gt; pushes: " in page
    assert "propensities by logged decisions have a correlation of 0.9" in page
    assert page.count("<svg") == 1
    assert page.count('<th scope="row">') == 8

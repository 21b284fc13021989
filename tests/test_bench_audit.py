"""The audit at full size, run small: a live service gives its decisions back, and every key is there."""

from pathlib import Path

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.testing import make_events

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
MEMBERS, TITLES = 40, 60


def dataset() -> Dataset:
    rng, ids = np.random.default_rng(0), [f"t{k}" for k in range(TITLES)]
    frame = pl.DataFrame({"item_id": ids, "title": ids, "genres": [[("Drama", "War")[k % 2]] for k in range(TITLES)]})
    likes = [rng.permutation(TITLES)[:12].tolist() for _ in range(MEMBERS)]
    return Dataset("likes", "made up", Catalog.from_frame(frame), {}, make_events(likes))


def test_it_runs_small(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bench_audit

    monkeypatch.setattr(bench_audit, "GROWTHS", 2)
    result = bench_audit.run(data=dataset(), decisions=60)
    assert result["refused"] == {}
    assert result["asked"] == result["rebuilt"] == result["decisions"] >= 60
    assert (result["titles"], result["swapped"]) == (10, 1)
    assert result["events"] == 3 * result["decisions"] > result["late"] > 0
    assert 0 < result["worst"] <= 1e-6
    assert result["within_1e-6"] == result["within_5e-6"] == 1.0


def test_an_audit_that_finds_differences_tells_how_many_and_how_large(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bench_audit

    from matinee.recipes.audit import Audit

    unlike = "the history given for decision 'a' is not the one it saw"
    found = bench_audit.summary(Audit(3, 1, np.array([0.0, 1.5e-6, 4e-6, 1e-3]), {unlike: 1, "it is gone": 1}))
    assert (found["asked"], found["rebuilt"], found["choices"]) == (3, 2, 4)
    assert [found[f"within_{limit}e-6"] for limit in (1, 2, 5)] == [0.25, 0.5, 0.75]
    assert found["worst"] == 1e-3

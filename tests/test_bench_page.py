"""The benchmark of pages runs whole with each of its models, and gives every key that it names."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
STAGES = ("", "apart_", "eligible_", "scores_", "worth_", "rows_", "page_", "evidence_", "other_")


@pytest.mark.parametrize("model", ["ease", "factors", "popularity"])
def test_it_runs_with_titles_that_nobody_liked(monkeypatch, model):
    """60 members of 60 likes leave some of 1,200 titles without one; EASE keeps no rows for those."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bench_page

    for name, few in (("MEMBERS", 60), ("DECISIONS", 3), ("BATCH", 70), ("BATCHES", 1), ("TURNED", 2)):
        monkeypatch.setattr(bench_page, name, few)
    result = bench_page.run(titles=1_200, model=model)
    for stage in STAGES:
        assert 0 <= result[f"{stage}p50_ms"] <= result[f"{stage}p99_ms"]
    assert result["apart_p50_ms"] < result["p50_ms"]
    assert all(result[f"{name}_times"] > 0 for name in ("novelty", "all_dials"))
    assert ("reads_ms" in result) == (model == "ease")

"""The benchmark of the simulator runs whole, and gives every key that it names."""

from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_it_runs_small(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bench_simulate

    for name, few in (("MEMBERS", 300), ("PAGE_MEMBERS", 50), ("LEARNING_MEMBERS", 100), ("TITLES", 300), ("DAYS", 1)):
        monkeypatch.setattr(bench_simulate, name, few)
    result = bench_simulate.run()
    for name in ("single", "slate", "page", "thompson"):
        assert 0 < result[f"{name}_a_second_median"] <= result[f"{name}_a_second"]
    assert 100 < result["bytes_a_member"] < 1_000


def test_the_long_run_runs_short(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bench_simulate

    for name, few in (("MILLION", 200), ("TITLES", 50), ("MILLION_DAYS", 3)):
        monkeypatch.setattr(bench_simulate, name, few)
    result = bench_simulate.million()
    assert 0 < result["decisions"] < result["visits"]
    assert result["peak_gb"] > 0

"""The benchmark of series runs whole on a small log, and what it offers beats the simpler ways."""

from pathlib import Path

import numpy as np

from matinee.simulate.show_log import ShowLogConfig, show_log

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_what_is_next_beats_what_was_never_finished(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import bench_series

    data = show_log(np.random.default_rng(0), ShowLogConfig(members=30, films=40, series=20, days=40))
    shares = {
        name: float(said.split()[0]) for name, said in bench_series.offered_is_played(data).items() if "P(" in name
    }
    assert shares["P(played | next up)"] > shares["P(played | the first not finished)"]
    taste = bench_series.taste_of_a_binge(data)
    assert 0 < taste["taste, the most played series"] < taste["its share of the plays"] < 1

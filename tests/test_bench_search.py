"""The page on search says what was measured, with a plot for each measure; and its numbers read as they did."""

from pathlib import Path

import pytest

from matinee.evaluate.results import Estimate

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import search_report

    return search_report


def test_it_has_every_number_and_a_plot_for_each_measure(report, tmp_path):
    finders = ("matinee", "peer <x>")
    hits = {
        report.Asked(whole, slips, finder): report.Hits(0.9 - slips / 10, 0.95)
        for whole in (True, False)
        for slips in range(3)
        for finder in finders
    }
    times = {report.LookedUp(size, ", matinee"): report.Times(0.5, 0.75, size / 10_000) for size in (10_000, 50_000)}
    times[report.LookedUp(10_000, ", peer <x>")] = report.Times(1.5, 1.75, 2.25)
    over = {"text": Estimate(0.079, 0.058, 0.102)}
    tastes = [report.Taste("Some data", {"text": 0.457, "taste": 0.536}, over, report.Times(1, 2, 3))]
    report.write("9 names", hits, tastes, times, "a machine", tmp_path / "new" / "search.html")
    page = (tmp_path / "new" / "search.html").read_text("utf-8")
    assert page.count("<svg") == 6  # hit@1 and hit@10, whole and begun; p50 and p99
    assert "Whole names stand first, by slips: 0.900 with 0, 0.800 with 1, 0.700 with 2; among" in page
    assert "+0.079 [+0.058, +0.102]" in page
    assert "peer &lt;x&gt;" in page
    assert "peer <x>" not in page
    assert "p50 1.50 ms, p95 1.75 ms, p99 2.25 ms" in page
    assert "dials.html" in page


def test_lines_for_the_terminal_stay_as_they_were(report):
    assert str(report.Asked(False, 2, "matinee")) == "begun, 2 slips, matinee"
    assert str(report.Hits(0.5, 1.0)) == "hit@1 0.500, hit@10 1.000"
    assert str(report.LookedUp(10_000, " while typing, matinee")) == "10,000 names while typing, matinee"

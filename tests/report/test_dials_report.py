"""The report on dials: words, a plot and every number of each dial; names are escaped."""

from __future__ import annotations

from matinee.evaluate.measure import Metric
from matinee.evaluate.results import Estimate, Line
from matinee.report.dials import DialsReport, TradeOff

OWN = Metric("diversity", "Distance of genres", "higher", "")
COST = Metric("ndcg", "NDCG@10", "higher", "")


def trade() -> TradeOff:
    numbers = {"0": (0.60, 0.062), "1": (0.80, 0.054)}
    lines = [Line(at, {"diversity": _near(own), "ndcg": _near(cost)}) for at, (own, cost) in numbers.items()]
    changes = [Estimate(0, 0, 0), Estimate(-0.008, -0.014, -0.001)]
    return TradeOff("Diversity", "Less <alike>.", OWN, COST, lines, changes)


def _near(one: float) -> Estimate:
    return Estimate(one, one - 0.01, one + 0.01)


def test_it_says_what_a_dial_buys_and_costs(tmp_path):
    path = tmp_path / "new" / "dials.html"
    report = DialsReport("A set of data", [trade()], ["As it was measured."])
    report.write_html(path)
    page = path.read_text("utf-8")
    (said,) = report.findings()
    assert said.startswith("Diversity: from 0 to 1 Distance of genres goes from 0.600")
    assert "changes by" in said
    assert said in page.replace("&#39;", "'")
    assert page.count("<svg") == 1
    assert "Less &lt;alike&gt;." in page
    assert "−0.0080" in page or "-0.0080" in page
    assert "As it was measured." in page

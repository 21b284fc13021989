"""Curves and tables as a page: every number stands in a table, names are escaped."""

from __future__ import annotations

from matinee.report.courses import Series
from matinee.report.curves import Curves, CurvesReport, Rows, Section


def test_a_page_has_plots_and_every_number(tmp_path):
    curves = Curves(
        "bias", "arms", ["10", "100"], [Series("<IPS>", [0.5, 0.25]), Series("DR", [0.125, float("nan")], 1)]
    )
    table = Rows("Speed", ["what", "seconds"], [["a million & more", "0.1"]])
    sections = [Section("Bias", "Of estimates.", [curves]), Section("Speed", "Of one run.", tables=[table])]
    path = tmp_path / "new" / "page.html"
    CurvesReport("Estimates", "In a world.", ["DR is nearest."], sections, ["As it was."]).write_html(path)
    page = path.read_text("utf-8")
    assert page.count("<svg") == 1
    assert "bias over 2 arms: &lt;IPS&gt;, DR" in page
    for said in ("<td>0.5000</td><td>0.2500</td>", "<td>0.1250</td><td>–</td>", "DR is nearest.", "As it was."):
        assert said in page
    assert "a million &amp; more" in page
    assert "<IPS>" not in page

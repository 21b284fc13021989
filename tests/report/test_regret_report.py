"""The report on regret: who loses least, curves with bands, and a page whose names are escaped."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.report.regret import RegretIn, RegretReport

STEPS = np.arange(1, 201)
REGRET = {"good": np.outer([1.0, 1.2, 0.8, 1.0], np.sqrt(STEPS)), "bad": np.outer([0.9, 1.1, 1.0, 1.0], STEPS)}


def domain() -> RegretIn:
    return RegretIn("two <arms>", "An example.", STEPS.tolist(), REGRET)


def test_it_says_who_loses_least_and_how_sure_that_is():
    end = domain().ends["good"]
    assert end.value == pytest.approx(np.sqrt(200))
    half = 1.96 * np.sqrt(200) * np.std([1.0, 1.2, 0.8, 1.0], ddof=1) / 2
    assert (end.low, end.high) == pytest.approx((np.sqrt(200) - half, np.sqrt(200) + half), rel=1e-3)
    assert domain().finding.startswith("two <arms>: good loses least, 14.1")
    assert domain().finding.endswith("after 200 decisions.")


def test_curves_have_fifty_points_at_most_and_a_band():
    good, bad = domain().curves
    assert len(good.values) == len(good.lows) == len(domain().said) == 50
    assert (domain().said[0], domain().said[-1]) == ("1", "200")
    assert bad.values[-1] == pytest.approx(200)
    assert bad.lows[-1] < 200 < bad.highs[-1]


def test_the_page_has_a_plot_and_a_table_for_each_domain(tmp_path):
    RegretReport("Regret", [domain(), domain()], ["By hand."]).write_html(tmp_path / "deep" / "regret.html")
    page = (tmp_path / "deep" / "regret.html").read_text()
    assert page.count("<svg") == 2
    assert page.count("<table>") == 2
    assert "two &lt;arms&gt;" in page
    assert "<arms>" not in page

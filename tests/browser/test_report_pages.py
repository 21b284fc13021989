"""Report pages on screens: long words wrap, so that a verdict is read without scrolling."""

from __future__ import annotations

from pathlib import Path

import pytest

from matinee.evaluate.counterfactual import Counterfactual, Part
from matinee.evaluate.results import Estimate
from matinee.report.counterfactual import CounterfactualReport

pytestmark = pytest.mark.browser
LONG = "at least 87 % of its choices are such as the log never makes, or hardly ever"
ESTIMATORS = {"IPS": 0.061, "SNIPS": 0.062, "DR": 0.063, "MIPS": 0.061, "CIPS": 0.06}


@pytest.fixture
def report(tmp_path) -> Path:
    """What a log tells of a policy on two parts of its decisions: all, and nothing."""
    logged, change = Estimate(0.061, 0.055, 0.067), Estimate(0.19, -0.08, 0.3)
    told = Part("first title", 20_432, 812, 5_123.0, 0.0, logged, logged, change, change, ESTIMATORS, "")
    parts = (told, Part("whole page", 20_432, 812, 34.0, 0.87, logged, logged, change, change, ESTIMATORS, LONG))
    CounterfactualReport(Counterfactual("ease", "home", "played", 7.0, 20_432, parts)).write_html(tmp_path / "r.html")
    return tmp_path / "r.html"


@pytest.mark.parametrize("width", [390, 1280])
def test_the_words_of_a_verdict_wrap(browser, report, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    verdict = page.locator("tbody td:first-of-type").last
    assert LONG in verdict.inner_text()
    box = verdict.bounding_box()
    assert box["x"] + box["width"] <= width, "the verdict is read without scrolling"
    assert box["height"] > 3 * 16, "it stands on several lines"
    wider = page.locator(".wide").evaluate("(one) => one.scrollWidth - one.clientWidth")
    assert width == 390 or wider == 0
    assert "−10 %" in page.locator("svg").text_content()
    page.close()

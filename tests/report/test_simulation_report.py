"""The report on a simulation: every policy and day is on the page, and what is not known is not drawn."""

import re

import numpy as np
import pytest

from matinee.decision.whom import listed
from matinee.evaluate.results import Estimate
from matinee.policies.uniform import Uniform
from matinee.report.simulation import Judgement, SimulationReport, Truth
from matinee.simulate.loop import simulate
from matinee.simulate.world import World
from matinee.testing import make_catalog

CATALOG = make_catalog(20)
DAYS = 9


@pytest.fixture(scope="module")
def result():
    """Two policies that are one: no difference, and no return rate for the last week."""
    return simulate(
        lambda: World.drawn(150, CATALOG, seed=1), {"one": Uniform(CATALOG), "<b>two": Uniform(CATALOG)}, DAYS
    )


@pytest.fixture
def page(result, tmp_path):
    def write(**parts) -> str:
        SimulationReport(result, **parts).write_html(tmp_path / "page.html")
        return (tmp_path / "page.html").read_text()

    return write


def test_every_policy_and_day_is_there_and_nothing_else_is_needed(page):
    text = page()
    assert "A simulation of one and &lt;b&gt;two" in text
    assert "<b>two" not in text
    assert len(re.findall(r'<th scope="row">\d+</th>', text)) == 2 * DAYS
    assert not re.search(r"https?://|<script|nan", text)
    assert text.count("<svg") == 9  # value, regret, six over days, one difference
    assert "Estimates against the truth" not in text
    assert "An experiment in one world" not in text


def test_findings_say_what_is_clear(result):
    said = list(SimulationReport(result).findings())
    assert said[0] == "<b>two and one: no clear difference."
    day = result.days.filter(policy="one")["regret"]
    assert f"one {day[0]:.3f} to {day[-1]:.3f}" in said[1]


def test_estimates_stand_beside_the_truth(result, page):
    told = [Truth("two", Estimate(0.2, 0.1, 0.3), 0.25), Truth("three", Estimate(0.2, 0.1, 0.3), 0.35)]
    judgements = [Judgement("one", told, {"four": "effective sample size 2 of 900"}), Judgement("five", [], {})]
    said = list(SimulationReport(result, judgements).findings())
    assert said[-2:] == [
        "Estimates from a log whose interval holds the truth: 1 of 2, not those of three from the log of one.",
        "What the log of one cannot tell: four, effective sample size 2 of 900.",
    ]
    text = page(judgements=judgements)
    assert text.count('class="truth"') == 4  # two strokes a cross
    assert "0.3500" in text
    assert text.count("Estimates against the truth") == 1


def test_names_are_listed_as_people_do():
    assert [listed(one) for one in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_value_and_best_are_the_days_own(result):
    report = SimulationReport(result)
    one, _, best = report._value()
    known = result.days.filter(policy="one")
    np.testing.assert_allclose(np.array(best.values) - np.array(one.values), known["regret"].to_numpy(), atol=1e-12)
